"""How long the identity provider goes on taking our secret. Entra ID ends each after two years at most, in silence."""

import datetime
from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register
from django.utils import timezone

WARN_DAYS, URGENT_DAYS = 30, 7


def days_left() -> int | None:
    """Until the day from which it is not taken; negative afterwards, None when no day is set."""
    if not (settings.OIDC_ISSUER and settings.OIDC_SECRET_EXPIRES):
        return None
    ends = datetime.date.fromisoformat(settings.OIDC_SECRET_EXPIRES)
    return (ends - timezone.now().date()).days


@register("identity", deploy=True)
def check_secret(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """``check --deploy``: whether the secret is good for a while."""
    left = days_left()
    if left is None or left > WARN_DAYS:
        return []
    words = f"OIDC_CLIENT_SECRET: the identity provider takes it for {max(left, 0)} more days."
    hint = "Make a new one there, and set OIDC_CLIENT_SECRET and OIDC_SECRET_EXPIRES."
    kind = Error if left <= 0 else Warning
    return [kind(words, hint=hint, id="settings.E040" if left <= 0 else "settings.W040")]
