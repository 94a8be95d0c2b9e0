"""What runs and what does not, process by process: for ``manage.py doctor``."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from deposit.monitoring.heartbeats import SCHEDULER, Worker
from deposit.monitoring.processes import required_queues
from deposit.monitoring.snapshot import Snapshot, read_snapshot


@dataclass(frozen=True, kw_only=True, slots=True)
class Process:
    """A process that must run; ``told``: who does it and since when, or when it was heard last."""

    name: str
    runs: bool
    told: str


def processes(snapshot: Snapshot | None = None) -> list[Process]:
    """All that must run beside the web server, and whether they do, now or in a snapshot. Raises django.db.Error."""
    return list(_processes(snapshot or read_snapshot()))


def _processes(seen: Snapshot) -> Iterator[Process]:
    told = "" if seen.has_dispatcher else "nobody gives out work"
    yield Process(name="dispatcher", runs=seen.has_dispatcher, told=told)
    yield _process("scheduler", [one for one in seen.workers if one.name == SCHEDULER])
    for queue in required_queues(seen.queues):
        yield _process(queue.worker, [one for one in seen.workers if queue.name in one.queues])
    for name in seen.processes:
        yield _process(name, [one for one in seen.workers if name in one.queues])


def _process(name: str, who: list[Worker]) -> Process:
    alive = [one for one in who if one.is_alive]
    if alive:
        told = ", ".join(f"{one.name} since {_moment(one.began_at)}" for one in alive)
    elif who:
        told = f"last heard {_moment(max(one.beat_at for one in who))}"
    else:
        told = "not heard within a day"
    return Process(name=name, runs=bool(alive), told=told)


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
