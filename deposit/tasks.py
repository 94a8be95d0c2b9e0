"""The scheduler's Celery tasks: housekeeping of the record."""

from datetime import timedelta

from celery import shared_task
from django.conf import settings
from django.db.models.functions import Now

from deposit.actors import Door, machine
from deposit.models import Deposit, Status
from deposit.services.operations import expire


@shared_task(name="deposit.expire_partials")
def expire_partials() -> None:
    """Expire partial deposits that nobody completed. Safe to run twice."""
    age = timedelta(days=settings.PARTIAL_EXPIRES_DAYS)
    old = Deposit.objects.filter(status=Status.PARTIAL, reception_date__lt=Now() - age)
    for deposit in old.order_by("id").iterator(chunk_size=500):
        expire(deposit_id=deposit.pk, actor=machine(Door.SCHEDULER), quietly=True)
