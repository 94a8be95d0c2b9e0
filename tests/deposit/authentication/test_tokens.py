"""API tokens at the door."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client as HttpClient
from django.utils import timezone

from deposit.actors import Actor, Channel, system_actor
from deposit.models import ApiToken, AuditRecord, Client
from deposit.refusals import Refusal
from deposit.services import tokens
from deposit.token_format import digest, looks_like_a_token, new_token
from tests.deposit.authentication.test_passwords import without_time
from tests.support.factories import basic, new_client

STATUS = "/1/servicedocument/"
COMMAND = system_actor(Channel.COMMAND)


def token_for(client: Client, *scopes: str, days: int = 30, name: str = "laptop") -> tuple[ApiToken, str]:
    return tokens.issue(
        actor=COMMAND, user=client.user, name=name, scopes=scopes or ("deposit", "read"), days=days
    )


def bearer(http: HttpClient, text: str) -> Any:
    return http.get(STATUS, headers={"Authorization": f"Bearer {text}"}, REMOTE_ADDR="192.0.2.9")


def test_a_token_is_recognised_by_its_form() -> None:
    text = new_token()
    assert re.fullmatch(r"dpt_[0-9A-Za-z]{49}", text)
    assert looks_like_a_token(text)
    assert not looks_like_a_token(text[:-1] + ("0" if text[-1] != "0" else "1"))
    assert not looks_like_a_token(text + "0")
    assert not looks_like_a_token("dpt_")


def test_a_token_opens_and_its_use_is_noted(client: HttpClient, depositor: Client) -> None:
    token, text = token_for(depositor)
    assert bearer(client, text).status_code == 200
    token.refresh_from_db()
    assert token.last_used_from == "192.0.2.9"
    assert token.last_used_at is not None
    assert timezone.now() - token.last_used_at < timedelta(minutes=1)


def test_a_token_costs_one_query_while_its_use_is_fresh(
    client: HttpClient, depositor: Client, django_assert_num_queries: Any
) -> None:
    _, text = token_for(depositor)
    bearer(client, text)
    with django_assert_num_queries(2):  # the token with its user and client; the collections
        assert bearer(client, text).status_code == 200


def test_only_the_digest_of_a_token_is_kept(depositor: Client) -> None:
    token, text = token_for(depositor)
    row = ApiToken.objects.values().get()
    assert text not in str(row)
    assert (row["digest"], row["start"]) == (digest(text), text[:10])
    assert str(token) == f"{text[:10]}… (laptop)"


def test_a_token_goes_where_the_password_goes(client: HttpClient, depositor: Client) -> None:
    _, text = token_for(depositor)
    new_client(username="other")
    assert client.get(STATUS, headers={"Authorization": basic("hal", text)}).status_code == 200
    assert client.get(STATUS, headers={"Authorization": basic("other", text)}).status_code == 401


def test_expired_revoked_unknown_and_disabled_are_told_the_same(
    client: HttpClient, depositor: Client
) -> None:
    expired, expired_text = token_for(depositor, name="expired")
    now = timezone.now()
    ApiToken.objects.filter(pk=expired.pk).update(
        created_at=now - timedelta(days=2), expires_at=now - timedelta(seconds=1)
    )
    revoked, revoked_text = token_for(depositor, name="revoked")
    tokens.revoke(actor=COMMAND, token_id=revoked.pk)
    gone = new_client(username="gone")
    _, gone_text = token_for(gone)
    gone.user.is_active = False
    gone.user.save()
    answers = [bearer(client, text) for text in (expired_text, revoked_text, new_token(), gone_text, "dpt_x")]
    assert [answer.status_code for answer in answers] == [401] * 5
    assert len({without_time(answer.content) for answer in answers}) == 1
    assert {answer["WWW-Authenticate"] for answer in answers} == {
        'Bearer realm="deposit", error="invalid_token"'
    }


def test_a_token_cannot_make_or_revoke_tokens(depositor: Client) -> None:
    token, _ = token_for(depositor)
    with_token = Actor(user=depositor.user, channel=Channel.API, token_id=token.pk)
    with pytest.raises(Refusal) as refused:
        tokens.issue(actor=with_token, user=depositor.user, name="more", scopes=["read"])
    assert refused.value.code == "auth.scope"
    with pytest.raises(Refusal):
        tokens.revoke(actor=with_token, token_id=token.pk)


def test_an_owner_keeps_the_own_tokens_and_no_others(depositor: Client) -> None:
    owner = Actor(user=depositor.user, channel=Channel.DASHBOARD)
    stranger = Actor(user=new_client().user, channel=Channel.DASHBOARD)
    token, _ = tokens.issue(actor=owner, user=depositor.user, name="mine", scopes=["read"])
    assert list(tokens.tokens_of(actor=owner, user=depositor.user)) == [token]
    with pytest.raises(Refusal):
        tokens.tokens_of(actor=stranger, user=depositor.user)
    with pytest.raises(Refusal) as foreign:
        tokens.revoke(actor=stranger, token_id=token.pk)
    with pytest.raises(Refusal) as missing:
        tokens.revoke(actor=stranger, token_id=token.pk + 1000)
    assert foreign.value.code == missing.value.code == "token.unknown"
    assert tokens.revoke(actor=owner, token_id=token.pk).revoked_at is not None


@pytest.mark.parametrize(
    ("name", "scopes", "days"),
    [("", ["read"], 1), ("x", [], 1), ("x", ["read"], 0), ("x", ["read"], 10_000), ("x", ["root"], 1)],
)
def test_a_token_needs_a_name_a_known_scope_and_an_end(
    depositor: Client, name: str, scopes: list[str], days: int
) -> None:
    with pytest.raises(Refusal):
        tokens.issue(actor=COMMAND, user=depositor.user, name=name, scopes=scopes, days=days)
    assert ApiToken.objects.count() == 0


def test_two_tokens_of_a_user_have_two_names_until_one_is_revoked(depositor: Client) -> None:
    first, _ = token_for(depositor)
    with pytest.raises(Refusal) as refused:
        token_for(depositor)
    assert refused.value.code == "token.name_taken"
    tokens.revoke(actor=COMMAND, token_id=first.pk)
    token_for(depositor)


def test_making_and_revoking_is_audited_without_the_token(depositor: Client) -> None:
    token, text = token_for(depositor)
    tokens.revoke(actor=COMMAND, token_id=token.pk)
    tokens.revoke(actor=COMMAND, token_id=token.pk)
    rows = list(AuditRecord.objects.values())
    assert [(row["operation"], row["subject"]) for row in rows] == [
        ("token.create", "user hal"),
        ("token.revoke", "user hal"),
    ]
    assert text not in str(rows)
    assert digest(text) not in str(rows)


@pytest.mark.parametrize(
    "wrong",
    [
        {"digest": "x"},
        {"scopes": []},
        {"scopes": ["root"]},
        {"expires_at": timezone.now() - timedelta(days=9)},
    ],
)
def test_the_database_refuses_a_token_that_cannot_be(depositor: Client, wrong: dict[str, Any]) -> None:
    token, _ = token_for(depositor)
    with pytest.raises(IntegrityError), transaction.atomic():
        ApiToken.objects.filter(pk=token.pk).update(**wrong)
