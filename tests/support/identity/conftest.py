"""An identity provider on loopback, and settings that name it."""

from collections.abc import Iterator

import pytest
from pytest_django.fixtures import Settings

from deposit.authentication import passwords
from deposit.authentication.provider import provider
from deposit.models import Client
from tests.support.factories import new_client, new_collection
from tests.support.identity.entra import APPLICATION, AUDIENCE, ROLE, EntraServer
from tests.support.identity.server import CLIENT, REALM, SECRET, IdentityServer


@pytest.fixture
def identity(settings: Settings) -> Iterator[IdentityServer]:
    with IdentityServer() as server:
        settings.KEYCLOAK_SERVER_URL = server.url
        settings.KEYCLOAK_REALM = REALM
        settings.KEYCLOAK_CLIENT_ID = CLIENT
        settings.KEYCLOAK_CLIENT_SECRET = SECRET
        passwords.credential_cache.forget_all()
        provider.cache_clear()
        yield server
        provider.cache_clear()


@pytest.fixture
def entra(settings: Settings) -> Iterator[EntraServer]:
    """A provider that is no Keycloak, and settings as the how-to page gives them for it."""
    with EntraServer() as server:
        settings.OIDC_ISSUER = server.issuer
        settings.OIDC_CLIENT_ID, settings.OIDC_CLIENT_SECRET = APPLICATION, server.secret
        settings.OIDC_AUDIENCE, settings.OIDC_REQUIRED_ROLE = AUDIENCE, ROLE
        passwords.credential_cache.forget_all()
        provider.cache_clear()
        yield server
        provider.cache_clear()


@pytest.fixture
def ada(db: None, identity: IdentityServer) -> Client:
    """A client for whom the provider vouches: no password of ours works."""
    identity.passwords["ada"] = "ada's password"
    client = new_client(new_collection("hal"), username="ada")
    client.user.set_unusable_password()
    client.user.save()
    return client
