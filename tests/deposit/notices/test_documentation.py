"""What the pages on notices say is so: the verification example, the schema of the body, the types."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from django.conf import settings as configured
from django.contrib.auth.models import Permission, User

from deposit import lifecycle
from deposit.lifecycle import Work
from deposit.models import Deposit, EventName, Finding, NoticeType, Status, WorkItem
from deposit.notices import signing, standing, subscriptions
from deposit.services import expiry
from tests.support.factories import new_client, new_collection, new_deposit
from tests.support.lifecycle_fixtures import ORIGIN, claimed, in_status
from tests.support.notices import subscribed, user_actor, work_off
from tests.support.webhook_receiver import Receiver, receiver

DOCS = Path(__file__).resolve().parents[3] / "docs"
SCHEMA: dict[str, Any] = json.loads((DOCS / "reference/webhook-body.schema.json").read_text())


def example() -> Any:
    """The function of the how-to page."""
    page = (DOCS / "how-to/receive-webhooks.md").read_text()
    names: dict[str, Any] = {}
    exec(re.findall(r"```python\n(.*?)```", page, re.DOTALL)[0], names)  # noqa: S102 - our own page
    return names["verified"]


@pytest.fixture(name="hook")
def _hook(settings: Any) -> Any:
    with receiver() as held:
        settings.WEBHOOK_PRIVATE_HOSTS = ["127.0.0.1"]
        yield held


@pytest.fixture(name="user")
def _user() -> User:
    user = new_client(new_collection("hal"), username="ada").user
    user.user_permissions.add(Permission.objects.get(codename="operate"))
    return User.objects.get(pk=user.pk)


class Alert:
    code = "queue.full"
    severity = "error"
    sentence = "100000 deposits wait."


def own(user: User) -> Deposit:
    return new_deposit(user.client, user.client.collections.get(), origin_url=ORIGIN)


def every_kind(user: User) -> None:
    """One event of each type that can be told, as far as the service makes them."""
    in_status(Status.DONE, own(user))
    for event in (EventName.REJECT, EventName.HOLD):
        deposit = in_status(Status.DEPOSITED, own(user))
        Finding.objects.create(
            deposit=deposit, area="archive", code="zip.crc", severity="error", message="Damaged."
        )
        lifecycle.fire(event, deposit.pk, actor="checker", token=claimed(Work.CHECK, deposit).token)
    in_status(Status.FAILED, own(user))
    in_status(Status.EXPIRED, own(user))
    partial = own(user)
    lifecycle.record(
        partial, expiry.TOLD, actor="x", source="partial", target="partial", expires="2026-12-01T00:00"
    )
    lifecycle.record(
        partial, EventName.ASK, actor="x", delivery=1, question="How?", options={"retry": "Again."}
    )
    standing.tell([Alert()])


@pytest.mark.django_db(transaction=True)
def test_every_body_is_as_the_schema_says(hook: Receiver, user: User) -> None:
    every = [each.value for each in subscriptions.choices_for(user)]
    subscription, _ = subscribed(user, hook.url, reach="all", events=every)
    every_kind(user)
    subscriptions.test(actor=user_actor(user), subscription_id=subscription.pk)
    work_off()
    bodies = [json.loads(body) for body in hook.bodies()]
    validator = jsonschema.Draft202012Validator(SCHEMA)
    for body in bodies:
        assert [str(error) for error in validator.iter_errors(body)] == []
    assert {body["type"] for body in bodies} == {
        "deposit.done",
        "deposit.rejected",
        "deposit.held",
        "deposit.failed",
        "deposit.expired",
        "deposit.expiring",
        "delivery.asking",
        "alert.queues",
        "notice.test",
    }
    assert not WorkItem.objects.filter(queue="notices").exists()


@pytest.mark.django_db(transaction=True)
def test_the_example_verifies_what_is_sent_and_nothing_else(hook: Receiver, user: User) -> None:
    verified = example()
    subscription, secret = subscribed(user, hook.url)
    subscriptions.test(actor=user_actor(user), subscription_id=subscription.pk)
    work_off()
    (request,) = hook.requests
    assert verified(secret, request.headers, request.body)["type"] == "notice.test"
    with pytest.raises(ValueError, match="not signed"):
        verified(secret, request.headers, request.body + b" ")
    with pytest.raises(ValueError, match="not signed"):
        verified(signing.new_secret(), request.headers, request.body)
    old = signing.headers("msg_1", 1, b"{}", [secret])
    with pytest.raises(ValueError, match="too old"):
        verified(secret, old, b"{}")


def test_the_schema_and_the_page_know_every_type() -> None:
    types = {each.value for each in NoticeType}
    assert set(SCHEMA["properties"]["type"]["enum"]) == types
    page = (DOCS / "reference/notices.md").read_text()
    assert {each for each in types if f"`{each}`" not in page} == set()


def test_the_page_tells_the_waits_that_are_set() -> None:
    told = ",".join(f"{wait:g}" for wait in configured.NOTICE_RETRY_SECONDS)
    assert f"| `NOTICE_RETRY_SECONDS` | `{told}` |" in (DOCS / "reference/settings.md").read_text()
