"""Sharing connections out among the worker processes of one web server.

All of them wait at one socket, and whichever wakes first takes a connection; often the same one takes them all, and its
interpreter is busy while the others are idle. Here each tells in shared memory how many connections it has, and one
that has more than another lets that one go first, for a moment: one that is frozen holds up nobody.
"""

import mmap
import time

# How long a connection is left to another process, in seconds.
PATIENCE = 0.002
_SLOTS = 256
_GONE = 0xFFFFFFFF


class ConnectionCounts:
    """How many connections each process has; made before the processes are forked."""

    def __init__(self) -> None:
        self._counts = memoryview(mmap.mmap(-1, _SLOTS * 4)).cast("I")
        for slot in range(_SLOTS):
            self._counts[slot] = _GONE

    def tell(self, number: int, connections: int) -> None:
        """Process ``number`` has so many."""
        self._counts[number % _SLOTS] = max(0, connections)

    def forget(self, number: int) -> None:
        """Process ``number`` has ended."""
        self._counts[number % _SLOTS] = _GONE

    def fewest(self) -> int:
        """How many the process has that has fewest."""
        return min(self._counts)


# Made when gunicorn loads its worker class, before it forks.
COUNTS = ConnectionCounts()


class Turns:
    """Whether it is this process's turn to take a connection in."""

    def __init__(self, counts: ConnectionCounts, number: int) -> None:
        self._counts, self._number = counts, number
        self._since: float | None = None

    def tell(self, connections: int) -> None:
        """This process has so many connections."""
        self._counts.tell(self._number, connections)

    def is_mine(self, connections: int) -> bool:
        """Whether to take the connection that waits, having so many; for a moment no, where another has fewer."""
        self.tell(connections)
        now = time.monotonic()
        if connections > self._counts.fewest():
            if self._since is None:
                self._since = now
            if now - self._since < PATIENCE:
                return False
        self._since = None
        return True
