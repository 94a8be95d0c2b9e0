"""Every test begins as a fresh process: nobody's password is remembered. Guesses are many, so hashes are cheap."""

from collections.abc import Iterator

import pytest
from pytest_django.fixtures import Settings

from deposit.authentication import passwords
from tests.support import factories


@pytest.fixture(autouse=True)
def fresh_verdicts(settings: Settings) -> Iterator[None]:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    remembered = (passwords._nobody, factories._password_hash)
    passwords.credential_cache.forget_all()
    patience, passwords.tarpit.seconds = passwords.tarpit.seconds, 0.0
    for hashed in remembered:
        hashed.cache_clear()
    yield
    passwords.tarpit.seconds = patience
    for hashed in remembered:
        hashed.cache_clear()
