"""Django's settings for the type checker, which runs nothing and needs no database."""

import os

os.environ.setdefault("DATABASE_URL", "postgres:///unused")

from settings.testing import *  # noqa: F403
