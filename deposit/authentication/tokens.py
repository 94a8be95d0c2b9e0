"""API tokens: how they look, and whose they are."""

import hashlib
import secrets
import string
import zlib
from datetime import timedelta

from django.contrib.auth.models import User
from django.db import connection
from django.db.models.functions import Now
from django.utils import timezone

from deposit.actors import Scope
from deposit.authentication.headers import bad_token
from deposit.models import ApiToken

# Recognised by scanners for leaked secrets; the last characters are a checksum, so that a look-alike is told from
# a token without asking the database.
PREFIX = "dpt_"
_ALPHABET = string.digits + string.ascii_letters
_RANDOM = 43  # 256 bits
_CHECKSUM = 6
START = len(PREFIX) + 6

_USED = """
UPDATE deposit_apitoken SET last_used_at = now(), last_used_from = %s
WHERE id = %s AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')
"""


def _checksum(body: str) -> str:
    number = zlib.crc32(body.encode())
    letters = ""
    for _ in range(_CHECKSUM):
        number, rest = divmod(number, len(_ALPHABET))
        letters += _ALPHABET[rest]
    return letters


def new_token() -> str:
    """The text of a token that nobody has seen."""
    body = "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM))
    return PREFIX + body + _checksum(body)


def looks_like_a_token(text: str) -> bool:
    """Whether ``new_token`` could have made this."""
    body, checksum = text[len(PREFIX) : -_CHECKSUM], text[-_CHECKSUM:]
    whole = text.startswith(PREFIX) and len(body) == _RANDOM and text.isascii()
    return whole and _checksum(body) == checksum


def digest(text: str) -> str:
    """What is kept of a token. It has 256 random bits: a fast hash is as safe as a slow one."""
    return hashlib.sha256(text.encode()).hexdigest()


def user_with_token(text: str, *, address: str, username: str | None = None) -> tuple[User, ApiToken]:
    """Whose a token is; one query. ``username``: the one it was sent with. Raises one `Refusal` for all faults."""
    if not looks_like_a_token(text):
        raise bad_token()
    valid = ApiToken.objects.filter(digest=digest(text), revoked_at__isnull=True, expires_at__gt=Now())
    token = valid.select_related("user__client").first()
    if token is None or not token.user.is_active or username not in (None, token.user.get_username()):
        raise bad_token()
    if token.last_used_at is None or timezone.now() - token.last_used_at > timedelta(minutes=1):
        with connection.cursor() as cursor:
            cursor.execute(_USED, [address, token.pk])
    return token.user, token


def scopes_of(token: ApiToken) -> frozenset[Scope]:
    """What the token may be used for."""
    return frozenset(Scope(name) for name in token.scopes)
