"""The Authorization header (RFC 7235, 7617, 6750)."""

import base64
import binascii
from dataclasses import dataclass

from deposit.refusals import Kind, Refusal, unauthorized

BEARER = 'Bearer realm="deposit", error="invalid_token"'


@dataclass(frozen=True, slots=True)
class Password:
    """A user name and what was sent as its password."""

    username: str
    password: str


@dataclass(frozen=True, slots=True)
class Bearer:
    """A token."""

    token: str


def bad_token(summary: str = "The API token is invalid, expired or revoked.") -> Refusal:
    """A 401 for a token that is unknown, expired, revoked or forged; the answer does not say which."""
    hint = "Make a new one on the page of your account, or ask the operators."
    return Refusal(Kind.UNAUTHORIZED, "auth.token", summary, hint, challenge=BEARER)


def read_authorization(header: str) -> Password | Bearer:
    """What an Authorization header holds. Raises `Refusal`."""
    scheme, _, text = header.partition(" ")
    if scheme.lower() == "bearer" and text.strip():
        return Bearer(text.strip())
    if scheme.lower() != "basic":
        raise unauthorized("auth.missing", "Authentication credentials were not provided.")
    try:
        decoded = base64.b64decode(text.strip(), validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise _malformed() from None
    username, colon, password = decoded.partition(":")
    if not colon or "\x00" in decoded:
        raise _malformed()
    return Password(username, password)


def _malformed() -> Refusal:
    return unauthorized("auth.header", "Invalid basic header. Credentials not correctly encoded.")
