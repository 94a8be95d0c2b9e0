"""The dispatcher: turns work that is due into Celery messages, and takes work back from workers that died.

One dispatcher leads, by an advisory lock; others wait to take over. It wakes on NOTIFY or after a short poll, sends
what is due, sends again what waits too long (less and less often), takes back passed leases, and sets aside what keeps
killing its workers. It knows no kind of work by name. It may die at any line: what it did not finish, its successor
does.
"""

import logging
import select
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import psycopg2.extensions
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Now
from psycopg2.errorcodes import LOCK_NOT_AVAILABLE

from deposit.models import AdvisoryLock, WorkItem
from deposit.queue import lanes, registry
from deposit.queue.items import CHANNEL
from deposit.queue.lanes import Lane, Load
from deposit.queue.messages import SMALL_BYTES, Due, Send, messages_of, with_groups
from deposit.queue.registry import Kind
from deposit.queue.sessions import end_session

logger = logging.getLogger(__name__)

# A leader looks at the record every other second; one whose session was idle this long is frozen. In seconds.
FROZEN_SECONDS = 60
# A message is sent again after RESEND_SECONDS, then twice as long, and so on up to this many doublings: rarely enough
# for workers that are slow, often enough for a message that was lost more than once.
MAX_DOUBLINGS = 3
# How long to wait for a row that somebody holds locked: a worker that is frozen in its transaction may for a minute,
# and the others' leases pass meanwhile. The next round asks again.
LOCK_PATIENCE = "200ms"
# How long to sleep without an announcement, and when there was more to send than room for it. In seconds.
POLL_SECONDS = 2.0
CROWDED_SECONDS = 0.05

# Light work that was sent further ahead than the workers' pace, before some of it is taken back.
RECALLED = 2

# Sent long enough ago to be sent again.
_OVERDUE = """sent_at <= statement_timestamp()
    - make_interval(secs => %(resend)s * power(2, least(greatest(sends - 1, 0), %(doublings)s)))"""
_OUT = f"""
SELECT queue, heavy, count(*) FILTER (WHERE lease_expires_at IS NULL AND NOT {_OVERDUE}),
    count(lease_expires_at)
FROM deposit_workitem WHERE sent_at IS NOT NULL GROUP BY queue, heavy
"""  # noqa: S608 - constants
# The oldest of each share, taken in turns, with what each has under way already. The shares that have any are found by
# leaps through the index, so that a long queue costs no more than a short one.
_DUE = f"""
WITH RECURSIVE waiting AS (
    (SELECT queue, heavy, share FROM deposit_workitem ORDER BY queue, heavy, share LIMIT 1)
    UNION ALL
    SELECT next.* FROM waiting CROSS JOIN LATERAL (
        SELECT queue, heavy, share FROM deposit_workitem
        WHERE (queue, heavy, share) > (waiting.queue, waiting.heavy, waiting.share)
        ORDER BY queue, heavy, share LIMIT 1
    ) next
), room AS (
    SELECT * FROM unnest(%(queues)s::text[], %(heavies)s::bool[], %(rooms)s::int[]) AS room (queue, heavy, most)
), busy AS (
    SELECT queue, heavy, share, count(*) AS number FROM deposit_workitem
    WHERE sent_at IS NOT NULL AND (lease_expires_at IS NOT NULL OR NOT {_OVERDUE}) GROUP BY queue, heavy, share
), due AS (
    SELECT waiting.queue, waiting.heavy, oldest.*, room.most, coalesce(busy.number, 0) + row_number()
        OVER (PARTITION BY waiting.queue, waiting.heavy, waiting.share ORDER BY due_at, id) AS turn
    FROM waiting JOIN room USING (queue, heavy) LEFT JOIN busy USING (queue, heavy, share) CROSS JOIN LATERAL (
        SELECT id, kind, key, deposit_id, due_at, attempts, sends, lease_token, recalled FROM deposit_workitem item
        WHERE (item.queue, item.heavy, item.share) = (waiting.queue, waiting.heavy, waiting.share)
            AND due_at <= statement_timestamp() AND lease_expires_at IS NULL AND (sent_at IS NULL OR {_OVERDUE})
        ORDER BY due_at, id LIMIT room.most
    ) oldest
), placed AS (
    SELECT due.*, row_number() OVER (PARTITION BY queue, heavy ORDER BY turn, due_at, id) AS place FROM due
)
SELECT id, kind, key, attempts, sends, lease_token, recalled, queue, heavy,
    (SELECT coalesce(sum(size), 0) <= %(small)s FROM deposit_part part
     WHERE part.deposit_id = placed.deposit_id AND part.kind = 'package')
FROM placed WHERE place <= most
ORDER BY queue, heavy, place
"""  # noqa: S608 - constants


