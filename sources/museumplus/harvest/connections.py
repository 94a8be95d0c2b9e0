"""How many connections to MuseumPlus are open at once: a few, over all processes of this machine.

A connection is a locked file; the kernel lets go of it when its process dies.
"""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

CONNECTIONS = 3
_PAUSE_SECONDS = 0.05


class Slots:
    """``count`` places in ``folder``; whoever holds one may connect."""

    def __init__(self, folder: Path, count: int = CONNECTIONS) -> None:
        self._paths = [folder / f"connection-{number}.lock" for number in range(count)]
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    @contextlib.contextmanager
    def slot(self) -> Iterator[None]:
        """Hold a place; wait while all are taken."""
        handle = self._take()
        try:
            yield
        finally:
            os.close(handle)

    def _take(self) -> int:
        while True:
            for path in self._paths:
                handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    os.close(handle)
                else:
                    return handle
            time.sleep(_PAUSE_SECONDS)
