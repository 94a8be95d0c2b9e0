"""The dispatcher: turns waiting deposits into Celery messages, and takes work back from workers that died.

One dispatcher leads, by an advisory lock; others wait to take over. It wakes on NOTIFY or after a short poll,
sends what waits, sends again what waits too long (less and less often), releases passed leases, and sets
aside what keeps killing its workers. It may die at any line: what it did not finish, its successor does.
"""

import logging
import select
from collections.abc import Callable
from typing import Any

import psycopg2.extensions
from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now
from psycopg2.errorcodes import LOCK_NOT_AVAILABLE

from deposit.findings import Area, Severity
from deposit.lifecycle import CHANNEL, GIVE_BACK, WAITING, TransitionRefused, Work, fire
from deposit.models import Deposit, Event, Finding, Status
from deposit.queue.sessions import end_session

logger = logging.getLogger(__name__)

# The key of the advisory lock that makes one dispatcher the leader.
LEADER_LOCK = 0x5E4D_0001
# A leader looks at the record every other second; one whose session was idle this long is frozen. In seconds.
FROZEN_SECONDS = 60
# Messages that are out and not yet claimed, per queue. Bounds the broker's queue, and how long a client waits behind
# the many deposits of another.
OUTSTANDING = 100
# A message is sent again after RESEND_SECONDS, then twice as long, and so on up to this many doublings: rarely enough
# for workers that are slow, often enough for a message that was lost more than once.
MAX_DOUBLINGS = 3
# How long to wait for a row that somebody holds locked: a worker that is frozen in its transaction may for a minute,
# and the others' leases pass meanwhile. The next round asks again.
LOCK_PATIENCE = "200ms"
# How long to sleep without an announcement, and when there was more to send than room for it. In seconds.
POLL_SECONDS = 2.0
CROWDED_SECONDS = 0.2

ACTOR = "dispatcher"
Send = Callable[[Work, int], None]

_FREE = "status = %(status)s AND (lease_expires_at IS NULL OR lease_expires_at <= statement_timestamp())"
# Sent long enough ago to be sent again; or the worker that had it is gone (its lease has passed since).
_OVERDUE = """(
    sent_at <= statement_timestamp()
        - make_interval(secs => %(resend)s * power(2, least(greatest(sends - 1, 0), %(doublings)s)))
    OR (lease_expires_at IS NOT NULL AND sent_at <= lease_expires_at)
)"""
_OUT = f"""
SELECT count(*) FROM deposit_deposit
WHERE {_FREE} AND sent_at IS NOT NULL AND NOT {_OVERDUE} AND attempts < %(attempts)s
"""  # noqa: S608 - constants
# The oldest deposits of each client, taken in turns. The clients that have any are found by leaps through the index,
# so that a long queue costs no more than a short one.
_DUE = f"""
WITH RECURSIVE waiting AS (
    (SELECT client_id FROM deposit_deposit WHERE status = %(status)s ORDER BY client_id LIMIT 1)
    UNION ALL
    SELECT (SELECT client_id FROM deposit_deposit
            WHERE status = %(status)s AND client_id > waiting.client_id ORDER BY client_id LIMIT 1)
    FROM waiting WHERE waiting.client_id IS NOT NULL
)
SELECT due.id FROM waiting CROSS JOIN LATERAL (
    SELECT id, row_number() OVER (ORDER BY id) AS turn FROM (
        SELECT id FROM deposit_deposit
        WHERE client_id = waiting.client_id AND {_FREE} AND attempts < %(attempts)s
              AND (sent_at IS NULL OR {_OVERDUE})
        ORDER BY id LIMIT %(room)s
    ) oldest
) due
ORDER BY due.turn, due.id LIMIT %(room)s
"""  # noqa: S608 - constants


