"""A provider that is no Keycloak: found by its discovery document, read by its own claims."""

import re
import time
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from django.contrib.auth.models import User
from django.test import Client as HttpClient
from pytest_django.fixtures import Settings

from deposit.authentication.provider import issuer, provider
from deposit.models import Client, ProviderIdentity
from tests.support.factories import basic, new_client, new_collection
from tests.support.identity.entra import APPLICATION, GRAPH, EntraServer
from tests.support.identity.test_browser import come_back, is_in, leave
from tests.support.identity.test_tokens import ask

NAME = "ada@example.org"


@pytest.fixture
def person(db: None, entra: EntraServer) -> Client:
    """A client without a password, under the name that the provider has for her."""
    client = new_client(new_collection("hal"), username=NAME)
    client.user.set_unusable_password()
    client.user.email = ""
    client.user.save()
    return client


def log_in(client: HttpClient, entra: EntraServer, username: str = "ada") -> Any:
    entra.user_at_browser = username
    return come_back(client, leave(client, next="/deposits/"))


def said(client: HttpClient, response: Any) -> str:
    """What the log-in page says after a refusal."""
    assert not is_in(client)
    return unescape(client.get(response["Location"]).content.decode())


def test_a_browser_logs_in(client: HttpClient, person: Client, entra: EntraServer) -> None:
    response = log_in(client, entra)
    assert (response.status_code, response["Location"]) == (302, "/deposits/")
    assert client.session["_auth_user_id"] == str(person.user.pk)
    assert ProviderIdentity.objects.get(user=person.user).issuer == entra.issuer == issuer()


def test_it_is_asked_with_pkce_and_the_scope_of_the_settings(
    client: HttpClient, person: Client, entra: EntraServer, settings: Settings
) -> None:
    settings.OIDC_SCOPE = "openid email"
    provider.cache_clear()
    query = parse_qs(urlsplit(leave(client)).query)
    assert (query["response_type"], query["client_id"]) == (["code"], [APPLICATION])
    assert (query["code_challenge_method"], len(query["code_challenge"][0])) == (["S256"], 43)
    log_in(client, entra)
    assert entra.scopes == ["openid email"]


def test_upn_becomes_the_address_of_who_has_none(
    client: HttpClient, person: Client, entra: EntraServer
) -> None:
    log_in(client, entra)
    person.user.refresh_from_db()
    assert person.user.email == NAME


def test_an_address_that_was_entered_here_stays(
    client: HttpClient, person: Client, entra: EntraServer
) -> None:
    User.objects.filter(pk=person.user.pk).update(email="mine@example.org")
    log_in(client, entra)
    person.user.refresh_from_db()
    assert person.user.email == "mine@example.org"


@pytest.mark.parametrize(
    ("claims", "username", "email"),
    [
        ({}, "eve@example.org", "eve@example.org"),
        ({"email": "eve.moore@example.org"}, "eve@example.org", "eve.moore@example.org"),
        ({"upn": None, "preferred_username": "eve2@example.org"}, "eve2@example.org", "eve2@example.org"),
        ({"upn": "eve", "preferred_username": None}, "eve", ""),
    ],
)
def test_claims_become_a_user(
    client: HttpClient,
    db: None,
    entra: EntraServer,
    settings: Settings,
    claims: dict[str, Any],
    username: str,
    email: str,
) -> None:
    settings.OIDC_CREATE_USERS = True
    entra.claims = claims
    log_in(client, entra, "eve")
    user = User.objects.get(pk=client.session["_auth_user_id"])
    assert (user.username, user.email, user.first_name) == (username, email, "Eve")


@pytest.mark.parametrize(
    ("verified", "opens"), [(True, True), (False, False), (None, False), ("true", False)]
)
def test_an_address_names_an_account_only_when_it_is_confirmed(
    client: HttpClient, person: Client, entra: EntraServer, settings: Settings, verified: Any, opens: bool
) -> None:
    settings.OIDC_USERNAME_CLAIM = ["email"]
    entra.claims = {"email": NAME, "email_verified": verified}
    log_in(client, entra, "mallory")
    assert is_in(client) is opens


def test_without_the_role_nobody_comes_in(client: HttpClient, person: Client, entra: EntraServer) -> None:
    entra.claims = {"roles": ["another"]}
    assert "lacks the role deposit.user" in said(client, log_in(client, entra))


@pytest.mark.parametrize("claim", ["groups", "app.roles", "https://example.org/roles"])
def test_roles_may_be_elsewhere(
    client: HttpClient, person: Client, entra: EntraServer, settings: Settings, claim: str
) -> None:
    settings.OIDC_ROLES_CLAIM = claim
    provider.cache_clear()
    log_in(client, entra)
    assert not is_in(client)
    entra.claims = {"app": {"roles": ["deposit.user"]}} if claim == "app.roles" else {claim: ["deposit.user"]}
    log_in(client, entra)
    assert is_in(client)


def test_logging_out_leads_to_its_own_place(client: HttpClient, person: Client, entra: EntraServer) -> None:
    log_in(client, entra)
    page = client.post("/logout/").content.decode()
    (address,) = re.findall(r'href="(http[^"]*/oauth2/v2\.0/logout[^"]*)"', page)
    there = requests.get(unescape(address), allow_redirects=False, timeout=5)
    assert (there.headers["Location"], entra.user_at_browser) == ("http://testserver/", "")


