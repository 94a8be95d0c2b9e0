"""How the text of an API token looks, and what is kept of it."""

import hashlib
import secrets
import string
import zlib

# Recognised by scanners for leaked secrets; the last characters are a checksum, so that a look-alike is told from
# a token without asking the database.
PREFIX = "dpt_"
_ALPHABET = string.digits + string.ascii_letters
_RANDOM = 43  # 256 bits
_CHECKSUM = 6
START = len(PREFIX) + 6


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
