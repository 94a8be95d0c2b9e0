"""The scheduler's Celery task for sources: the report, by mail and webhook."""

import logging

import httpx
from celery import shared_task
from django.conf import settings
from django.core.mail import send_mail

from sources import report

logger = logging.getLogger(__name__)


@shared_task(name="sources.report")
def send_report() -> None:
    """Mail the report, and post it as JSON, to those whom the settings name."""
    days = settings.SOURCE_REPORT_DAYS
    found = report.lines(days)
    if not found:
        return
    if settings.SOURCE_REPORT_MAIL:
        subject = f"{settings.SERVICE_TITLE}: what came in during the last {days:g} days"
        send_mail(subject, report.as_text(found, days), None, settings.SOURCE_REPORT_MAIL)
    if settings.SOURCE_REPORT_WEBHOOK:
        text = report.as_text(found, days)
        told = {"text": text, "days": days, "sources": report.as_rows(found)}
        httpx.post(settings.SOURCE_REPORT_WEBHOOK, json=told, timeout=30).raise_for_status()
    logger.info("report of %s sources sent", len(found))
