"""Logging in with a browser at the identity provider."""

import re
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from django.test import Client as HttpClient
from pytest_django.fixtures import Settings

from deposit.authentication.provider import provider
from deposit.models import Client
from tests.support.factories import new_client
from tests.support.identity.server import IdentityServer


def leave(http: HttpClient, **query: str) -> str:
    """Where the browser is sent."""
    response = http.get("/identity/log-in/", query)
    assert response.status_code == 302
    return str(response["Location"])


def come_back(http: HttpClient, address: str) -> Any:
    """Through the provider, which knows its user already, and back."""
    there = requests.get(address, allow_redirects=False, timeout=5)
    back = urlsplit(there.headers["Location"])
    assert (back.netloc, back.path) == ("testserver", "/identity/logged-in/")
    return http.get(f"{back.path}?{back.query}")


def is_in(http: HttpClient) -> bool:
    return "_auth_user_id" in http.session


def test_a_browser_logs_in_and_goes_where_it_wanted(
    client: HttpClient, ada: Client, identity: IdentityServer
) -> None:
    identity.user_at_browser = "ada"
    response = come_back(client, leave(client, next="/deposits/"))
    assert (response.status_code, response["Location"]) == (302, "/deposits/")
    assert client.session["_auth_user_id"] == str(ada.user.pk)


def test_the_challenge_is_of_the_strong_kind(client: HttpClient, ada: Client) -> None:
    query = parse_qs(urlsplit(leave(client)).query)
    assert query["code_challenge_method"] == ["S256"]
    assert len(query["code_challenge"][0]) == 43
    assert query["response_type"] == ["code"]


@pytest.mark.parametrize(
    "next_page", ["https://evil.example.org/", "//evil.example.org/", "javascript:alert(1)"]
)
def test_nobody_is_sent_elsewhere_afterwards(
    client: HttpClient, ada: Client, identity: IdentityServer, next_page: str
) -> None:
    identity.user_at_browser = "ada"
    response = come_back(client, leave(client, next=next_page))
    assert "evil" not in response["Location"]
    assert "javascript" not in response["Location"]


def test_a_code_is_good_for_the_browser_that_left(
    client: HttpClient, ada: Client, identity: IdentityServer
) -> None:
    identity.user_at_browser = "ada"
    address = leave(client)
    stranger = HttpClient()
    leave(stranger)
    come_back(stranger, address)
    assert not is_in(stranger)
    response = client.get("/identity/logged-in/", {"code": "x"})
    assert response.status_code == 302
    assert not is_in(client)


def test_a_journey_is_made_once(client: HttpClient, ada: Client, identity: IdentityServer) -> None:
    identity.user_at_browser = "ada"
    address = leave(client)
    come_back(client, address)
    client.logout()
    come_back(client, address)
    assert not is_in(client)


def test_an_identity_token_with_another_nonce_logs_nobody_in(
    client: HttpClient, ada: Client, identity: IdentityServer
) -> None:
    identity.user_at_browser = "ada"
    identity.claims = {}
    plain = identity.claims_of
    identity.claims_of = lambda username, **changed: plain(username, **(changed | {"nonce": "another"}))  # type: ignore[method-assign]
    come_back(client, leave(client))
    assert not is_in(client)


def test_without_the_role_no_browser_comes_in(
    client: HttpClient, ada: Client, identity: IdentityServer, settings: Settings
) -> None:
    identity.user_at_browser = "ada"
    identity.claims = {"resource_access": {}}
    response = come_back(client, leave(client))
    assert not is_in(client)
    assert "lacks the role swh.deposit.api" in client.get(response["Location"]).content.decode()
    settings.KEYCLOAK_REQUIRED_ROLE = ""
    provider.cache_clear()
    come_back(client, leave(client))
    assert is_in(client)


def test_a_session_that_the_provider_vouched_for_ends_within_half_a_day(
    client: HttpClient, ada: Client, identity: IdentityServer
) -> None:
    identity.user_at_browser = "ada"
    come_back(client, leave(client))
    assert client.session.get_expiry_age() <= 12 * 3600


def test_logging_out_shows_the_way_to_log_out_at_the_provider_too(
    client: HttpClient, ada: Client, identity: IdentityServer
) -> None:
    identity.user_at_browser = "ada"
    come_back(client, leave(client))
    page = client.post("/logout/").content.decode()
    assert not is_in(client)
    (address,) = re.findall(rf'href="({re.escape(identity.issuer)}[^"]*)"', page)
    there = requests.get(unescape(address), allow_redirects=False, timeout=5)
    assert there.headers["Location"] == "http://testserver/"
    assert identity.user_at_browser == ""


def test_who_came_with_a_password_of_ours_just_leaves(
    client: HttpClient, ada: Client, identity: IdentityServer
) -> None:
    client.force_login(new_client(username="local").user)
    response = client.post("/logout/")
    assert (response.status_code, response["Location"]) == (302, "/")
    assert not is_in(client)


def test_somebody_unknown_is_told_so_on_the_log_in_page(
    client: HttpClient, ada: Client, identity: IdentityServer
) -> None:
    identity.user_at_browser = "bob"
    response = come_back(client, leave(client))
    assert not is_in(client)
    assert "Unknown user bob" in client.get(response["Location"]).content.decode()


def test_a_provider_that_is_away_is_told_on_the_log_in_page(
    client: HttpClient, ada: Client, identity: IdentityServer
) -> None:
    identity.broken = True
    page = client.get(leave(client)).content.decode()
    assert "The identity provider does not answer." in page
    assert "/identity/log-in/" in page


@pytest.mark.django_db
def test_without_a_provider_there_is_no_such_way_in(client: HttpClient) -> None:
    assert client.get("/identity/log-in/").status_code == 404
    assert client.get("/identity/logged-in/").status_code == 404
    assert "/identity/log-in/" not in client.get("/login/").content.decode()
