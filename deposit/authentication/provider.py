"""The identity provider that the settings name, if they name one: Keycloak, or any other of OpenID Connect."""

from functools import cache
from typing import TYPE_CHECKING

from django.conf import settings

if TYPE_CHECKING:
    from deposit.authentication.identity import IdentityProvider, Realm

_CONNECT_SECONDS = 3


def issuer() -> str | None:
    """What the provider's tokens name as their issuer; None without a provider."""
    known = provider()
    return known.realm.issuer if known else None


@cache
def provider() -> "IdentityProvider | None":
    """The provider that the settings name; None when they name none."""
    if not (settings.KEYCLOAK_SERVER_URL or settings.OIDC_ISSUER):
        return None
    # Slow import: HTTP clients and cryptography, which most installations never need.
    from deposit.authentication.identity import IdentityProvider  # noqa: PLC0415

    return IdentityProvider(_openid() if settings.OIDC_ISSUER else _keycloak())


def _keycloak() -> "Realm":
    from deposit.authentication.identity import Realm  # noqa: PLC0415
    from deposit.authentication.keycloak_client import KeycloakClient, issuer_of  # noqa: PLC0415

    client_id, secret = settings.KEYCLOAK_CLIENT_ID, settings.KEYCLOAK_CLIENT_SECRET
    server_url, realm = settings.KEYCLOAK_SERVER_URL, settings.KEYCLOAK_REALM
    return Realm(
        issuer=issuer_of(server_url, realm),
        connect=lambda: KeycloakClient(
            server_url=server_url, realm=realm, client_id=client_id, secret=secret, seconds=_CONNECT_SECONDS
        ),
        client_id=client_id,
        audience=settings.KEYCLOAK_AUDIENCE or client_id,
        required_role=settings.KEYCLOAK_REQUIRED_ROLE,
        roles_claims=(f"resource_access.{client_id}.roles", "realm_access.roles"),
    )


def _openid() -> "Realm":
    from deposit.authentication.identity import Realm  # noqa: PLC0415
    from deposit.authentication.openid import Endpoints, OpenIdClient  # noqa: PLC0415

    client_id, secret = settings.OIDC_CLIENT_ID, settings.OIDC_CLIENT_SECRET
    endpoints = Endpoints(settings.OIDC_ISSUER, seconds=_CONNECT_SECONDS)
    return Realm(
        issuer=settings.OIDC_ISSUER,
        connect=lambda: OpenIdClient(endpoints, client_id=client_id, secret=secret),
        client_id=client_id,
        audience=settings.OIDC_AUDIENCE,
        required_role=settings.OIDC_REQUIRED_ROLE,
        kinds=False,
        roles_claims=(settings.OIDC_ROLES_CLAIM,),
        scope=settings.OIDC_SCOPE,
        passwords=settings.OIDC_PASSWORDS,
    )
