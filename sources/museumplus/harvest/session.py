"""The session key of MuseumPlus: asked for once, kept in a file, shared by all processes of this machine.

The file's time of modification says when the key was last known to work. After ten minutes without an answer the key
may have ended and a new one is asked for; so it is when the server refuses it.
"""

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

IDLE_SECONDS = 600.0


class SessionKey:
    """The key in the file ``path``; ``log_in`` asks the server for a new one."""

    def __init__(self, path: Path, log_in: Callable[[], str]) -> None:
        self._path = path
        self._log_in = log_in
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)

    def current(self) -> str:
        """A key that probably works."""
        key = self._read()
        if key is None or time.time() - self._path.stat().st_mtime > IDLE_SECONDS:
            return self.renew(key)
        return key

    def renew(self, refused: str | None) -> str:
        """A key other than ``refused``: another process's, if it was quicker, else a new one."""
        with self._locked():
            key = self._read()
            if key is not None and key != refused:
                return key
            key = self._log_in()
            half = self._path.with_suffix(".new")
            half.unlink(missing_ok=True)
            half.touch(mode=0o600)
            half.write_text(key)
            half.replace(self._path)
            return key

    def worked(self) -> None:
        """Note that the key was accepted just now."""
        with contextlib.suppress(FileNotFoundError):
            os.utime(self._path)

    def _read(self) -> str | None:
        try:
            return self._path.read_text() or None
        except FileNotFoundError:
            return None

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        handle = os.open(self._path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)
