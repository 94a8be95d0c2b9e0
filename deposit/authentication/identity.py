"""The institution's identity provider: Keycloak, or any other that speaks OpenID Connect (`openid`).

Three ways in: a password sent with Basic is tried there (resource-owner password grant, as swh-deposit does), an
access token sent as Bearer is verified here against the realm's public keys, and a browser is sent there to log in
(``browser``). A password's verdict is remembered for a short while; keys are kept, so a provider that is down holds up
nobody who shows a token. Everything else that needs the provider is answered with 503 within five seconds.
"""

import json
import logging
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as OutOfTime
from dataclasses import dataclass
from typing import Any, TypeVar

from jwcrypto import jwk, jws, jwt
from jwcrypto.common import JWException
from keycloak.exceptions import KeycloakError

from deposit.authentication.headers import bad_token
from deposit.authentication.openid import DiscoveryError
from deposit.refusals import Kind, Refusal, unauthorized

logger = logging.getLogger(__name__)

T = TypeVar("T")
Claims = dict[str, Any]

# Signatures with the provider's private key only: with "none" or a shared secret anybody could sign.
ALGORITHMS = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"})
LEEWAY_SECONDS = 10
# Keycloak's words for a user that does not exist, and for a wrong password.
_NO = "invalid_grant: Invalid user credentials"
_ANSWER_SECONDS = 4.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Realm:
    """Who the provider is, what it knows us as, and how its tokens are to be read.

    ``kinds``: whether its tokens say in the claim ``typ`` what they are, as Keycloak's do. ``roles_claims``: where
    they name roles, with dots between levels. ``passwords``: whether passwords are tried there. ``audience``: for whom
    access tokens must be; with none, none is taken.
    """

    issuer: str
    connect: Callable[[], Any]
    client_id: str
    audience: str
    required_role: str
    kinds: bool = True
    roles_claims: tuple[str, ...] = ()
    scope: str = "openid profile email"
    passwords: bool = True
    down_seconds: float = 5.0
    keys_seconds: float = 600.0


