"""How work that failed is tried again: few policies, by name."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """``attempts`` that may fail before the work is given up; waits between them double, within these bounds."""

    name: str
    attempts: int
    first_wait_seconds: float
    longest_wait_seconds: float

    def wait_after(self, attempt: int) -> float:
        """Seconds from the ``attempt``-th failure (from 1) to the next try."""
        return min(self.longest_wait_seconds, self.first_wait_seconds * 2.0 ** min(attempt - 1, 30))


# Work on this machine and its disks.
LOCAL = Policy(name="local", attempts=5, first_wait_seconds=5, longest_wait_seconds=300)
# A request to another service.
REQUEST = Policy(name="request", attempts=8, first_wait_seconds=2, longest_wait_seconds=300)
# Work of hours, such as a transfer of a large package.
LONG = Policy(name="long", attempts=5, first_wait_seconds=60, longest_wait_seconds=3600)
# Cleaning up: it is tried until it is done, or an operator looks at it.
DISK = Policy(name="disk", attempts=20, first_wait_seconds=10, longest_wait_seconds=3600)
# Looking again whether something has happened elsewhere; an unreachable service is asked for a day.
POLL = Policy(name="poll", attempts=300, first_wait_seconds=5, longest_wait_seconds=300)