def lead() -> bool:
    """Try to become the leader; the lock lives as long as this database session."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [AdvisoryLock.DISPATCHER])
        row = cursor.fetchone()
    return bool(row and row[0])


def is_led() -> bool:
    """Whether a leader holds the lock and does something: one that hangs keeps the lock, and gives out nothing.

    Sessions of another role may not be looked at; they count as alive.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT EXISTS (
                SELECT FROM pg_locks LEFT JOIN pg_stat_activity USING (pid)
                WHERE locktype = 'advisory' AND granted AND objid = %s AND objsubid = 1
                  AND pg_locks.database = (SELECT oid FROM pg_database WHERE datname = current_database())
                  AND coalesce(state = 'active' OR state_change > clock_timestamp() - make_interval(secs => %s), true)
            )
            """,
            [AdvisoryLock.DISPATCHER, FROZEN_SECONDS],
        )
        (led,) = cursor.fetchone()
    return bool(led)


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
            [AdvisoryLock.DISPATCHER, FROZEN_SECONDS],
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
        _unlocked(lease_expires_at__isnull=True, sent_at__isnull=False).update(sent_at=None)
    lanes.pace.forget()


def round_of_work(send: Send) -> bool:
    """Do once all that is due; True when more waits than there was room for."""
    release_passed_leases()
    return send_due(send)


def heal() -> int:
    """Let each kind look for work that should be open and is not; how much that was."""
    return sum(kind.heal() for kind in registry.KINDS.values() if kind.heal)


def produce() -> int:
    """Let each kind make work of what others have written down; how much that was.

    One that fails holds up nobody's work: it is called again.
    """
    number = 0
    for kind in registry.KINDS.values():
        if kind.produce:
            try:
                number += kind.produce()
            except (OperationalError, InterfaceError):
                raise
            except Exception:
                logger.exception("kind=%s made no work; it is tried again", kind.name)
    return number


# --- Sending -------------------------------------------------------------------------------------------
def send_due(send: Send) -> bool:
    """Send messages for the work that is due and has none out; True when more of it waits.

    Those who share take turns, each with its oldest first.
    """
    parameters: dict[str, Any] = {"resend": settings.RESEND_SECONDS, "doublings": MAX_DOUBLINGS}
    parameters["small"] = SMALL_BYTES
    hands = lanes.slots()
    with connection.cursor() as cursor:
        cursor.execute(_OUT, parameters)
        loads = {Lane(queue, heavy): Load(out, leased) for queue, heavy, out, leased in cursor.fetchall()}
        rooms = lanes.rooms({kind.queue for kind in registry.KINDS.values()}, loads, hands)
        wide = with_groups(rooms, loads, hands)
        _recall(wide)
        open_lanes = [lane for lane, room in wide.items() if room > 0]
        parameters["queues"] = [lane.queue for lane in open_lanes]
        parameters["heavies"] = [lane.heavy for lane in open_lanes]
        parameters["rooms"] = [wide[lane] for lane in open_lanes]
        cursor.execute(_DUE, parameters)
        rows = cursor.fetchall()
    # A kind that this version does not know is left to one that does.
    due = [
        Due(number, registry.KINDS[name], key, attempts, sends, token, recalled, Lane(queue, heavy), small)
        for number, name, key, attempts, sends, token, recalled, queue, heavy, small in rows
        if name in registry.KINDS
    ]
    messages, held = messages_of([each for each in due if not _set_aside(each)], rooms, loads, hands)
    _send_all(messages, send)
    found = Counter(Lane(queue, heavy) for *_, queue, heavy, _ in rows)
    return held or any(found[lane] >= room for lane, room in wide.items())


def _recall(rooms: Mapping[Lane, int]) -> None:
    """Take back what was sent too far ahead, when it is a good part of what is out: workers have become slow."""
    for lane, room in rooms.items():
        if not lane.heavy and room < -RECALLED and (number := lanes.recall(lane.queue, -room)):
            logger.info("queue=%s slow, %s messages taken back", lane.queue, number)


def _send_all(messages: Sequence[Sequence[Due]], send: Send) -> None:
    sent: list[Due] = []
    recalled = [each.id for message in messages for each in message if each.recalled]
    if recalled:
        # Before, or its worker would find that it may not claim it.
        WorkItem.objects.filter(pk__in=recalled).update(recalled=False)
    try:
        for message in messages:
            send(message[0].kind, *(each.key for each in message))
            sent += message
    finally:
        # Afterwards, so that a crash in between sends twice rather than never. What was claimed since is not noted:
        # its worker may have let go of it already, to look at it again later.
        if sent:
            with transaction.atomic():
                tokens = {each.id: each.token for each in sent}
                rows = _unlocked(pk__in=tokens).values_list("pk", "lease_token")
                same = [number for number, token in rows if tokens[number] == token]
                WorkItem.objects.filter(pk__in=same).update(sent_at=Now(), sends=F("sends") + 1)
            for queue, number in Counter(each.lane.queue for each in sent if not each.lane.heavy).items():
                lanes.pace.sent(queue, number)


def _unlocked(**match: Any) -> QuerySet[WorkItem]:
    """The rows that match and that nobody holds locked: whoever does is about to change them."""
    free = WorkItem.objects.select_for_update(skip_locked=True).filter(**match).order_by().values("pk")
    return WorkItem.objects.filter(pk__in=free)


# --- Taking back ---------------------------------------------------------------------------------------
def release_passed_leases() -> int:
    """Give work whose worker fell silent to another, or set it aside; how much that was."""
    passed = WorkItem.objects.filter(sent_at__isnull=False, lease_expires_at__lte=Now())
    released = 0
    for pk, owner, token in list(passed.values_list("pk", "lease_owner", "lease_token")):
        if end_session(token):
            logger.warning("work=%s the session of %s was ended", pk, owner)
        released += _locked(pk, token, _release)
    return released


def _release(item: WorkItem, kind: Kind) -> bool:
    if item.lease_expires_at is None or item.lease_expires_at > item.db_now:  # type: ignore[attr-defined]
        return False
    logger.warning("work=%s fell silent: %s", item.lease_owner, item)
    if item.attempts >= kind.policy.most_attempts:
        _end(item, kind)
        return True
    if kind.released:
        kind.released(item)
    WorkItem.objects.filter(pk=item.pk).update(lease_expires_at=None, lease_owner="", sent_at=None, sends=0)
    return True


def _set_aside(due: Due) -> bool:
    """Set work aside whose attempts are used up, instead of sending it."""
    if due.attempts < due.kind.policy.most_attempts:
        return False
    _locked(due.id, due.token, _exhaust)
    return True


def _exhaust(item: WorkItem, kind: Kind) -> bool:
    if item.lease_expires_at is not None or item.attempts < kind.policy.most_attempts:
        return False
    _end(item, kind)
    return True


def _end(item: WorkItem, kind: Kind) -> None:
    logger.error("work set aside after %s attempts: %s", item.attempts, item)
    if kind.exhausted:
        kind.exhausted(item)
    item.delete()


def _locked(pk: int, token: int, act: Callable[[WorkItem, Kind], bool]) -> bool:
    """Act on a row that is locked, unless somebody was faster since it was looked up, or holds it."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_PATIENCE}'")
            item = (
                WorkItem.objects.select_for_update()
                .annotate(db_now=Now())
                .filter(pk=pk, lease_token=token)
                .first()
            )
            kind = registry.KINDS.get(item.kind) if item else None
            return act(item, kind) if item and kind else False
    except OperationalError as error:
        if getattr(error.__cause__, "pgcode", None) != LOCK_NOT_AVAILABLE:
            raise
        logger.warning("work=%s postponed: its row is locked", pk)
        return False
