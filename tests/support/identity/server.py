"""An identity provider on loopback that speaks OpenID Connect as Keycloak does.

Discovery, JWKS, the token endpoint (resource-owner password and authorization code with PKCE) and an authorization
endpoint that logs the one chosen user in without asking. Real RSA keys, real signatures; only the log-in page is
left out.
"""

import base64
import hashlib
import json
import secrets
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from jwcrypto import jwk, jwt

REALM = "science"
CLIENT = "swh-deposit"
SECRET = "a client's secret"
ROLE = "swh.deposit.api"

Fields = dict[str, str]


class IdentityServer:
    """Start with ``with``. ``passwords`` are its users; ``claims`` are put over those of every token."""

    # As what it knows us.
    client, secret = CLIENT, SECRET

    def __init__(self) -> None:
        self.passwords: dict[str, str] = {}
        self.claims: dict[str, Any] = {}
        self.delay = 0.0
        self.broken = False
        self.asked: list[str] = []
        self.tried: list[str] = []
        # How the client last said who it is.
        self.named_by = ""
        self.user_at_browser = ""
        # Where it sends whoever asks for a token; nowhere.
        self.moved_to = ""
        # Its users who may not come in, and what it says to them.
        self.barred: dict[str, str] = {}
        self._codes: dict[str, Fields] = {}
        self._stop = threading.Event()
        self.key = self._new_key()
        self.published = [self.key]
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        self.issuer = f"{self.url}/realms/{REALM}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._http.shutdown()
        self._http.server_close()

    @staticmethod
    def _new_key() -> jwk.JWK:
        return jwk.JWK.generate(kty="RSA", size=2048, kid=secrets.token_hex(8), use="sig", alg="RS256")

    def rotate(self, *, keep_old: bool = False) -> None:
        """Sign with a new key from now on."""
        self.key = self._new_key()
        self.published = [*(self.published if keep_old else []), self.key]

    def claims_of(self, username: str, **changed: Any) -> dict[str, Any]:
        """The claims of an access token; None takes one away."""
        now = int(time.time())
        claims: dict[str, Any] = {
            "iss": self.issuer,
            "aud": [CLIENT, "account"],
            "azp": CLIENT,
            "typ": "Bearer",
            "iat": now,
            "exp": now + 300,
            "sub": hashlib.sha256(username.encode()).hexdigest(),
            "preferred_username": username,
            "resource_access": {CLIENT: {"roles": [ROLE]}},
        }
        claims |= self.claims | changed
        return {name: value for name, value in claims.items() if value is not None}

    def token(
        self,
        username: str,
        *,
        key: jwk.JWK | None = None,
        header: dict[str, Any] | None = None,
        **claims: Any,
    ) -> str:
        """A signed access token."""
        signing = key or self.key
        fields = {"alg": "RS256", "typ": "JWT", "kid": signing["kid"]} | (header or {})
        signed = jwt.JWT(header=fields, claims=self.claims_of(username, **claims), algs=[fields["alg"]])
        signed.make_signed_token(signing)
        return str(signed.serialize())

    # --- Endpoints -------------------------------------------------------------------------------------
    def answer(self, path: str, query: Fields, form: Fields | None) -> tuple[int, dict[str, Any] | str]:
        """Status, and JSON or a redirect's address."""
        base = f"/realms/{REALM}"
        openid = f"{base}/protocol/openid-connect"
        if path == f"{base}/.well-known/openid-configuration":
            endpoints = {"authorization_endpoint": "auth", "token_endpoint": "token", "jwks_uri": "certs"}
            addresses = {name: f"{self.url}{openid}/{place}" for name, place in endpoints.items()}
            return 200, {"issuer": self.issuer, **addresses, "code_challenge_methods_supported": ["S256"]}
        if path == f"{openid}/certs":
            return 200, {"keys": [json.loads(key.export_public()) for key in self.published]}
        if path == f"{openid}/auth":
            return self._authorize(query)
        if path == f"{openid}/logout":
            self.user_at_browser = ""
            return 302, query["post_logout_redirect_uri"]
        if path == f"{openid}/token" and self.moved_to:
            return 307, self.moved_to
        if path == f"{openid}/token" and form is not None:
            return self._token(form)
        return 404, {"error": "not_found"}

    def _authorize(self, query: Fields) -> tuple[int, dict[str, Any] | str]:
        if query.get("client_id") != self.client or query.get("code_challenge_method") != "S256":
            return 400, {"error": "invalid_request"}
        code = secrets.token_urlsafe(16)
        self._codes[code] = query | {"user": self.user_at_browser}
        return 302, f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"

    def _token(self, form: Fields) -> tuple[int, dict[str, Any] | str]:
        self.named_by = form.get("by", "post")
        if (form.get("client_id"), form.get("client_secret")) != (self.client, self.secret):
            return 401, _no("unauthorized_client", "Invalid client credentials")
        if form.get("grant_type") == "password":
            self.tried.append(form.get("username", ""))
            if form.get("username") in self.barred:
                return 400, _no("invalid_grant", self.barred[form["username"]])
            if self.passwords.get(form.get("username", "")) != form.get("password"):
                return 401, _no("invalid_grant", "Invalid user credentials")
            return 200, self._tokens(form["username"])
        given = self._codes.pop(form.get("code", ""), None)
        challenge = base64.urlsafe_b64encode(
            hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        ).rstrip(b"=")
        if not given or given["code_challenge"].encode() != challenge:
            return 400, _no("invalid_grant", "Code not valid")
        return 200, self._tokens(given["user"], nonce=given["nonce"])

    def _tokens(self, username: str, nonce: str | None = None) -> dict[str, Any]:
        tokens = {"access_token": self.token(username), "token_type": "Bearer", "expires_in": 300}
        return tokens | {"id_token": self.token(username, typ="ID", aud=CLIENT, nonce=nonce)}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._serve(None)

            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length", 0))
                form = _flat(self.rfile.read(length).decode())
                if self.headers.get("Authorization", "").startswith("Basic "):
                    form |= of_basic(self.headers["Authorization"])
                self._serve(form)

            def _serve(self, form: Fields | None) -> None:
                server.asked.append(urlsplit(self.path).path.rpartition("/")[2])
                server._stop.wait(server.delay)
                parts = urlsplit(self.path)
                status, body = server.answer(parts.path, _flat(parts.query), form)
                if server.broken:
                    status, body = 500, {"error": "unknown_error"}
                data = b"" if isinstance(body, str) else json.dumps(body).encode()
                with suppress(OSError):
                    self.send_response(status)
                    if isinstance(body, str):
                        self.send_header("Location", body)
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(data)))
                    self.end_headers()
                    self.wfile.write(data)

            def log_message(self, format: str, *args: object) -> None:
                pass

        return Handler


def of_basic(header: str) -> Fields:
    """Who a client says it is in the header Authorization (RFC 6749, section 2.3.1)."""
    name, _, secret = base64.b64decode(header.removeprefix("Basic ")).decode().partition(":")
    return {"client_id": unquote(name), "client_secret": unquote(secret), "by": "basic"}


def _flat(query: str) -> Fields:
    return {name: values[0] for name, values in parse_qs(query).items()}


def _no(error: str, description: str) -> dict[str, Any]:
    return {"error": error, "error_description": description}
