"""The dispatcher: turns waiting deposits into Celery messages, and takes work back from workers that died.

One dispatcher leads, by an advisory lock; others wait to take over. It wakes on NOTIFY or after a short poll,
sends what waits, sends again what waits too long (less and less often), releases passed leases, and sets
aside what keeps killing its workers. It may die at any line: what it did not finish, its successor does.
"""

import logging
import select
from collections.abc import Callable
from datetime import timedelta

import psycopg2.extensions
from django.conf import settings
from django.db import connection
from django.db.models import F, Q
from django.db.models.functions import Now

from deposit.lifecycle import CHANNEL, WAITING, TransitionRefused, Work, fire
from deposit.models import Deposit, Status

logger = logging.getLogger(__name__)

# The key of the advisory lock that makes one dispatcher the leader.
LEADER_LOCK = 0x5E4D_0001
# Messages that are out and not yet claimed, per queue. Bounds the broker's queue, keeps the order fair.
OUTSTANDING = 200
# A message is sent again after RESEND_SECONDS, then twice as long, and so on up to this many doublings.
MAX_DOUBLINGS = 6

ACTOR = "dispatcher"
Send = Callable[[Work, int], None]


def lead() -> bool:
    """Try to become the leader; the lock lives as long as this database session."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [LEADER_LOCK])
        row = cursor.fetchone()
    return bool(row and row[0])


def listen() -> None:
    """Subscribe this database session to the announcements of work."""
    with connection.cursor() as cursor:
        cursor.execute(f"LISTEN {CHANNEL}")


def wait(seconds: float) -> None:
    """Sleep until work is announced, at most ``seconds``."""
    raw: psycopg2.extensions.connection = connection.connection
    raw.poll()
    if not raw.notifies:
        select.select([raw], [], [], seconds)
        raw.poll()
    raw.notifies.clear()


def round_of_work(send: Send) -> int:
    """Do once all that is due; returns how many messages were sent."""
    quarantine_poison()
    release_passed_leases()
    return sum(send_waiting(status, work, send) for status, work in WAITING.items())


def send_waiting(status: Status, work: Work, send: Send) -> int:
    """Send a message for each deposit that waits in ``status`` and has none out, oldest first."""
    free = Q(lease_expires_at__isnull=True) | Q(lease_expires_at__lte=Now())
    waiting = Deposit.objects.filter(free, status=status, attempts__lt=settings.MAX_ATTEMPTS)
    overdue = Q(sent_at__isnull=True)
    for doublings in range(MAX_DOUBLINGS + 1):
        age = timedelta(seconds=settings.RESEND_SECONDS * 2**doublings)
        last = doublings == MAX_DOUBLINGS
        count = Q(sends__gt=doublings) if last else Q(sends=doublings + 1)
        overdue |= count & Q(sent_at__lte=Now() - age)
    # A checker that died leaves a passed lease on a deposit that still waits: no need to wait for the resend.
    overdue |= Q(lease_expires_at__lte=Now(), sent_at__lte=F("lease_expires_at"))
    out = waiting.exclude(sent_at__isnull=True).count()
    ids = list(
        waiting.filter(overdue).order_by("id").values_list("pk", flat=True)[: max(OUTSTANDING - out, 10)]
    )
    sent = []
    try:
        for deposit_id in ids:
            send(work, deposit_id)
            sent.append(deposit_id)
    finally:
        Deposit.objects.filter(pk__in=sent, status=status).update(sent_at=Now(), sends=F("sends") + 1)
    return len(sent)


def release_passed_leases() -> int:
    """Give work whose worker fell silent to another."""
    passed = Deposit.objects.filter(status=Status.LOADING, lease_expires_at__lte=Now()).values_list(
        "pk", "lease_owner"
    )
    return sum(_fire_quietly("release", pk, f"{owner} fell silent") for pk, owner in list(passed))


def quarantine_poison() -> int:
    """Set aside as failed what was claimed MAX_ATTEMPTS times and never finished: it kills its workers."""
    poison = Deposit.objects.filter(
        Q(lease_expires_at__isnull=True) | Q(lease_expires_at__lte=Now()),
        status__in=[Status.DEPOSITED, Status.VERIFIED, Status.LOADING],
        attempts__gte=settings.MAX_ATTEMPTS,
    ).values_list("pk", "attempts")
    return sum(
        _fire_quietly("quarantine", pk, f"Set aside after {attempts} attempts that did not finish.")
        for pk, attempts in list(poison)
    )


def _fire_quietly(event: str, deposit_id: int, reason: str) -> bool:
    """Fire, unless somebody was faster since the deposit was looked up."""
    try:
        fire(event, deposit_id, actor=ACTOR, detail={"reason": reason})
    except (TransitionRefused, Deposit.DoesNotExist):
        return False
    logger.warning("event=%s deposit=%s reason=%r", event, deposit_id, reason)
    return True
