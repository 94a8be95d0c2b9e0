"""How work that failed is tried again: few policies, by name."""

from dataclasses import dataclass

from django.conf import settings


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """``attempts`` that may fail before the work is given up; waits between them double, within these bounds.

    All times are in seconds. ``outage_seconds``: the wait while the surroundings fail (disk full, database away), which
    counts as no attempt. ``stall_seconds``: work that has not moved for so long is taken to hang. ``limit_seconds``:
    how long one attempt may take in all; None for any time.
    """

    name: str
    attempts: int
    first_wait_seconds: float
    longest_wait_seconds: float
    outage_seconds: float = 15.0
    stall_seconds: float = 3600.0
    limit_seconds: float | None = None

    @property
    def most_attempts(self) -> int:
        """How often a work item is begun at most: what is done here, as often as the setting MAX_ATTEMPTS says."""
        return settings.MAX_ATTEMPTS if self.name == "local" else self.attempts

    def wait_after(self, attempt: int) -> float:
        """Seconds from the ``attempt``-th failure (from 1) to the next try."""
        return min(self.longest_wait_seconds, self.first_wait_seconds * 2.0 ** min(attempt - 1, 30))


# Work on this machine and its disks. Syncing and publishing the largest pack take minutes.
LOCAL = Policy(name="local", attempts=5, first_wait_seconds=5, longest_wait_seconds=300)
# A request to another service.
REQUEST = Policy(
    name="request", attempts=8, first_wait_seconds=2, longest_wait_seconds=300, stall_seconds=300
)
# Work of hours, such as a transfer of a large package.
LONG = Policy(name="long", attempts=5, first_wait_seconds=60, longest_wait_seconds=3600)
# Cleaning up: it is tried until it is done, or an operator looks at it.
DISK = Policy(name="disk", attempts=20, first_wait_seconds=10, longest_wait_seconds=3600)
# What a client was promised when it was answered: tried for years, and seen in the queue meanwhile.
PROMISED = Policy(name="promised", attempts=30_000, first_wait_seconds=5, longest_wait_seconds=3600)
# Looking again whether something has happened elsewhere; an unreachable service is asked for a day.
POLL = Policy(name="poll", attempts=300, first_wait_seconds=5, longest_wait_seconds=300, stall_seconds=300)
