"""Secrets of webhooks at rest: encrypted with a key made of SECRET_KEY (Fernet: AES-128-CBC with HMAC-SHA-256).

Who reads the database or a backup of it does not have them. After a change of SECRET_KEY the former one, in
SECRET_KEY_FALLBACKS, still opens them.
"""

import base64

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


class SecretUnreadable(Exception):
    """The secret was encrypted with another SECRET_KEY."""


def encrypt(text: str) -> str:
    """A secret as it is kept."""
    return _box().encrypt(text.encode()).decode()


def decrypt(kept: str) -> str:
    """The secret. Raises `SecretUnreadable`."""
    try:
        return _box().decrypt(kept.encode()).decode()
    except InvalidToken:
        raise SecretUnreadable(
            "The secret of the webhook was encrypted with another SECRET_KEY: make a new one."
        ) from None


def _box() -> MultiFernet:
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return MultiFernet([Fernet(_derived(key)) for key in keys])


def _derived(key: str) -> bytes:
    derivation = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"deposit: secrets of webhooks")
    return base64.urlsafe_b64encode(derivation.derive(key.encode()))
