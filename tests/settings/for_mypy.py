"""Django's settings for the type checker, which runs nothing and needs no database."""

import os

os.environ.setdefault("SECRET_KEY", "no secret: the type checker only reads types")
os.environ.setdefault("DATABASE_URL", "postgres:///unused")
os.environ.setdefault("DEPOSIT_EMBEDDED", "true")

from settings.base import *  # noqa: F403
