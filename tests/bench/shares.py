"""Where the time of a machine goes while a service works: processor time by role, idle time, what PostgreSQL waits for.

Read from ``/proc`` at both ends; what the database's sessions wait for is asked twenty times a second in between.
"""

import os
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path

import psycopg2

from tests.bench.service import descendants

_TICK = os.sysconf("SC_CLK_TCK")
_WAITS = """
SELECT coalesce(wait_event_type || ' ' || wait_event, 'running') FROM pg_stat_activity
WHERE backend_type = 'client backend' AND state = 'active' AND pid <> pg_backend_pid()
"""


class Shares:
    """Use as a context manager around the work. ``roles`` gives the root processes of each role."""

    def __init__(self, roles: Mapping[str, Sequence[int]], database: str) -> None:
        self._roles, self._database = roles, database
        self._stop = threading.Event()
        self._sampler = threading.Thread(target=self._sample)
        self.waits: Counter[str] = Counter()
        self.of_machine: dict[str, float] = {}

    def __enter__(self) -> "Shares":
        self._before, self._machine_before, self._begun = self._used(), machine(), time.monotonic()
        self._sampler.start()
        return self

    def __exit__(self, *error: object) -> None:
        after, spent = machine(), self._used()
        self._stop.set()
        self._sampler.join()
        total = sum(after.values()) - sum(self._machine_before.values())
        self.of_machine = {role: (spent[role] - self._before[role]) / total for role in spent}
        for name in ("idle", "iowait"):
            self.of_machine[name] = (after[name] - self._machine_before[name]) / total
        self.of_machine["others"] = max(0.0, 1 - sum(self.of_machine.values()))

    def _used(self) -> dict[str, float]:
        found = {
            role: sum(used(pid) for root in roots for pid in descendants(root))
            for role, roots in self._roles.items()
        }
        # Everything else is our child, so that only our own threads are counted here.
        return found | {"clients": time.process_time()}

    def _sample(self) -> None:
        with closing(psycopg2.connect(self._database)) as session, session.cursor() as cursor:
            session.autocommit = True
            while not self._stop.wait(0.05):
                cursor.execute(_WAITS)
                self.waits.update(found for (found,) in cursor.fetchall())

    def __str__(self) -> str:
        parts = sorted(self.of_machine.items(), key=lambda part: -part[1])
        sampled = sum(self.waits.values()) or 1
        waits = ", ".join(f"{name} {count / sampled:.0%}" for name, count in self.waits.most_common(4))
        return f"{', '.join(f'{role} {share:.0%}' for role, share in parts)}; active sessions: {waits}"


def used(pid: int) -> float:
    """Processor seconds of a process and of its children that have ended."""
    with suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:15])) / _TICK
    return 0.0


def machine() -> dict[str, float]:
    """Seconds of all cores by what they did."""
    names = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")
    with Path("/proc/stat").open() as file:
        return {
            name: int(value) / _TICK for name, value in zip(names, file.readline().split()[1:], strict=False)
        }
