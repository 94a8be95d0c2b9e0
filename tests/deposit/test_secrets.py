"""No password, token or key in logs, answers, events or a dump of the database."""

import logging
import os
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client as HttpClient

from deposit.actors import Channel, system_actor
from deposit.authentication import passwords
from deposit.authentication.provider import provider
from deposit.models import Client
from deposit.services import tokens
from deposit.token_format import new_token
from tests.deposit.sword.test_views import post_zip
from tests.support.factories import PASSWORD, basic, http_client
from tests.support.identity.server import CLIENT, REALM, SECRET, IdentityServer
from tests.support.samples import make_zip
from tests.support.secrets_in_logs import SecretsInLogs

WRONG = "a wrong password nobody should read"


@pytest.fixture
def identity(settings: Any) -> Iterator[IdentityServer]:
    with IdentityServer() as server:
        settings.KEYCLOAK_SERVER_URL, settings.KEYCLOAK_REALM = server.url, REALM
        settings.KEYCLOAK_CLIENT_ID, settings.KEYCLOAK_CLIENT_SECRET = CLIENT, SECRET
        provider.cache_clear()
        yield server
        provider.cache_clear()


def dump() -> str:
    """Every row of every table, as text."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()"
        )
        tables = [name for (name,) in cursor.fetchall()]
        rows = []
        for table in tables:
            cursor.execute(f'SELECT t::text FROM "{table}" t')  # noqa: S608  (names from the catalogue)
            rows += [text for (text,) in cursor.fetchall()]
    assert len(rows) > 100
    return "\n".join(rows)


@pytest.mark.skipif("TEST_FAULTS" not in os.environ, reason="takes ten seconds: set TEST_FAULTS=1")
def test_what_was_shown_to_be_let_in_is_found_nowhere(
    depositor: Client, client: HttpClient, identity: IdentityServer, caplog: Any, capsys: Any
) -> None:
    caplog.set_level(logging.DEBUG)
    identity.passwords["ada"] = "ada's very own password"
    passwords.credential_cache.forget_all()
    token, text = tokens.issue(
        actor=system_actor(Channel.COMMAND), user=depositor.user, name="laptop", scopes=["deposit", "read"]
    )
    access = identity.token("hal")
    secrets = [PASSWORD, WRONG, text, text[4:], access, SECRET, "ada's very own password"]
    secrets += [
        value.removeprefix("Basic ") for value in (basic("hal"), basic("hal", WRONG), basic("hal", text))
    ]

    answers = [post_zip(http_client(depositor), make_zip({"a": b"a"}), **{"Idempotency-Key": "one"})]
    headers = [basic("hal", WRONG), basic("nobody", WRONG), basic("hal", text), basic("other", text)]
    headers += [basic("ada", "ada's very own password"), basic(WRONG, "x")]
    headers += [f"Bearer {shown}" for shown in (text, text[:-1] + "x", access, access[:-3] + "abc")]
    for header in headers:
        for address in ("/1/servicedocument/", "/api/deposits/", "/1/hal/1/atom/", "/archive/x/"):
            answers.append(client.get(address, headers={"Authorization": header}))
    form = {"username": "hal", "password": WRONG}
    answers += [client.post("/login/", form), client.post("/admin/login/", form)]
    tokens.revoke(actor=system_actor(Channel.COMMAND), token_id=token.pk)
    call_command("audit", "export")

    bodies = "\n".join(f"{answer.headers}{answer.content.decode(errors='replace')}" for answer in answers)
    places = {
        "logs": caplog.text,
        "answers": bodies,
        "database": dump(),
        "audit": capsys.readouterr().out,
    }
    found = [(place, secret) for place, words in places.items() for secret in secrets if secret in words]
    assert found == []


@pytest.mark.parametrize(
    "line",
    [
        f"user hal with {PASSWORD}",
        "Authorization: Basic aGFsOnRoaXMgb25l",
        f"shown {new_token()} at the door",
    ],
    ids=["password", "header", "token"],
)
def test_the_watch_over_the_logs_of_all_tests_knows_a_secret(line: str) -> None:
    watch = SecretsInLogs()
    for text in (line, "Authorization header of another kind", "token dpt_x of user 7"):
        watch.handle(logging.makeLogRecord({"msg": text, "name": "x"}))
    assert [found.removeprefix("x ") for found in watch.found] == [line]
