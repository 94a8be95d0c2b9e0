"""Uploads under way, written down so that the same command, given again, goes on instead of beginning anew."""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from client.errors import UsageError


def state_folder() -> Path:
    """``$XDG_STATE_HOME/deposit``, by default ``~/.local/state/deposit``."""
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "deposit"


class Record:
    """What is known about one upload: the deposit that was made for it, if it got so far."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.deposit_id: int | None = None
        # The SHA-256 of a package: where its segments go.
        self.uploads: dict[str, str] = {}
        try:
            known = json.loads(file.read_text())
            self.deposit_id, self.uploads = known["deposit_id"], dict(known["uploads"])
        except (OSError, ValueError, KeyError, TypeError):
            # Nothing is known, or nothing that we wrote.
            pass

    def began(self, deposit_id: int) -> None:
        """The deposit exists; nothing of it may be made twice from now on."""
        self.deposit_id = deposit_id
        self._write()

    def uploading(self, sha256: str, url: str) -> None:
        """The segments of a package go to this address."""
        self.uploads[sha256] = url
        self._write()

    def _write(self) -> None:
        half = self._file.with_suffix(".new")
        half.write_text(json.dumps({"deposit_id": self.deposit_id, "uploads": self.uploads}))
        half.replace(self._file)

    def ended(self) -> None:
        """The deposit is complete; the same upload again is a new one."""
        self.deposit_id = None
        self._file.unlink(missing_ok=True)


@contextmanager
def recorded(address: str, what: Sequence[str]) -> Iterator[Record]:
    """The record of an upload, known by where it goes and what it is made of.

    Raises `UsageError` while another process is at the same upload.
    """
    folder = state_folder()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    key = hashlib.sha256(json.dumps([address, *what]).encode()).hexdigest()[:32]
    lock = folder / f"{key}.lock"
    with lock.open("a") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(
                "The same upload is going on in another process.", "Wait for that one."
            ) from None
        yield Record(folder / f"{key}.json")
        lock.unlink(missing_ok=True)
