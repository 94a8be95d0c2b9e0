"""Idempotency-Key and API tokens at the JSON API."""

import pytest
from django.test import Client as HttpClient

from deposit.actors import Channel, system_actor
from deposit.models import Client, Deposit, Event
from deposit.permissions import Role
from deposit.services import roles, tokens
from tests.deposit.test_roles import SWHID
from tests.support.factories import http_client, new_client, new_deposit

COMMAND = system_actor(Channel.COMMAND)


@pytest.fixture
def done(depositor: Client) -> Deposit:
    deposit = new_deposit(depositor, depositor.collections.get())
    Deposit.objects.filter(pk=deposit.pk).update(
        status="done",
        swhid=SWHID,
        swhid_context=SWHID,
        origin_url="https://hal.example.org/x",
        complete_date=deposit.reception_date,
        verified_date=deposit.reception_date,
    )
    return deposit


@pytest.fixture
def operator(db: None) -> HttpClient:
    client = new_client(username="operator")
    roles.grant(actor=COMMAND, username="operator", role=Role.OPERATOR)
    return http_client(client)


def act(http: HttpClient, deposit: Deposit, action: str, key: str = "") -> int:
    headers = {"Idempotency-Key": key} if key else {}
    address = f"/api/deposits/{deposit.pk}/actions/"
    return http.post(
        address, {"action": action}, content_type="application/json", headers=headers
    ).status_code


def test_an_action_is_done_once_under_a_key(operator: HttpClient, done: Deposit) -> None:
    assert act(operator, done, "reschedule") == 200
    assert act(operator, done, "reschedule") == 409
    Deposit.objects.filter(pk=done.pk).update(status="failed")
    assert [act(operator, done, "reschedule", "again"), act(operator, done, "reschedule", "again")] == [
        200,
        200,
    ]
    assert act(operator, done, "recheck", "again") == 422
    assert Event.objects.filter(name="reschedule").count() == 2


def test_an_operators_token_acts_only_with_the_scope(operator: HttpClient, done: Deposit) -> None:
    user = new_client(username="robot").user
    roles.grant(actor=COMMAND, username="robot", role=Role.OPERATOR)
    statuses = {}
    for scope in ("read", "deposit", "operate"):
        _, text = tokens.issue(actor=COMMAND, user=user, name=scope, scopes=[scope])
        http = HttpClient(headers={"Authorization": f"Bearer {text}"})
        statuses[scope] = act(http, done, "reschedule")
    assert statuses == {"read": 403, "deposit": 403, "operate": 200}


def test_a_bad_token_is_challenged_as_a_token(client: HttpClient, db: None) -> None:
    response = client.get("/api/deposits/", headers={"Authorization": "Bearer dpt_x"})
    assert response.status_code == 401
    assert response["WWW-Authenticate"] == 'Bearer realm="deposit", error="invalid_token"'
