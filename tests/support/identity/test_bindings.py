"""Who is whom: a person at the provider is an account by issuer and subject, never by a name alone."""

from typing import Any

import pytest
import requests
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client as HttpClient
from pytest_django.fixtures import Settings

from deposit.models import ApiToken, AuditRecord, Client, ProviderIdentity
from tests.support.factories import PASSWORD, basic, new_client, new_collection
from tests.support.identity.server import IdentityServer


@pytest.fixture
def local(identity: IdentityServer, db: None) -> Client:
    """A client with a password here, whose name somebody at the provider has too."""
    identity.passwords["local"] = "the other's password"
    return new_client(new_collection("other"), username="local")


def by_bearer(identity: IdentityServer, name: str, **claims: Any) -> int:
    token = identity.token(name, **claims)
    status: int = (
        HttpClient().get("/1/servicedocument/", headers={"Authorization": f"Bearer {token}"}).status_code
    )
    return status


def by_browser(identity: IdentityServer, name: str) -> int:
    """Log in at the provider; the status of the account's page afterwards (302 sends to the log-in page)."""
    identity.user_at_browser = name
    browser = HttpClient()
    at_provider = requests.get(
        browser.get("/identity/log-in/")["Location"], allow_redirects=False, timeout=10
    )
    browser.get(at_provider.headers["Location"].removeprefix("http://testserver"))
    status: int = browser.get("/account/").status_code
    return status


WAYS = {"bearer": (by_bearer, 200, 401), "browser": (by_browser, 200, 302)}


@pytest.mark.parametrize("way", WAYS)
def test_an_account_with_a_password_is_nobodys_by_its_name(
    way: str, identity: IdentityServer, local: Client
) -> None:
    come, _, refused = WAYS[way]
    assert come(identity, "local") == refused
    assert ProviderIdentity.objects.count() == 0


@pytest.mark.parametrize("way", WAYS)
def test_an_administrator_binds_such_an_account(way: str, identity: IdentityServer, local: Client) -> None:
    come, let_in, _ = WAYS[way]
    call_command("user", "bind", "--username", "local")
    assert come(identity, "local") == let_in
    bound = ProviderIdentity.objects.get()
    assert (bound.user, bound.issuer, bound.subject) == (
        local.user,
        identity.issuer,
        identity.claims_of("local")["sub"],
    )
    assert HttpClient().get("/3/", headers={"Authorization": basic("local")}).status_code == 200


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("usable", [True, False], ids=["with a password", "without"])
def test_a_superuser_is_nobody_at_the_provider(
    way: str, usable: bool, identity: IdentityServer, db: None
) -> None:
    come, _, refused = WAYS[way]
    User.objects.create_superuser("root", password=PASSWORD if usable else None)
    assert come(identity, "root") == refused


def test_a_bound_superuser_comes_in_only_where_the_settings_say_so(
    identity: IdentityServer, settings: Settings, db: None
) -> None:
    User.objects.create_superuser("root", password=PASSWORD)
    call_command("user", "bind", "--username", "root", "--subject", identity.claims_of("root")["sub"])
    assert by_browser(identity, "root") == 302
    settings.KEYCLOAK_SUPERUSERS = True
    assert by_browser(identity, "root") == 200


def test_an_account_made_for_the_provider_is_bound_to_whoever_comes_first(
    identity: IdentityServer, ada: Client
) -> None:
    assert by_bearer(identity, "ada") == 200
    assert by_bearer(identity, "ada", sub="somebody else, who got the name later") == 401
    assert by_bearer(identity, "married", sub=identity.claims_of("ada")["sub"]) == 200
    assert AuditRecord.objects.filter(operation="user.bind", subject="user ada").count() == 1


def test_a_password_that_is_remembered_is_still_the_same_persons(
    identity: IdentityServer, ada: Client
) -> None:
    header = {"Authorization": basic("ada", "ada's password")}
    for _ in range(2):
        assert HttpClient().get("/1/servicedocument/", headers=header).status_code == 200
    assert identity.tried == ["ada"]
    ProviderIdentity.objects.update(subject="somebody else")
    assert HttpClient().get("/1/servicedocument/", headers=header).status_code == 401


@pytest.mark.parametrize("subject", [None, "", "x" * 256])
def test_whoever_has_no_subject_is_nobody(subject: str | None, identity: IdentityServer, ada: Client) -> None:
    assert by_bearer(identity, "ada", sub=subject) == 401
    assert ProviderIdentity.objects.count() == 0


def test_one_person_is_one_account(identity: IdentityServer, ada: Client, local: Client) -> None:
    subject = identity.claims_of("ada")["sub"]
    call_command("user", "bind", "--username", "ada", "--subject", subject)
    with pytest.raises(CommandError):
        call_command("user", "bind", "--username", "local", "--subject", subject)
    call_command("user", "unbind", "--username", "ada")
    call_command("user", "bind", "--username", "local", "--subject", subject)
    assert by_bearer(identity, "ada") == 200
    assert ProviderIdentity.objects.get().user == local.user
    assert ApiToken.objects.count() == 0
