"""A provider on loopback whose tokens and addresses are those of Microsoft's Entra ID, as its reference tells them.

Addresses are found by discovery alone, identity tokens have no ``typ``, the access token that comes along is for
another service, roles are in ``roles``, people in ``upn`` and ``preferred_username``.
"""

import time
from typing import Any

from tests.support.identity.server import Fields, IdentityServer

TENANT = "9188040d-6c67-4c5b-b112-36a304b66dad"
APPLICATION = "6731de76-14a6-49ae-97bc-6eba6914391e"
AUDIENCE = "api://deposit.example.org"
SECRET = "a~b8Q.:/ secret"
ROLE = "deposit.user"
GRAPH = "00000003-0000-0000-c000-000000000000"


class EntraServer(IdentityServer):
    """Start with ``with``. ``document`` is laid over its discovery document; None takes a member away."""

    client, secret = APPLICATION, SECRET

    def __init__(self) -> None:
        super().__init__()
        self.issuer = f"{self.url}/{TENANT}/v2.0"
        self.document: dict[str, Any] = {}
        self.scopes: list[str] = []

    def claims_of(self, username: str, **changed: Any) -> dict[str, Any]:
        """The claims of an access token for us."""
        of_entra: dict[str, Any] = {
            "aud": AUDIENCE,
            "azp": APPLICATION,
            "typ": None,
            "ver": "2.0",
            "tid": TENANT,
            "oid": "oid-of-" + username,
            "scp": "deposit",
            "roles": [ROLE],
            "upn": f"{username}@example.org",
            "preferred_username": f"{username}@example.org",
            "given_name": username.title(),
            "resource_access": None,
        }
        return super().claims_of(username, **(of_entra | self.claims | changed))

    def _tokens(self, username: str, nonce: str | None = None) -> dict[str, Any]:
        # As it is there: for Microsoft Graph, and nothing that we could read.
        graph = self.token(username, aud=GRAPH, roles=None, header={"nonce": "hashed"})
        mine = self.token(username, aud=APPLICATION, scp=None, nonce=nonce, nbf=int(time.time()) - 5)
        return {"access_token": graph, "id_token": mine, "token_type": "Bearer", "expires_in": 3600}

    def answer(self, path: str, query: Fields, form: Fields | None) -> tuple[int, dict[str, Any] | str]:
        """Status, and JSON or a redirect's address."""
        base = f"/{TENANT}"
        if path == f"{base}/v2.0/.well-known/openid-configuration":
            return 200, {name: value for name, value in self._described().items() if value is not None}
        places = {
            "discovery/v2.0/keys": "certs",
            "oauth2/v2.0/authorize": "auth",
            "oauth2/v2.0/token": "token",
        }
        places["oauth2/v2.0/logout"] = "logout"
        known = places.get(path.removeprefix(f"{base}/"))
        if known is None:
            return 404, {"error": "not_found"}
        if known == "auth":
            self.scopes.append(query.get("scope", ""))
        return super().answer(f"/realms/science/protocol/openid-connect/{known}", query, form)

    def _described(self) -> dict[str, Any]:
        here = f"{self.url}/{TENANT}"
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{here}/oauth2/v2.0/authorize",
            "token_endpoint": f"{here}/oauth2/v2.0/token",
            "jwks_uri": f"{here}/discovery/v2.0/keys",
            "end_session_endpoint": f"{here}/oauth2/v2.0/logout",
            "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
        } | self.document