def test_where_it_has_no_such_place_one_just_leaves(
    client: HttpClient, person: Client, entra: EntraServer
) -> None:
    entra.document = {"end_session_endpoint": None}
    log_in(client, entra)
    response = client.post("/logout/")
    assert (response.status_code, response["Location"], is_in(client)) == (302, "/", False)


@pytest.mark.parametrize(
    ("methods", "way"),
    [(["client_secret_basic"], "basic"), (None, "basic"), (["client_secret_post"], "post")],
)
def test_the_secret_is_sent_as_it_wants_it(
    client: HttpClient, person: Client, entra: EntraServer, methods: Any, way: str
) -> None:
    entra.document = {"token_endpoint_auth_methods_supported": methods}
    log_in(client, entra)
    assert (is_in(client), entra.named_by) == (True, way)


# --- Access tokens -------------------------------------------------------------------------------------------
def test_an_access_token_for_us_opens(client: HttpClient, person: Client, entra: EntraServer) -> None:
    assert [ask(client, entra.token("ada")).status_code for _ in range(2)] == [200, 200]
    assert entra.asked == ["openid-configuration", "keys"]


def test_one_that_is_marked_by_its_type_opens_too(
    client: HttpClient, person: Client, entra: EntraServer
) -> None:
    assert ask(client, entra.token("ada", scp=None, header={"typ": "at+jwt"})).status_code == 200


@pytest.mark.parametrize(
    "changed",
    [
        {"aud": GRAPH},
        {"aud": APPLICATION, "scp": None, "nonce": "n"},
        {"scp": None},
        {"nonce": "n"},
        {"iss": "https://login.example.org/another-tenant/v2.0"},
        {"exp": int(time.time()) - 60},
    ],
    ids=["for Graph", "an identity token", "no scope", "of a log-in", "of another tenant", "expired"],
)
def test_others_open_nothing(
    client: HttpClient, person: Client, entra: EntraServer, changed: dict[str, Any]
) -> None:
    assert ask(client, entra.token("ada", **changed)).status_code == 401


def test_an_identity_token_opens_nothing_even_if_both_are_for_the_same(
    client: HttpClient, person: Client, entra: EntraServer, settings: Settings
) -> None:
    settings.OIDC_AUDIENCE = APPLICATION
    provider.cache_clear()
    assert ask(client, entra.token("ada", aud=APPLICATION, scp=None, nonce="n")).status_code == 401
    assert ask(client, entra.token("ada", aud=APPLICATION)).status_code == 200


@pytest.mark.parametrize("audience", ["", [""], None])
def test_without_an_audience_no_access_token_opens(
    client: HttpClient, person: Client, entra: EntraServer, settings: Settings, audience: Any
) -> None:
    settings.OIDC_AUDIENCE = ""
    provider.cache_clear()
    assert ask(client, entra.token("ada", aud=audience)).status_code == 401


def test_new_keys_are_found_where_it_says_now(client: HttpClient, person: Client, entra: EntraServer) -> None:
    assert ask(client, entra.token("ada")).status_code == 200
    entra.rotate()
    known = provider()
    assert known is not None
    known._keys_asked_at -= known.realm.down_seconds + 1
    assert ask(client, entra.token("ada")).status_code == 200
    assert entra.asked.count("openid-configuration") == 2


# --- Passwords -----------------------------------------------------------------------------------------------
def test_passwords_are_not_shown_to_it_by_default(
    client: HttpClient, person: Client, entra: EntraServer
) -> None:
    entra.passwords[NAME] = "ada's password"
    response = client.get("/1/servicedocument/", headers={"Authorization": basic(NAME, "ada's password")})
    assert (response.status_code, entra.tried) == (401, [])


def test_passwords_are_tried_there_where_the_settings_say_so(
    client: HttpClient, db: None, entra: EntraServer, settings: Settings
) -> None:
    settings.OIDC_PASSWORDS, settings.OIDC_USERNAME_CLAIM = True, ["name"]
    provider.cache_clear()
    person = new_client(new_collection("ens"), username="bob")
    person.user.set_unusable_password()
    person.user.save()
    entra.passwords["bob"], entra.claims = "bob's password", {"name": "bob"}
    header = {"Authorization": basic("bob", "bob's password")}
    answers = [client.get("/1/servicedocument/", headers=header).status_code for _ in range(3)]
    assert (answers, entra.tried) == ([200, 200, 200], ["bob"])
    assert client.get("/1/servicedocument/", headers={"Authorization": basic("bob", "no")}).status_code == 401


# --- What it says of itself ----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "document",
    [
        {"issuer": "https://login.example.org/another/v2.0"},
        {"jwks_uri": None},
        {"token_endpoint": "https://elsewhere.example.org/token"},
    ],
    ids=["another issuer", "no keys", "another scheme"],
)
def test_a_document_that_cannot_be_is_refused_and_logged(
    client: HttpClient,
    person: Client,
    entra: EntraServer,
    document: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    entra.document = document
    assert ask(client, entra.token("ada")).status_code == 503
    told = [record.getMessage() for record in caplog.records if "identity provider" in record.getMessage()]
    assert told[0].startswith("identity provider away: ")
    assert str(next(iter(document.values()))) in told[0]


def test_a_token_endpoint_that_leads_elsewhere_is_not_followed(
    client: HttpClient, person: Client, entra: EntraServer
) -> None:
    entra.moved_to = f"{entra.url}/thief"
    assert "does not answer" in said(client, log_in(client, entra))
    assert "thief" not in entra.asked
