"""How long it is kept what was told."""

from datetime import timedelta

from django.conf import settings
from django.db.models.functions import Now

from deposit.models import OPEN_NOTIFICATIONS, Notification, NotificationState, StandingAlert

# Rows that one statement removes.
_BATCH = 5000


def forget_old() -> int:
    """Remove notices that ended NOTICE_KEEP_DAYS ago, with their log, and alerts that were over then."""
    before = Now() - timedelta(days=settings.NOTICE_KEEP_DAYS)
    StandingAlert.objects.filter(cleared_at__lt=before).delete()
    number = 0
    while True:
        old = Notification.objects.filter(ended_at__lt=before).exclude(
            state__in=[*OPEN_NOTIFICATIONS, NotificationState.COLLECTED]
        )
        ids = list(old.order_by("id").values_list("pk", flat=True)[:_BATCH])
        Notification.objects.filter(pk__in=ids).delete()
        number += len(ids)
        if len(ids) < _BATCH:
            return number
