"""Clients and collections by command: what is done, who may, and that the audit tells of it."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from deposit.actors import Actor, Channel, system_actor
from deposit.models import AuditRecord, Client, Collection
from deposit.refusals import Refusal
from deposit.services import accounts
from tests.support.factories import PASSWORD

NO_PROFILE: dict[str, Any] = {
    "profile": "",
    "profile_options": {},
    "bag_profile": None,
    "special_files": False,
    "source_only": False,
    "top_folder": "",
    "confirm_warnings": False,
    "destinations": ["archive"],
}


def manage(*words: str) -> Any:
    out = io.StringIO()
    call_command(*words, "--json", stdout=out)
    return json.loads(out.getvalue())


def audited() -> list[tuple[str, str]]:
    return list(AuditRecord.objects.order_by("id").values_list("operation", "subject"))


def test_a_collection_is_private_until_it_is_made_public(db: None) -> None:
    made = manage("collection", "create", "--name", "maps", "--title", "Maps")
    assert made == {
        "name": "maps",
        "title": "Maps",
        "public": False,
        "closed": True,
        **NO_PROFILE,
    }
    changed = manage("collection", "set", "--name", "maps", "--public", "--no-closed")
    assert changed == {"name": "maps", "title": "Maps", "public": True, "closed": False, **NO_PROFILE}
    assert manage("collection", "set", "--name", "maps", "--no-public")["public"] is False
    assert manage("collection", "create", "--name", "open", "--public")["public"] is True
    assert audited() == [
        ("collection.create", "collection maps"),
        ("collection.change", "collection maps"),
        ("collection.change", "collection maps"),
        ("collection.create", "collection open"),
    ]
    assert AuditRecord.objects.order_by("id")[1].detail == {"public": True, "closed": False}


def test_a_collection_that_is_not_there_is_not_changed(db: None) -> None:
    with pytest.raises(CommandError, match="There is no collection maps"):
        manage("collection", "set", "--name", "maps", "--public")
    assert audited() == []


def test_what_is_done_to_a_client_is_told_and_its_password_is_not(db: None) -> None:
    manage(
        *("user", "create", "--username", "ada", "--password", PASSWORD),
        *("--collection", "maps", "--provider-url", "https://ada.example.org/"),
    )
    for words in (
        ("grant", "--collection", "books"),
        ("revoke", "--collection", "maps"),
        ("disable",),
        ("enable",),
        ("set-password", "--password", f"another {PASSWORD}"),
    ):
        manage("user", words[0], "--username", "ada", *words[1:])
    assert audited() == [
        ("client.create", "user ada"),
        ("collection.create", "collection maps"),
        ("membership.grant", "user ada"),
        ("collection.create", "collection books"),
        ("membership.grant", "user ada"),
        ("membership.revoke", "user ada"),
        ("user.disable", "user ada"),
        ("user.enable", "user ada"),
        ("user.password", "user ada"),
    ]
    assert {record.via["door"] for record in AuditRecord.objects.all()} == {"command"}
    assert PASSWORD not in str(list(AuditRecord.objects.values()))


def test_only_administrators_change_accounts(depositor: Client, collection: Collection) -> None:
    actor, before = Actor(user=depositor.user, channel=Channel.API), Collection.objects.count()
    attempts: list[Callable[[], object]] = [
        lambda: accounts.create_collection(actor=actor, name="mine"),
        lambda: accounts.change_collection(actor=actor, name="hal", public=True),
        lambda: accounts.grant(actor=actor, username="hal", collection="mine"),
        lambda: accounts.revoke(actor=actor, username="hal", collection="hal"),
        lambda: accounts.set_active(actor=actor, username="hal", active=False),
        lambda: accounts.set_password(actor=actor, username="hal", password=PASSWORD),
        lambda: accounts.create_client(
            actor=actor, username="x", password=None, collections=[], provider_url="https://x.example.org/"
        ),
    ]
    for attempt in attempts:
        with pytest.raises(Refusal):
            attempt()
    assert (Collection.objects.count(), Client.objects.count(), audited()) == (before, 1, [])
    assert not Collection.objects.get().public


def test_a_right_that_is_refused_halfway_leaves_nothing(depositor: Client) -> None:
    with pytest.raises(accounts.AccountError):
        accounts.grant(actor=system_actor(Channel.COMMAND), username="hal", collection="no such name/")
    assert (Collection.objects.count(), audited()) == (1, [])


def test_a_collection_is_given_a_profile_and_its_options(db: None) -> None:
    made = manage("collection", "create", "--name", "maps", "--profile", "transfer-package")
    assert (made["profile"], made["profile_options"]) == ("transfer-package", {})
    changed = manage(
        "collection", "change", "--name", "maps", "--identifier-columns", "a,b", "--rights-required"
    )
    assert changed["profile"] == "transfer-package"
    assert changed["profile_options"] == {"identifier_columns": ["a", "b"], "rights_required": True}
    assert manage("collection", "change", "--name", "maps", "--profile", "")["profile"] == ""


def test_a_collection_is_given_a_bag_profile(db: None, tmp_path: Path) -> None:
    profile = {"BagIt-Profile-Info": {"BagIt-Profile-Identifier": "https://example.org/p.json"}}
    file = tmp_path / "p.json"
    file.write_text(json.dumps(profile))
    made = manage("collection", "create", "--name", "maps", "--bag-profile", str(file), "--special-files")
    assert (made["bag_profile"], made["special_files"]) == (profile, True)
    assert manage("collection", "change", "--name", "maps", "--bag-profile", "")["bag_profile"] is None


@pytest.mark.parametrize("text", ['{"a": 1}', "no JSON", '["x"]'])
def test_what_is_no_bag_profile_is_refused(db: None, tmp_path: Path, text: str) -> None:
    (tmp_path / "p.json").write_text(text)
    with pytest.raises(CommandError, match="profile"):
        manage("collection", "create", "--name", "maps", "--bag-profile", str(tmp_path / "p.json"))
    assert not Collection.objects.exists()
