"""Basic, with the identity provider behind it."""

import time
from typing import Any

import pytest
from django.contrib.auth.hashers import check_password
from django.contrib.auth.models import User
from django.test import Client as HttpClient
from lxml import etree
from pytest_django.fixtures import Settings

from deposit.authentication import passwords
from deposit.authentication.provider import provider
from deposit.authentication.throttle import PAIR
from deposit.models import Client
from tests.deposit.authentication.test_passwords import at_once
from tests.support.factories import PASSWORD, basic, new_client, new_collection
from tests.support.identity.server import IdentityServer
from tests.support.samples import ATOM


def ask(http: HttpClient, username: str, password: str) -> Any:
    return http.get("/1/servicedocument/", headers={"Authorization": basic(username, password)})


def summary(response: Any) -> str | None:
    return etree.fromstring(response.content).findtext(f"{{{ATOM}}}summary")


def test_the_provider_is_asked_once_for_many_requests(
    client: HttpClient, ada: Client, identity: IdentityServer
) -> None:
    assert [ask(client, "ada", "ada's password").status_code for _ in range(3)] == [200, 200, 200]
    assert identity.asked == ["token", "certs"]


@pytest.mark.django_db(transaction=True)
def test_the_provider_is_asked_once_for_many_connections_at_once(
    ada: Client, identity: IdentityServer
) -> None:
    identity.delay = 0.3
    answers: list[int] = []
    at_once(30, lambda: answers.append(ask(HttpClient(), "ada", "ada's password").status_code))
    assert answers == [200] * 30
    assert identity.asked == ["token", "certs"]


def test_the_providers_no_is_told_in_its_words(client: HttpClient, ada: Client) -> None:
    response = ask(client, "ada", "wrong")
    assert response.status_code == 401
    assert summary(response) == "invalid_grant: Invalid user credentials"


def test_a_user_of_the_provider_who_is_unknown_here_is_told_so(
    client: HttpClient, ada: Client, identity: IdentityServer
) -> None:
    identity.passwords["bob"] = "bob's password"
    response = ask(client, "bob", "bob's password")
    assert (response.status_code, summary(response)) == (401, "Unknown user bob")
    assert not User.objects.filter(username="bob").exists()


def test_a_user_is_made_where_the_settings_say_so(
    client: HttpClient, ada: Client, identity: IdentityServer, settings: Settings
) -> None:
    settings.KEYCLOAK_CREATE_USERS = True
    identity.passwords["bob"] = "bob's password"
    response = ask(client, "bob", "bob's password")
    assert (response.status_code, summary(response)) == (403, "User bob is not a deposit client.")
    assert not User.objects.get(username="bob").has_usable_password()


def test_a_deactivated_user_is_out_at_once(client: HttpClient, ada: Client) -> None:
    assert ask(client, "ada", "ada's password").status_code == 200
    User.objects.filter(username="ada").update(is_active=False)
    response = ask(client, "ada", "ada's password")
    assert (response.status_code, summary(response)) == (401, "Deactivated user ada")


def test_without_the_role_nobody_comes_in(client: HttpClient, ada: Client, identity: IdentityServer) -> None:
    identity.claims = {"resource_access": {}}
    assert ask(client, "ada", "ada's password").status_code == 403
    identity.claims = {"resource_access": {}, "realm_access": {"roles": ["swh.deposit.api"]}}
    assert ask(client, "ada", "ada's password").status_code == 200


def test_a_user_with_a_password_of_ours_needs_no_provider(
    client: HttpClient, identity: IdentityServer, db: None
) -> None:
    new_client(new_collection("hal"), username="local")
    assert ask(client, "local", PASSWORD).status_code == 200
    assert identity.asked == []


