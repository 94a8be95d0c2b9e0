"""HTTP Basic authentication against Django's users, without a slow hash per request.

A password that argon2 has confirmed once is remembered for a short while, in this process only, under an HMAC of
the password and of the *stored hash*, keyed with a random key of the process. The user row is read at every request
all the same: a changed password has another hash and misses the memory, a disabled user is refused. See
docs/adr/0001-password-verdicts.md.
"""

import base64
import binascii
import functools
import hashlib
import hmac
import secrets
import threading
import time
from collections import OrderedDict
from typing import Any

from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.models import User
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from deposit.models import Client
from deposit.refusals import Kind, Refusal

REALM = 'Basic realm="deposit", charset="UTF-8"'


class VerdictCache:
    """Remembers that a password fits a stored hash, for ``seconds``, at most ``size`` of them."""

    def __init__(self, *, seconds: float = 300.0, size: int = 10_000) -> None:
        self._key = secrets.token_bytes(32)
        self._seconds = seconds
        self._size = size
        self._until: OrderedDict[bytes, float] = OrderedDict()
        self._lock = threading.Lock()

    def _digest(self, password: str, encoded: str) -> bytes:
        message = f"{len(encoded)}:{encoded}{password}".encode("utf-8", "surrogatepass")
        return hmac.digest(self._key, message, hashlib.sha256)

    def knows(self, password: str, encoded: str) -> bool:
        """Whether this password was confirmed against this stored hash not long ago."""
        digest = self._digest(password, encoded)
        with self._lock:
            return self._until.get(digest, 0.0) > time.monotonic()

    def learn(self, password: str, encoded: str) -> None:
        """Remember a confirmation; the oldest ones make room."""
        digest = self._digest(password, encoded)
        with self._lock:
            self._until[digest] = time.monotonic() + self._seconds
            self._until.move_to_end(digest)
            while len(self._until) > self._size:
                self._until.popitem(last=False)


verdicts = VerdictCache()


@functools.cache
def _nobody() -> str:
    """A hash to check against when there is no such user, so that a guess costs the same time either way."""
    return make_password(secrets.token_urlsafe(16))


def _unauthorized(code: str, summary: str) -> Refusal:
    return Refusal(Kind.UNAUTHORIZED, code, summary, "Send your user name and password with HTTP Basic.")


def credentials(header: str) -> tuple[str, str]:
    """User name and password of an Authorization header. Raises `Refusal`."""
    scheme, _, text = header.partition(" ")
    if scheme.lower() != "basic":
        raise _unauthorized("auth.missing", "Authentication credentials were not provided.")
    try:
        decoded = base64.b64decode(text.strip(), validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise _unauthorized(
            "auth.header", "Invalid basic header. Credentials not correctly encoded."
        ) from None
    username, colon, password = decoded.partition(":")
    if not colon or "\x00" in decoded:
        raise _unauthorized("auth.header", "Invalid basic header. Credentials not correctly encoded.")
    return username, password


def authenticate_basic(header: str) -> User:
    """The active user behind an Authorization header. Raises `Refusal` with one text for every wrong guess."""
    username, password = credentials(header)
    user = User.objects.select_related("client").filter(username=username).first()
    encoded = user.password if user else _nobody()
    known = user is not None and verdicts.knows(password, encoded)
    if not known:
        fits = check_password(password, encoded)
        if not (fits and user is not None):
            raise _unauthorized("auth.invalid", "Invalid username/password.")
    if user is None or not user.is_active:
        raise _unauthorized("auth.invalid", "Invalid username/password.")
    if not known:
        verdicts.learn(password, encoded)
    return user


class BasicAuthentication(BaseAuthentication):
    """The Basic scheme for DRF views; nobody passes without credentials."""

    def authenticate(self, request: Request) -> tuple[User, Any]:
        """The user of a request. Raises `Refusal`."""
        return authenticate_basic(request.META.get("HTTP_AUTHORIZATION", "")), None

    def authenticate_header(self, request: Request) -> str:
        """What a 401 says in WWW-Authenticate."""
        return REALM


def client_of(user: User) -> Client:
    """The depositor that a user is. Raises `Refusal` for users that only administrate."""
    try:
        return user.client
    except Client.DoesNotExist:
        raise Refusal(
            Kind.FORBIDDEN,
            "auth.not_a_client",
            f"User {user.get_username()} is not a deposit client.",
            "An operator makes one with: manage.py user create",
        ) from None
