"""What the archive asks of a place for packs.

A pack is written to a local file first (it is read again when it is published), then adopted: from then on it is
durable, complete, and never changed.
"""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple, Protocol

from archive.packs.reader import PackFile

SUFFIX = ".tar.zst"


class StoredPack(NamedTuple):
    """A pack in a storage."""

    name: str
    size: int
    stored_at: datetime


class Storage(Protocol):
    """Keeps packs by name; the name is the SHA-256 of the pack's bytes, in hex."""

    def workspace(self) -> Path:
        """A local folder for packs that are being written."""
        ...

    def adopt(self, path: Path, name: str) -> None:
        """Take a finished and synced file; when this returns, the pack is durable. The file is gone afterwards."""
        ...

    def open(self, name: str) -> PackFile:
        """Open a pack. Raises PackMissing, Unreadable."""
        ...

    def packs(self) -> Iterator[StoredPack]:
        """Every pack that is there, in order of name. Raises Unreadable."""
        ...

    def delete(self, name: str) -> None:
        """Remove a pack; no error when it is not there."""
        ...