def test_an_account_of_ours_one_of_theirs_and_none_are_told_the_same_after_the_same_work(
    client: HttpClient, ada: Client, identity: IdentityServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[str] = []

    def noting(password: str, encoded: str, **options: Any) -> bool:
        hashed.append(password)
        return check_password(password, encoded, **options)

    monkeypatch.setattr(passwords, "check_password", noting)
    new_client(new_collection(), username="local")
    identity.passwords["eve"] = "eve's password"
    identity.barred["eve"] = "Account disabled"
    told = []
    for name in ("local", "ada", "eve", "nobody"):
        identity.asked.clear()
        hashed.clear()
        answer = ask(client, name, "wrong")
        texts = [
            element.text
            for element in etree.fromstring(answer.content)
            if element.tag != f"{{{ATOM}}}updated"
        ]
        told.append((answer.status_code, len(answer.content), texts, hashed[:], identity.asked[:]))
        assert summary(answer) == "invalid_grant: Invalid user credentials"
    assert told[0][3:] == (["wrong"], ["token"])
    assert told[1:] == told[:1] * 3


def test_a_wrong_password_of_ours_is_not_shown_to_the_provider(
    client: HttpClient, identity: IdentityServer, db: None
) -> None:
    new_client(new_collection(), username="local")
    ask(client, "local", "nearly the right one")
    assert identity.asked == ["token"]
    assert "local" not in identity.tried


def test_a_wrong_password_of_ours_is_one_also_while_the_provider_is_away(
    client: HttpClient, identity: IdentityServer, db: None
) -> None:
    new_client(new_collection(), username="local")
    identity.broken = True
    answer = ask(client, "local", "wrong")
    assert (answer.status_code, summary(answer)) == (401, "invalid_grant: Invalid user credentials")


def test_a_provider_that_does_not_know_us_is_told_as_it_says(
    client: HttpClient, ada: Client, settings: Settings
) -> None:
    settings.KEYCLOAK_CLIENT_SECRET = "another"
    provider.cache_clear()
    assert summary(ask(client, "ada", "ada's password")) == "unauthorized_client: Invalid client credentials"


def test_the_log_in_form_says_that_the_provider_is_away(
    client: HttpClient, ada: Client, identity: IdentityServer
) -> None:
    identity.broken = True
    answer = client.post("/login/", {"username": "ada", "password": "ada's password"})
    assert "The identity provider does not answer." in answer.content.decode()


def test_guesses_are_not_passed_on_for_ever(
    client: HttpClient, ada: Client, identity: IdentityServer
) -> None:
    answers = [ask(client, "ada", f"guess {n}").status_code for n in range(int(PAIR.capacity) + 2)]
    assert answers == [401] * int(PAIR.capacity) + [429, 429]
    assert identity.asked == ["token"] * int(PAIR.capacity)


def test_a_provider_that_is_slow_is_answered_for_within_five_seconds(
    client: HttpClient, ada: Client, identity: IdentityServer
) -> None:
    identity.delay = 30
    began = time.monotonic()
    response = ask(client, "ada", "ada's password")
    assert response.status_code == 503
    assert time.monotonic() - began < 5
    asked = list(identity.asked)
    assert ask(client, "ada", "ada's password").status_code == 503
    assert identity.asked == asked, "it was asked again, so soon"


def test_a_provider_that_fails_or_is_gone_is_a_503(
    client: HttpClient, ada: Client, identity: IdentityServer
) -> None:
    identity.broken = True
    assert ask(client, "ada", "ada's password").status_code == 503


def test_a_verdict_outlives_the_provider_for_a_while(
    client: HttpClient, ada: Client, identity: IdentityServer
) -> None:
    assert ask(client, "ada", "ada's password").status_code == 200
    identity.broken = True
    assert ask(client, "ada", "ada's password").status_code == 200
    passwords.credential_cache.forget_all()
    assert ask(client, "ada", "ada's password").status_code == 503


@pytest.mark.parametrize("answer", [{"access_token": "rubbish"}, {}])
def test_a_token_that_does_not_verify_is_no_log_in(
    client: HttpClient, ada: Client, identity: IdentityServer, answer: dict[str, str], monkeypatch: Any
) -> None:
    monkeypatch.setattr(identity, "_tokens", lambda username: answer)
    assert ask(client, "ada", "ada's password").status_code == 401


def test_a_password_is_not_sent_where_the_provider_points(
    client: HttpClient, ada: Client, identity: IdentityServer
) -> None:
    with IdentityServer() as elsewhere:
        elsewhere.passwords["ada"] = "ada's password"
        identity.moved_to = f"{elsewhere.issuer}/protocol/openid-connect/token"
        assert ask(client, "ada", "ada's password").status_code == 503
    assert (identity.asked, elsewhere.asked) == (["token"], [])