class IdentityProvider:
    """One realm of a provider, shared by all threads of a process."""

    def __init__(self, realm: Realm) -> None:
        self.realm = realm
        self._pool = ThreadPoolExecutor(max_workers=8, thread_name_prefix="identity")
        self._local = threading.local()
        self._down_until = 0.0
        self._keys: dict[str, jwk.JWK] = {}
        self._keys_asked_at = float("-inf")
        self._keys_lock = threading.Lock()

    # --- The way there ---------------------------------------------------------------------------------
    def _client(self) -> Any:
        """One per thread: Keycloak's changes its headers while it asks."""
        if not hasattr(self._local, "client"):
            self._local.client = self.realm.connect()
        return self._local.client

    def ask(self, question: Callable[[Any], T]) -> T:
        """Ask the provider, with an end to the waiting. Raises a 503 `Refusal`, or KeycloakError for its own no.

        Once it did not answer, it is not asked for some seconds: waiting threads are threads that serve nobody.
        """
        if time.monotonic() < self._down_until:
            raise _away()
        future: Future[T] = self._pool.submit(lambda: question(self._client()))
        try:
            return future.result(timeout=_ANSWER_SECONDS)
        except OutOfTime as error:
            # Never begun: many ask at once, and the provider has done nothing wrong.
            raise (_away() if future.cancel() else self._down(error)) from error
        except KeycloakError as error:
            if error.response_code is None or error.response_code >= 500:
                raise self._down(error) from error
            raise
        except (OSError, ValueError, TypeError) as error:
            raise self._down(error) from error

    def _down(self, error: Exception) -> Refusal:
        self._down_until = time.monotonic() + self.realm.down_seconds
        reason = str(error) if isinstance(error, DiscoveryError) else type(error).__name__
        logger.error("identity provider away: %s", reason)
        return _away()

    # --- Passwords -------------------------------------------------------------------------------------
    def claims_for_password(self, username: str, password: str) -> Claims:
        """Log in for somebody, and verify the token that comes back. Raises `Refusal`."""
        if not self.realm.passwords:
            raise unauthorized("auth.invalid", _NO)
        try:
            answer = self.ask(lambda client: client.token(username, password))
        except KeycloakError as error:
            raise _refused(error) from None
        claims = self._of_answer(answer)
        self.require_role(claims)
        return claims

    def _of_answer(self, answer: Mapping[str, Any]) -> Claims:
        """Who logged in. Keycloak's access tokens tell it; others' may be for somebody else, and not ours to read."""
        if self.realm.kinds:
            return self.verify(str(answer.get("access_token", "")))
        return self.verify(str(answer.get("id_token", "")), audience=self.realm.client_id, kind="ID")

    def no_to_a_stranger(self) -> Refusal:
        """What somebody is told whom nobody knows, in the time that it takes the provider to say so.

        For wrong passwords of accounts of ours: they must not be told apart from the provider's, or from none.
        """
        try:
            self.claims_for_password(secrets.token_hex(8), secrets.token_hex(8))
        except Refusal as refusal:
            if refusal.code == "auth.invalid":
                return refusal
        return unauthorized("auth.invalid", _NO)

    # --- Browsers --------------------------------------------------------------------------------------
    def log_in_address(self, back: str, state: str, nonce: str, challenge: str) -> str:
        """Where a browser is sent to log in, to come ``back`` with a code. Raises `Refusal`."""
        try:
            address: str = self.ask(
                lambda client: client.auth_url(
                    redirect_uri=back,
                    scope=self.realm.scope,
                    state=state,
                    nonce=nonce,
                    code_challenge=challenge,
                    code_challenge_method="S256",
                )
            )
            return address
        except KeycloakError:
            raise _away() from None

    def claims_for_code(self, code: str, back: str, verifier: str) -> Claims:
        """The claims of the identity token that a code stands for, verified. Raises `Refusal`."""
        try:
            answer = self.ask(
                lambda client: client.token(
                    grant_type="authorization_code", code=code, redirect_uri=back, code_verifier=verifier
                )
            )
        except KeycloakError as error:
            raise unauthorized("auth.invalid", _words_of(error)) from None
        # The identity token says who it is, the access token (of Keycloak) which roles that is given.
        if self.realm.required_role:
            self.require_role(self._of_answer(answer))
        return self.verify(str(answer.get("id_token", "")), audience=self.realm.client_id, kind="ID")

    def log_out_address(self, back: str) -> str | None:
        """Where a browser is sent to log out at the provider too, to come ``back`` (RP-Initiated Logout 1.0)."""
        try:
            address: str | None = self.ask(lambda client: client.log_out_address(back))
            return address
        except (Refusal, KeycloakError):
            return None

    # --- Tokens ----------------------------------------------------------------------------------------
    def verify(self, token: str, *, audience: str | None = None, kind: str = "Bearer") -> Claims:
        """The claims of a token that this realm signed, for us, valid now. Raises one 401 `Refusal` for all faults.

        ``kind``: what its ``typ`` claim must say: Bearer for access tokens, ID for identity tokens.
        """
        try:
            header = _header_of(token)
            if header.get("alg") not in ALGORITHMS:
                raise bad_token()
            key = self._key(str(header.get("kid", "")))
            verified = jwt.JWT(
                jwt=token, key=key, algs=[header["alg"]], expected_type="JWS", check_claims=_UNCHECKED
            )
            claims = json.loads(verified.claims)
        except (JWException, ValueError, KeyError, TypeError):
            raise bad_token() from None
        if not isinstance(claims, dict) or not self._stands(claims, audience or self.realm.audience):
            raise bad_token()
        if self._kind_of(claims, header) != kind:
            raise bad_token()
        return claims

    def _kind_of(self, claims: Claims, header: Mapping[str, Any]) -> str:
        """Whether a token is for access (Bearer) or tells who somebody is (ID): one must not be taken for the other."""
        if self.realm.kinds:
            return str(claims.get("typ"))
        # RFC 9068 for those who keep to it; all others' access tokens tell their scope, which identity tokens never do.
        marked = str(header.get("typ", "")).lower() in ("at+jwt", "application/at+jwt")
        scoped = any(name in claims for name in ("scp", "scope")) or claims.get("idtyp") == "app"
        return "Bearer" if marked or (scoped and "nonce" not in claims) else "ID"

    def _stands(self, claims: Claims, audience: str) -> bool:
        now = time.time()
        audiences = claims.get("aud", [])
        expires, begins = claims.get("exp"), claims.get("nbf", 0)
        return (
            claims.get("iss") == self.realm.issuer
            and audience != ""
            and audience in ([audiences] if isinstance(audiences, str) else audiences)
            and isinstance(expires, int | float)
            and now < expires + LEEWAY_SECONDS
            and isinstance(begins, int | float)
            and begins - LEEWAY_SECONDS <= now
        )

    def _key(self, kid: str) -> jwk.JWK:
        """The realm's key of that name. Raises a 401 `Refusal` when it has none."""
        # Whoever knows the key does not wait for another who asks for newer ones.
        if self._keys_lock.acquire(blocking=kid not in self._keys):
            try:
                age = time.monotonic() - self._keys_asked_at
                # A new name may be a new key; strangers who invent names must not make us ask each time.
                if age > self.realm.keys_seconds or (kid not in self._keys and age > self.realm.down_seconds):
                    self._fetch_keys()
            finally:
                self._keys_lock.release()
        key = self._keys.get(kid)
        if key is None:
            raise bad_token()
        return key

    def _fetch_keys(self) -> None:
        """Get the realm's keys. Raises a 503 `Refusal` only if there are none from before."""
        self._keys_asked_at = time.monotonic()
        try:
            self._keys = _keys_of(self.ask(lambda client: client.certs()))
        except (Refusal, KeycloakError, JWException, LookupError, TypeError, ValueError) as error:
            if not self._keys:
                self._keys_asked_at = float("-inf")
                raise (error if isinstance(error, Refusal) else _away()) from error
            logger.error("identity provider tells no keys: %s", type(error).__name__)

    def require_role(self, claims: Claims) -> None:
        """Raises a 403 `Refusal` unless the claims give the required role."""
        wanted = self.realm.required_role
        if wanted and not any(wanted in _at(claims, claim) for claim in self.realm.roles_claims):
            raise Refusal(
                Kind.FORBIDDEN,
                "auth.role_missing",
                f"Your account lacks the role {wanted}.",
                "Ask those who run the identity provider to give it to you.",
            )


