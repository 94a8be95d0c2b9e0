"""Any provider of OpenID Connect by its discovery document: Entra ID, Okta, Authentik, SATOSA and others.

The same questions as Keycloak's client answers, with the same errors, so that what asks does not tell them apart.
OpenID Connect Core and Discovery 1.0, RP-Initiated Logout 1.0; RFC 6749, 7636 (PKCE).
"""

import threading
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import httpx
from keycloak.exceptions import KeycloakError

_PLACE = "/.well-known/openid-configuration"
_NEEDED = ("authorization_endpoint", "token_endpoint", "jwks_uri")
# Endpoints may move; the document is read again when keys are, too.
_FRESH_SECONDS = 3600.0


class DiscoveryError(ValueError):
    """What the provider says of itself cannot be: a log line, and 503 for whoever asked."""


class Endpoints:
    """What the provider's discovery document says; shared by all threads of a process."""

    def __init__(self, issuer: str, *, seconds: float) -> None:
        self.issuer = issuer
        self.http = httpx.Client(timeout=seconds, follow_redirects=False)
        self._known: Mapping[str, Any] = {}
        self._until = 0.0
        self._lock = threading.Lock()

    def known(self, *, again: bool = False) -> Mapping[str, Any]:
        """The document. ``again``: read it anew. Raises `DiscoveryError`, or OSError when nobody answers."""
        with self._lock:
            if again or time.monotonic() > self._until:
                self._known = self._read()
                self._until = time.monotonic() + _FRESH_SECONDS
            return self._known

    def _read(self) -> Mapping[str, Any]:
        found = answer_of(self._get(self.issuer.rstrip("/") + _PLACE))
        # Section 4.3: else one provider could answer for another.
        if found.get("issuer") != self.issuer:
            raise DiscoveryError(f"the issuer is {found.get('issuer')!r}, and OIDC_ISSUER is {self.issuer!r}")
        scheme = urlsplit(self.issuer).scheme
        for name in _NEEDED:
            if urlsplit(str(found.get(name, ""))).scheme != scheme:
                raise DiscoveryError(f"{name} is {found.get(name)!r}")
        return found

    def _get(self, address: str) -> httpx.Response:
        try:
            return self.http.get(address)
        except httpx.HTTPError as error:
            raise ConnectionError(str(error)) from error

    def keys(self) -> Mapping[str, Any]:
        """The provider's public keys (RFC 7517), from where it says now that they are."""
        return answer_of(self._get(str(self.known(again=True)["jwks_uri"])))


class OpenIdClient:
    """A client of that provider, in the form of `keycloak.KeycloakOpenID`."""

    def __init__(self, endpoints: Endpoints, *, client_id: str, secret: str) -> None:
        self._endpoints, self._id, self._secret = endpoints, client_id, secret

    def certs(self) -> Mapping[str, Any]:
        """Its keys."""
        return self._endpoints.keys()

    def auth_url(self, **parameters: str) -> str:
        """Where a browser is sent, to come back with a code."""
        address = str(self._endpoints.known()["authorization_endpoint"])
        query = urlencode({"response_type": "code", "client_id": self._id} | parameters)
        return f"{address}{'&' if '?' in address else '?'}{query}"

    def token(self, username: str = "", password: str = "", **parameters: str) -> Mapping[str, Any]:
        """Tokens for a code, or for a password. Raises `KeycloakError` with the provider's own no."""
        given = parameters or {
            "grant_type": "password",
            "username": username,
            "password": password,
            "scope": "openid",
        }
        known = self._endpoints.known()
        form, login = self._named(known, dict(given))
        try:
            return answer_of(self._endpoints.http.post(str(known["token_endpoint"]), data=form, auth=login))
        except httpx.HTTPError as error:
            raise ConnectionError(str(error)) from error

    def _named(self, known: Mapping[str, Any], form: dict[str, str]) -> tuple[dict[str, str], httpx.Auth]:
        """Say who we are, in the way that the provider takes; where it says nothing, the standard's own is Basic."""
        methods = known.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        if not self._secret or "client_secret_post" in methods:
            secret = {"client_secret": self._secret} if self._secret else {}
            return form | {"client_id": self._id} | secret, httpx.Auth()
        # RFC 6749, section 2.3.1: each encoded as in a form.
        return form, httpx.BasicAuth(quote(self._id, safe=""), quote(self._secret, safe=""))

    def log_out_address(self, back: str) -> str | None:
        """Where a browser is sent to log out there too; None where there is no such place."""
        address = self._endpoints.known().get("end_session_endpoint")
        query = urlencode({"client_id": self._id, "post_logout_redirect_uri": back})
        return f"{address}{'&' if '?' in str(address) else '?'}{query}" if address else None


def answer_of(response: httpx.Response) -> Mapping[str, Any]:
    """A JSON object. Raises `KeycloakError` for a refusal, ValueError for anything else."""
    if response.is_error:
        raise KeycloakError(response_code=response.status_code, response_body=response.content)
    # A redirect would take a password with it, wherever it leads.
    body = response.json() if response.is_success else None
    if not isinstance(body, dict):
        raise DiscoveryError(f"the provider answers {response.status_code} without a JSON object")
    return body
