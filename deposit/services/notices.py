"""Telling users by mail what their account page tells them too."""

import logging
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import send_mail
from django.db.models.functions import Now

from deposit.models import Notice

logger = logging.getLogger(__name__)


def mail() -> int:
    """Mail every notice that was not mailed, to users with an address; returns how many.

    It is marked first: whoever dies between the two leaves a mail unsent, never a user who is told again and again.
    """
    count = 0
    due = Notice.objects.filter(mailed_at__isnull=True).exclude(user__email="").select_related("user")
    for notice in due.order_by("id")[:500]:
        if not Notice.objects.filter(pk=notice.pk, mailed_at__isnull=True).update(mailed_at=Now()):
            continue
        try:
            send_mail(f"{settings.SERVICE_TITLE}: your account", notice.text, None, [notice.user.email])
            count += 1
        except (SMTPException, OSError) as error:
            logger.error("notice=%s not mailed: %s", notice.pk, type(error).__name__)
    return count
