"""Keycloak, by its own library, asked for no longer than we wait and never sent elsewhere."""

from urllib.parse import urlencode

from keycloak import KeycloakOpenID


class KeycloakClient(KeycloakOpenID):
    """One realm of a Keycloak, for one thread."""

    def __init__(self, *, server_url: str, realm: str, client_id: str, secret: str, seconds: int) -> None:
        super().__init__(
            server_url=server_url.rstrip("/") + "/",
            realm_name=realm,
            client_id=client_id,
            client_secret_key=secret or None,
            timeout=seconds,
            max_retries=0,
        )
        self._issuer = issuer_of(server_url, realm)
        # A redirect would take a password with it, wherever it leads.
        self.connection._s.max_redirects = 0

    def log_out_address(self, back: str) -> str:
        """Where a browser is sent to log out there too."""
        query = urlencode({"client_id": self.client_id, "post_logout_redirect_uri": back})
        return f"{self._issuer}/protocol/openid-connect/logout?{query}"


def issuer_of(server_url: str, realm: str) -> str:
    """What the realm's tokens name as their issuer."""
    return f"{server_url.rstrip('/')}/realms/{realm}"
