"""Django's settings of a service that others use: ``--settings=settings.production``.

What makes it unsafe is refused as it is read (`settings.insecure_values`), and so is a trial.
"""

from django.core.exceptions import ImproperlyConfigured

from settings.base import *  # noqa: F403
from settings.base import EMBEDDED

if EMBEDDED:
    raise ImproperlyConfigured(
        "DEPOSIT_EMBEDDED=true is a trial on one machine, and settings.production is not. Unset it, or use "
        "settings.embedded."
    )