def lead() -> bool:
    """Try to become the leader; the lock lives as long as this database session."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [LEADER_LOCK])
        row = cursor.fetchone()
    return bool(row and row[0])


def depose_a_frozen_leader() -> bool:
    """End the session of a leader that holds the lock and does nothing; it notices when it thaws."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT bool_or(pg_terminate_backend(pid)) FROM pg_locks JOIN pg_stat_activity USING (pid)
            WHERE locktype = 'advisory' AND granted AND objid = %s AND objsubid = 1
              AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
              AND pid <> pg_backend_pid()
              AND state_change < clock_timestamp() - make_interval(secs => %s)
            """,
            [LEADER_LOCK, FROZEN_SECONDS],
        )
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


def forget_what_was_sent() -> None:
    """Send everything that waits again: the broker, or those who read from it, may have lost what they had.

    What was not lost comes twice; the claim lets one through.
    """
    with transaction.atomic():
        _unlocked(status__in=WAITING, lease_expires_at__isnull=True, sent_at__isnull=False).update(
            sent_at=None
        )


def round_of_work(send: Send) -> bool:
    """Do once all that is due; True when more waits than there was room for."""
    quarantine_poison()
    release_passed_leases()
    crowded = [send_waiting(status, work, send) for status, work in WAITING.items()]
    return any(crowded)


def send_waiting(status: Status, work: Work, send: Send) -> bool:
    """Send a message for each deposit that waits in ``status`` and has none out; True when room ran out.

    Clients take turns, each with its oldest first.
    """
    parameters: dict[str, str | int] = {
        "status": status.value,
        "attempts": settings.MAX_ATTEMPTS,
        "resend": settings.RESEND_SECONDS,
        "doublings": MAX_DOUBLINGS,
    }
    with connection.cursor() as cursor:
        cursor.execute(_OUT, parameters)
        (out,) = cursor.fetchone()
        room = OUTSTANDING - out
        if room <= 0:
            return True
        cursor.execute(_DUE, parameters | {"room": room})
        ids = [row[0] for row in cursor.fetchall()]
    _send_all(ids, status, work, send)
    return bool(len(ids) == room)


def _send_all(ids: list[int], status: Status, work: Work, send: Send) -> None:
    sent = []
    try:
        for deposit_id in ids:
            send(work, deposit_id)
            sent.append(deposit_id)
    finally:
        # Afterwards, so that a crash in between sends twice rather than never.
        if sent:
            with transaction.atomic():
                _unlocked(pk__in=sent, status=status).update(sent_at=Now(), sends=F("sends") + 1)


def _unlocked(**match: Any) -> QuerySet[Deposit]:
    """The deposits that match and that nobody holds locked: whoever does is about to change them."""
    free = Deposit.objects.select_for_update(skip_locked=True).filter(**match).order_by().values("pk")
    return Deposit.objects.filter(pk__in=free)


def release_passed_leases() -> int:
    """Give work whose worker fell silent to another."""
    passed = Deposit.objects.filter(status=Status.LOADING, lease_expires_at__lte=Now()).values_list(
        "pk", "lease_owner", "lease_token"
    )
    released = 0
    for pk, owner, token in list(passed):
        if end_session(pk, token):
            logger.warning("deposit=%s the session of %s was ended", pk, owner)
        released += _fire_quietly("release", pk, f"{owner} fell silent")
    return released


def quarantine_poison() -> int:
    """Set aside as failed what was claimed MAX_ATTEMPTS times and never finished: it kills its workers."""
    poison = Deposit.objects.filter(
        Q(lease_expires_at__isnull=True) | Q(lease_expires_at__lte=Now()),
        status__in=[Status.DEPOSITED, Status.VERIFIED, Status.LOADING],
        attempts__gte=settings.MAX_ATTEMPTS,
    ).values_list("pk", "attempts", "lease_token")
    quarantined = 0
    for pk, attempts, token in list(poison):
        end_session(pk, token)
        quarantined += _quarantine(pk, attempts)
    return quarantined


def _quarantine(deposit_id: int, attempts: int) -> bool:
    last = Event.objects.filter(deposit=deposit_id, name=GIVE_BACK).order_by("-id").first()
    told = f" The last fault: {last.detail['reason']}" if last else " Its workers died without a word."
    reason = f"Set aside after {attempts} attempts that did not finish.{told}"
    with transaction.atomic():
        if not _fire_quietly("quarantine", deposit_id, reason):
            return False
        Finding.objects.create(
            deposit_id=deposit_id,
            area=Area.LOADING,
            code="loading.quarantined",
            severity=Severity.ERROR,
            message=f"The deposit was set aside after {attempts} attempts that did not finish. "
            "The fault is not yours; the operators have to look at it.",
        )
    return True


def _fire_quietly(event: str, deposit_id: int, reason: str) -> bool:
    """Fire, unless somebody was faster since the deposit was looked up, or holds its row."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_PATIENCE}'")
            fire(event, deposit_id, actor=ACTOR, detail={"reason": reason})
    except (TransitionRefused, Deposit.DoesNotExist):
        return False
    except OperationalError as error:
        if getattr(error.__cause__, "pgcode", None) != LOCK_NOT_AVAILABLE:
            raise
        logger.warning("event=%s deposit=%s postponed: its row is locked", event, deposit_id)
        return False
    logger.warning("event=%s deposit=%s reason=%r", event, deposit_id, reason)
    return True
