"""Logging in with a browser at the identity provider."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from django.test import Client as HttpClient

from deposit.models import Client
from tests.identity.server import IdentityServer


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
