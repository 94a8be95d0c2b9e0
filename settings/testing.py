"""Django's settings of the tests: a trial with secrets of its own, for a database that DATABASE_URL names."""

import os
import secrets

os.environ.setdefault("DEPOSIT_EMBEDDED", "true")
os.environ.setdefault("SECRET_KEY", secrets.token_urlsafe(50))

from settings.embedded import *  # noqa: F403
