"""Who did what, when, from where, through which channel."""

import io
import json
from typing import Any

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.test import Client as HttpClient

from deposit import audit
from deposit.actors import Actor, Channel, acting, current_actor, system_actor
from deposit.models import AuditRecord, Client, Deposit
from deposit.permissions import Role
from deposit.refusals import Refusal
from deposit.services import operations, roles, tokens
from tests.deposit.sword.test_views import post_zip
from tests.support.samples import make_zip

COMMAND = system_actor(Channel.COMMAND)


def lines(**bounds: Any) -> list[dict[str, Any]]:
    return [json.loads(line) for line in audit.lines(actor=COMMAND, **bounds)]


def test_a_deposit_is_told_with_door_address_and_user(http: HttpClient) -> None:
    http.get("/1/servicedocument/")
    response = post_zip(http, make_zip({"a": b"a"}), **{"In-Progress": "true"})
    assert response.status_code == 201
    (line,) = lines()
    number = Deposit.objects.get().pk
    assert {name: line[name] for name in ("operation", "actor", "subject", "via")} == {
        "operation": "deposit.create",
        "actor": "client:hal",
        "subject": f"deposit {number}",
        "via": {"door": "sword", "address": "127.0.0.1", "user": "hal"},
    }


def test_a_token_is_told_by_its_number(client: HttpClient, depositor: Client) -> None:
    token, text = tokens.issue(actor=COMMAND, user=depositor.user, name="x", scopes=["deposit"])
    client.defaults["HTTP_AUTHORIZATION"] = f"Bearer {text}"
    post_zip(client, make_zip({"a": b"a"}))
    told = lines()
    assert [line["via"].get("token") for line in told] == [None, token.pk, token.pk]
    assert text not in json.dumps(told)


def test_commands_and_operators_are_told_too(http: HttpClient) -> None:
    post_zip(http, make_zip({"a": b"a"}), **{"In-Progress": "true"})
    call_command("deposit", "expire", "--deposit-id", str(Deposit.objects.get().pk), stdout=io.StringIO())
    assert [(line["operation"], line["via"]["door"]) for line in lines()] == [
        ("deposit.create", "sword"),
        ("deposit.expire", "command"),
    ]


def test_times_bound_what_is_told(depositor: Client) -> None:
    for number in range(3):
        audit.record("test", subject=str(number), actor=COMMAND)
    at = [record.at for record in AuditRecord.objects.order_by("id")]
    assert [line["subject"] for line in lines(since=at[1])] == ["1", "2"]
    assert [line["subject"] for line in lines(until=at[1])] == ["0"]


def test_the_command_writes_json_lines(depositor: Client, capsys: Any) -> None:
    audit.record("test", subject="x", actor=COMMAND, number=1)
    call_command("audit", "export", "--since", "2020-01-01")
    assert [json.loads(line)["detail"] for line in capsys.readouterr().out.splitlines()] == [{"number": 1}]


@pytest.mark.parametrize(
    "change", [lambda rows: rows.update(actor="x"), lambda rows: rows._raw_delete("default")]
)
def test_the_database_refuses_to_change_it(db: None, change: Any) -> None:
    audit.record("test", actor=COMMAND)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        change(AuditRecord.objects.all())
    assert AuditRecord.objects.count() == 1


@pytest.mark.parametrize(
    ("table", "trigger"),
    [("deposit_auditrecord", "deposit_audit_no_truncate"), ("deposit_event", "deposit_event_no_truncate")],
)
def test_the_database_refuses_to_empty_it(db: None, table: str, trigger: str) -> None:
    with connection.cursor() as cursor:
        # Off in tests, for their own cleaning up.
        cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER {trigger}")
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            cursor.execute(f"TRUNCATE {table}")
        cursor.execute("SELECT tgname FROM pg_trigger WHERE tgrelid = %s::regclass", [table])
        assert {name for (name,) in cursor.fetchall()} == {
            trigger,
            trigger.replace("no_truncate", "append_only"),
        }


def test_only_administrators_read_it(depositor: Client) -> None:
    with pytest.raises(Refusal):
        audit.lines(actor=Actor(user=depositor.user, channel=Channel.API))
    roles.grant(actor=COMMAND, username="hal", role=Role.ADMINISTRATOR)
    administrator = Actor(user=type(depositor.user).objects.get(pk=depositor.user.pk), channel=Channel.API)
    assert len(list(audit.lines(actor=administrator))) == 1
    with_token = Actor(user=administrator.user, channel=Channel.API, token_id=1)
    with pytest.raises(Refusal):
        audit.lines(actor=with_token)


def test_roles_are_granted_and_withdrawn_by_administrators_alone(depositor: Client) -> None:
    stranger = Actor(user=depositor.user, channel=Channel.DASHBOARD)
    with pytest.raises(Refusal):
        roles.grant(actor=stranger, username="hal", role=Role.OPERATOR)
    roles.grant(actor=COMMAND, username="hal", role=Role.OPERATOR)
    roles.withdraw(actor=COMMAND, username="hal", role=Role.OPERATOR)
    depositor.user.refresh_from_db()
    assert not depositor.user.is_staff
    assert [line["operation"] for line in lines()] == ["role.grant", "role.withdraw"]


def test_nobody_acts_after_a_request(http: HttpClient) -> None:
    http.get("/1/servicedocument/")
    assert current_actor() is None
    with acting(COMMAND):
        http.get("/1/servicedocument/")
        assert current_actor() is COMMAND


def test_an_operation_without_a_door_is_the_schedulers(http: HttpClient) -> None:
    post_zip(http, make_zip({"a": b"a"}), **{"In-Progress": "true"})
    operations.expire(deposit_id=Deposit.objects.get().pk, actor=system_actor(Channel.SCHEDULER))
    assert lines()[-1]["actor"] == "scheduler"
