"""How much of each lane may be out with the broker: so much that no worker waits, so little that nobody waits long.

What was sent is taken in the order of sending, whatever it costs. So light work is sent ahead only as far as the
workers take it within a second or two, and large work has a lane of its own in each queue that never fills all its
workers.
"""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from django.db import connection

# Messages that are out and not yet claimed, per queue, at most. Bounds the broker's queue.
OUTSTANDING = 100
# How far ahead light work is sent, at the pace at which it was taken lately. In seconds.
AHEAD_SECONDS = 1.0
# A worker that was not heard for so long has no slots; as `deposit.monitoring.heartbeats` has it.
_SILENT_SECONDS = 60

_SLOTS = """
SELECT queue, sum(slots) FROM deposit_pulse, unnest(string_to_array(queues, ',')) AS queue
WHERE beat_at > statement_timestamp() - make_interval(secs => %s) GROUP BY queue
"""
# The newest of what is out goes back: its messages find nothing to claim.
_RECALL = """
UPDATE deposit_workitem SET sent_at = NULL, sends = 0, recalled = true WHERE id IN (
    SELECT id FROM deposit_workitem
    WHERE sent_at IS NOT NULL AND queue = %s AND NOT heavy AND lease_expires_at IS NULL
    ORDER BY sent_at DESC, due_at DESC, id DESC LIMIT %s FOR UPDATE SKIP LOCKED
)
"""


@dataclass(frozen=True, slots=True)
class Lane:
    """The light or the heavy work of one queue."""

    queue: str
    heavy: bool = False


@dataclass(frozen=True, slots=True)
class Load:
    """What a lane has under way: messages that are out and unclaimed, and work in the hands of workers."""

    out: int = 0
    leased: int = 0


def slots() -> dict[str, int]:
    """How many pieces of work the living workers of each queue do side by side, as far as they have told."""
    with connection.cursor() as cursor:
        cursor.execute(_SLOTS, [_SILENT_SECONDS])
        return {queue: int(number) for queue, number in cursor.fetchall()}


@dataclass(slots=True)
class _Taken:
    at: float
    out: int
    rate: float = 0.0


@dataclass(slots=True)
class Pace:
    """How fast the workers take light work, by queue; looked at in each round of the dispatcher."""

    _queues: dict[str, _Taken] = field(default_factory=dict)

    def ahead(self, queue: str, out: int, *, now: float) -> float:
        """How much to have out so that workers find some for ``AHEAD_SECONDS``. ``out``: what is out at ``now``."""
        last = self._queues.get(queue)
        if last is None:
            self._queues[queue] = _Taken(now, out)
            return 0.0
        # What was taken in the last second or so: a few that were quick say little of those that follow.
        last.rate = last.rate * math.exp(last.at - now) + max(0, last.out - out)
        last.at, last.out = now, out
        return last.rate * AHEAD_SECONDS

    def sent(self, queue: str, number: int) -> None:
        """Note that so many more are out."""
        if queue in self._queues:
            self._queues[queue].out += number

    def forget(self) -> None:
        """Nothing is known any more of what is out."""
        self._queues.clear()


pace = Pace()


def rooms(
    queues: set[str], loads: Mapping[Lane, Load], workers: Mapping[str, int], *, now: float | None = None
) -> dict[Lane, int]:
    """How many messages more each lane may have out; negative where more is out than should be."""
    now = time.monotonic() if now is None else now
    found: dict[Lane, int] = {}
    for queue in sorted(queues):
        light, heavy = loads.get(Lane(queue), Load()), loads.get(Lane(queue, heavy=True), Load())
        hands = workers.get(queue, 0)
        most = OUTSTANDING
        if hands:
            ahead = pace.ahead(queue, light.out, now=now)
            most = min(OUTSTANDING, max(1, hands // 2, math.ceil(ahead)))
        found[Lane(queue)] = most - light.out
        # Half of the workers are for light work; all but one while there is none.
        share = hands // 2 if light.out or light.leased else hands - 1
        found[Lane(queue, heavy=True)] = max(1, share) - heavy.out - heavy.leased
    return found


def recall(queue: str, number: int) -> int:
    """Take back light work that was sent and waits for slow workers; how much that was."""
    with connection.cursor() as cursor:
        cursor.execute(_RECALL, [queue, number])
        taken = int(cursor.rowcount)
    pace.sent(queue, -taken)
    return taken
