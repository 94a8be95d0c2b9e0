"""Django's settings of a trial on one machine, as `make run` starts it: ``--settings=settings.embedded``."""

import os

from django.core.exceptions import ImproperlyConfigured

os.environ.setdefault("DEPOSIT_EMBEDDED", "true")

from settings.base import *  # noqa: F403
from settings.base import EMBEDDED

if not EMBEDDED:
    raise ImproperlyConfigured(
        "DEPOSIT_EMBEDDED=false is a service for others, and settings.embedded is a trial. Unset it, or use "
        "settings.production."
    )
