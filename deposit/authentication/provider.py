"""The identity provider that the settings name, if they name one."""

from functools import cache
from typing import TYPE_CHECKING

from django.conf import settings

if TYPE_CHECKING:
    from deposit.authentication.identity import IdentityProvider


def issuer() -> str | None:
    """What the provider's tokens name as their issuer; None without a provider."""
    known = provider()
    return known.realm.issuer if known else None


@cache
def provider() -> "IdentityProvider | None":
    """The provider that the settings name; None when they name none."""
    if not settings.KEYCLOAK_SERVER_URL:
        return None
    # Slow import: HTTP clients and cryptography, which most installations never need.
    from deposit.authentication.identity import IdentityProvider, Realm  # noqa: PLC0415

    return IdentityProvider(
        Realm(
            server_url=settings.KEYCLOAK_SERVER_URL,
            name=settings.KEYCLOAK_REALM,
            client_id=settings.KEYCLOAK_CLIENT_ID,
            client_secret=settings.KEYCLOAK_CLIENT_SECRET,
            audience=settings.KEYCLOAK_AUDIENCE or settings.KEYCLOAK_CLIENT_ID,
            required_role=settings.KEYCLOAK_REQUIRED_ROLE,
        )
    )
