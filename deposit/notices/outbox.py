"""The outbox: the lines of the history that ask for a notice, each read once, none skipped.

Whoever deposits writes the line and nothing else; reading is somebody else's business, later. Transactions commit in
another order than they number their lines, so a position in ids would skip a line whose transaction ends late. Each
line has the number of its transaction (``Event.xact``), and PostgreSQL tells which transactions run (``pg_snapshot``):
below the first of them all lines are visible that ever will be. So the position is a transaction's number with an id,
and it never passes one that still runs. A transaction that stays open for long delays notices, and no more.

Numbers of transactions begin anew in a cluster that a dump is restored into; the cluster's identifier tells, and the
position is found again by ids (``_moved``), with all writers waited for.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from deposit.models import Event, OutboxPosition

_COLUMNS = "id, deposit_id, name, from_status, to_status, at, detail, xact"
# "Some line may wait", for the cheapest of looks; the position is read in the same statement.
_WAITS = """
SELECT EXISTS (
    SELECT FROM deposit_event WHERE xact IS NOT NULL
    AND (xact, id) > (coalesce((SELECT xact FROM deposit_outboxposition), 0),
                      coalesce((SELECT event FROM deposit_outboxposition), 0))
    AND id > coalesce((SELECT floor FROM deposit_outboxposition), 0)
)
"""
# The number below which no transaction of this database ran any more when the statement began. One of another database
# of the cluster writes nothing here; that it is one is seen by its lock, which is looked at afterwards: one that has
# ended since counts as ours, and is asked about again.
_NEXT = f"""
WITH running AS MATERIALIZED (
    SELECT number::text::bigint AS number, number::xid::text AS short
    FROM pg_snapshot_xip(pg_current_snapshot()) AS number
), elsewhere AS MATERIALIZED (
    SELECT held.transactionid::text AS short FROM pg_locks held JOIN pg_stat_activity session USING (pid)
    WHERE held.locktype = 'transactionid' AND held.mode = 'ExclusiveLock' AND held.granted
        AND session.datid <> (SELECT oid FROM pg_database WHERE datname = current_database())
        AND EXISTS (SELECT FROM running)
), finished AS MATERIALIZED (
    SELECT coalesce(min(number), pg_snapshot_xmax(pg_current_snapshot())::text::bigint) AS below FROM running
    WHERE short NOT IN (SELECT short FROM elsewhere)
)
SELECT {_COLUMNS} FROM deposit_event
WHERE xact IS NOT NULL AND (xact, id) > (%s, %s) AND id > %s AND xact < (SELECT below FROM finished)
ORDER BY xact, id LIMIT %s
"""  # noqa: S608 - constants
_AFTER_A_MOVE = f"""
SELECT {_COLUMNS} FROM deposit_event
WHERE xact IS NOT NULL AND ((xact, id) > (%s, %s) OR id > %s) ORDER BY id
"""  # noqa: S608
_CLUSTER = "SELECT system_identifier::text FROM pg_control_system()"


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """A line of the history that asks for a notice."""

    id: int
    deposit_id: int
    name: str
    from_status: str
    to_status: str
    at: datetime
    detail: dict[str, Any]
    xact: int


def waits() -> bool:
    """Whether a line may wait to be told; costs one look into an index."""
    with connection.cursor() as cursor:
        cursor.execute(_WAITS)
        row = cursor.fetchone()
    return bool(row and row[0])


def take(limit: int) -> list[Line]:
    """The next lines, oldest first, and the position behind them: within the caller's transaction, one at a time.

    Empty when another process is at it.
    """
    position = _position()
    if position is None:
        return []
    cluster = _cluster()
    if position.cluster != cluster and position.cluster:
        return _moved(position, cluster)
    lines = _read(_NEXT, [position.xact, position.event, position.floor, limit])
    if lines:
        position.xact, position.event = lines[-1].xact, lines[-1].id
        position.top = max(position.top, *(line.id for line in lines))
    if lines or not position.cluster:
        position.cluster = cluster
        position.save()
    return lines


def _position() -> OutboxPosition | None:
    OutboxPosition.objects.bulk_create([OutboxPosition(pk=1)], ignore_conflicts=True)
    return OutboxPosition.objects.select_for_update(skip_locked=True).filter(pk=1).first()


def _moved(position: OutboxPosition, cluster: str) -> list[Line]:
    """The record stands in another cluster than before: what was not told there, and what was written here since."""
    with connection.cursor() as cursor:
        # Until every writer has committed: then no id below the greatest is still to come.
        cursor.execute("LOCK TABLE deposit_event IN SHARE MODE")
    lines = _read(_AFTER_A_MOVE, [position.xact, position.event, position.top])
    newest = Event.objects.order_by("-id").values_list("id", flat=True).first() or 0
    position.xact = position.event = 0
    position.top = position.floor = max(newest, position.top)
    position.cluster = cluster
    position.save()
    return lines


def _cluster() -> str:
    with connection.cursor() as cursor:
        cursor.execute(_CLUSTER)
        return str(cursor.fetchone()[0])


def _read(statement: str, parameters: list[Any]) -> list[Line]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        names = [column[0] for column in cursor.description]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    return [Line(**row | {"detail": _detail(row["detail"])}) for row in rows]


def _detail(value: Any) -> dict[str, Any]:
    found = json.loads(value) if isinstance(value, str) else value
    return dict(found)