def _at(claims: Claims, path: str) -> list[str]:
    """The strings at a place such as ``realm_access.roles``. Names of claims may have dots: Auth0's are addresses."""
    value: Any = claims.get(path)
    if value is None:
        value = claims
        for name in path.split("."):
            value = value.get(name) if isinstance(value, dict) else None
    return (
        [value] if isinstance(value, str) else [str(one) for one in value] if isinstance(value, list) else []
    )


# jwcrypto is not to check claims by rules of its own; `_stands` does all of it.
_UNCHECKED: dict[str, None] = {}


def _keys_of(answer: Mapping[str, Any]) -> dict[str, jwk.JWK]:
    """The keys for signatures in a JWK set (RFC 7517)."""
    signing = [
        key for key in answer["keys"] if key.get("use", "sig") == "sig" and key["kty"] in ("RSA", "EC")
    ]
    return {str(key.get("kid", "")): jwk.JWK(**key) for key in signing}


def _header_of(token: str) -> Mapping[str, Any]:
    parsed = jws.JWS()
    parsed.deserialize(token)
    header: Mapping[str, Any] = parsed.jose_header
    return header


def _refused(error: KeycloakError) -> Refusal:
    """One text for everybody whose password is not taken: "Account disabled" would tell that there is an account."""
    words = _words_of(error)
    if words.startswith("invalid_grant:") and words != _NO:
        logger.warning("identity provider refused a password: %s", words)
        words = _NO
    return unauthorized("auth.invalid", words)


def _words_of(error: KeycloakError) -> str:
    """``error: error_description``, as swh-deposit tells it."""
    try:
        body = json.loads(error.response_body or b"{}")
        return f"{body['error']}: {body['error_description']}"[:300]
    except (ValueError, KeyError, TypeError):
        return "Invalid username/password."


def _away() -> Refusal:
    return Refusal(
        Kind.UNAVAILABLE,
        "auth.provider_away",
        "The identity provider does not answer.",
        "Try again in a few minutes. A client with an API token is not held up.",
    )
