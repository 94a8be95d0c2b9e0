"""Telling depositors that a deposit they never completed will expire."""

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now

from deposit import lifecycle
from deposit.actors import Channel, system_actor
from deposit.models import Deposit, Event, EventName, Status
from deposit.services import confirmation

TOLD = EventName.TELL_OF_EXPIRY


def notify() -> int:
    """Tell of each partial deposit that expires within PARTIAL_NOTICE_DAYS, once; returns of how many.

    The line in the history asks for the notice (``deposit.notices``).
    """
    age = timedelta(days=max(0, settings.PARTIAL_EXPIRES_DAYS - settings.PARTIAL_NOTICE_DAYS))
    told = Event.objects.filter(deposit=OuterRef("pk"), name=TOLD, at__gte=OuterRef("status_changed_at"))
    due = Deposit.objects.filter(~Exists(told), status=Status.PARTIAL, reception_date__lt=Now() - age)
    due = due.filter(Q(held_packages="") | Q(status_changed_at__lt=Now() - age))
    count = 0
    for deposit in due.select_related("client__user").order_by("id").iterator(chunk_size=500):
        count += _notify(deposit)
    return count


def _notify(deposit: Deposit) -> bool:
    expires = confirmation.expires(deposit)
    with transaction.atomic():
        locked = Deposit.objects.select_for_update().filter(pk=deposit.pk, status=Status.PARTIAL).first()
        if locked is None:
            return False
        since = locked.status_changed_at
        if Event.objects.filter(deposit=deposit.pk, name=TOLD, at__gte=since).exists():
            return False
        lifecycle.record(
            locked,
            TOLD,
            actor=str(system_actor(Channel.SCHEDULER)),
            source=locked.status,
            target=locked.status,
            expires=expires.isoformat(timespec="seconds"),
        )
    return True
