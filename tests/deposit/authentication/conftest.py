"""Every test begins as a fresh process: nobody's password is remembered. Guesses are many, so hashes are cheap."""

import pytest
from pytest_django.fixtures import Settings

from deposit.authentication import passwords


@pytest.fixture(autouse=True)
def fresh_verdicts(settings: Settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    passwords.verdicts.forget_all()
    passwords._nobody.cache_clear()
