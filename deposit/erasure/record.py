"""What the record lets go of when a deposit is erased: everything but identifiers, dates, names of those who acted,
the reasons of the requests, and counts.
"""

from typing import Any

from django.db import connection
from django.db.models import Q
from django.db.models.functions import Now

from deposit.models import (
    Activity,
    Delivery,
    Deposit,
    Finding,
    MovedDeposit,
    Notification,
    NotificationAttempt,
    NotificationState,
    Part,
    PartKind,
    WorkItem,
)

# Work that would read or hand on what is gone. What cleans up after deliveries goes on.
_NEEDLESS = ("check", "load", "describe", "describe-elsewhere", "inspect", "fetch")
# What lines of the history may still say: numbers, identifiers, and the reasons of those who decided.
_KEPT_DETAILS = (
    "request",
    "kind",
    "attempt",
    "wait_seconds",
    "findings",
    "size",
    "metadata",
    "swhid",
    "expires",
)
_DECISIONS = ("request-deletion", "reject-deletion", "withdraw", "restore", "erase", "erased")
_LINES = """
UPDATE deposit_event SET detail = (
    SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(detail)
    WHERE key = ANY(%s) OR key = 'reason' AND name = ANY(%s)
) WHERE deposit_id = %s
"""
# Answers that are kept for retries name the deposit in an address.
_ANSWERS = """
DELETE FROM deposit_idempotencykey
WHERE user_id = %s AND (position(%s::bytea IN body) > 0 OR headers::text LIKE %s)
"""


def forget(deposit: Deposit) -> list[str]:
    """Take the content of a deposit out of the record; returns the staged files that are to be unlinked after it.

    In the transaction that marks it as erased, the deposit locked.
    """
    parts = Part.objects.filter(deposit=deposit)
    staged = [name for name in parts.values_list("stored_as", flat=True) if name]
    parts.delete()
    Finding.objects.filter(deposit=deposit).delete()
    _forget_descriptions(deposit)
    _forget_deliveries(deposit)
    forget_notices(deposit)
    WorkItem.objects.filter(deposit=deposit, kind__in=_NEEDLESS).delete()
    MovedDeposit.objects.filter(deposit=deposit).exclude(lacking=[]).update(lacking=["package"])
    _forget_answers(deposit)
    _forget_details(deposit)
    return staged


def forget_original(deposit: Deposit) -> list[str]:
    """The same for a deposit of which only some objects are erased: the packages as sent hold them as well."""
    packages = Part.objects.filter(deposit=deposit).exclude(kind=PartKind.METADATA)
    staged = [name for name in packages.values_list("stored_as", flat=True) if name]
    packages.delete()
    Finding.objects.filter(deposit=deposit).delete()
    return staged


def _forget_descriptions(deposit: Deposit) -> None:
    told: dict[str, Any] = {
        "title": "",
        "package_name": "",
        "software_version": None,
        "release_notes": None,
        "profile_options": {},
    }
    for name, value in told.items():
        setattr(deposit, name, value)
    Deposit.objects.filter(pk=deposit.pk).update(**told)


def _forget_deliveries(deposit: Deposit) -> None:
    """That it was delivered stays, and when; what was remembered of it goes."""
    deliveries = Delivery.objects.filter(deposit=deposit)
    Activity.objects.filter(delivery__in=deliveries).update(result={}, note="", error="", fault="")
    deliveries.update(memory={}, question={}, error="")


def forget_notices(deposit: Deposit) -> None:
    """What is not sent yet is not sent; of what was sent stays that it was."""
    drop_notices(deposit)
    told = Notification.objects.filter(deposit=deposit.pk)
    NotificationAttempt.objects.filter(notification__in=told).update(answer="")
    told.exclude(body={}).update(body={}, answer="")


def drop_notices(deposit: Deposit) -> None:
    """What waits to be told of a deposit is told no more: it would quote what is hidden now."""
    waiting = Notification.objects.filter(
        Q(state=NotificationState.WAITING) | Q(state=NotificationState.COLLECTED), deposit=deposit.pk
    )
    waiting.update(
        state=NotificationState.DROPPED, ended_at=Now(), answer="The deposit was withdrawn or erased."
    )


def _forget_answers(deposit: Deposit) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_ANSWERS, [deposit.client.user_id, f"/{deposit.pk}/".encode(), f"%/{deposit.pk}%"])


def _forget_details(deposit: Deposit) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('deposit.erases', %s, true)", [str(deposit.pk)])
        cursor.execute(_LINES, [list(_KEPT_DETAILS), list(_DECISIONS), deposit.pk])
        cursor.execute("SELECT set_config('deposit.erases', '', true)")
