"""A name for each worker that was given none.

Celery calls them all ``celery@host``: two of them would beat as one, and one that died would be taken for alive. Here a
worker is called after its queues and the first number that no other has on this machine: ``load-1@host``. The number is
a lock on a file, which ends with its process, so that who is started again has its old name.
"""

import fcntl
import os
from collections.abc import Iterable
from pathlib import Path

# As long as the process lives.
_held: list[int] = []
_MOST = 1000


def unique_name(name: str, queues: Iterable[str], folder: Path) -> str:
    """The name that a worker takes instead of Celery's own; one that somebody chose stays."""
    given, _, host = name.partition("@")
    if given != "celery":
        return name
    own = "+".join(sorted(queues)) or "all"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for number in range(1, _MOST):
        lock = os.open(folder / f"{own}-{number}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            continue
        _held.append(lock)
        return f"{own}-{number}@{host}"
    return f"{own}-{os.getpid()}@{host}"
