"""A storage and its copy: what the first has lost comes back from the second."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from uuid import uuid4

from archive.errors import Damaged, PackMissing
from archive.packs.reader import PackFile
from archive.storage.interface import Storage, StoredPack

_STEP = 4 * 1024**2


def copy_pack(source: Storage, target: Storage, name: str) -> int:
    """Copy a pack, replacing what the target has under its name; returns its bytes.

    Nothing takes the pack's name in the target whose SHA-256 is not that name. Raises PackMissing, Unreadable, and
    Damaged when the source's bytes are wrong.
    """
    path = target.workspace() / f"{uuid4()}.part"
    digest = hashlib.sha256()
    try:
        with closing(source.open(name)) as pack, path.open("xb") as file:
            size = pack.size
            for offset in range(0, size, _STEP):
                block = pack.read(offset, min(_STEP, size - offset))
                digest.update(block)
                file.write(block)
            file.flush()
            os.fsync(file.fileno())
        if digest.hexdigest() != name:
            raise Damaged(f"Pack {name} could not be copied: its bytes are damaged there too.")
        target.adopt(path, name)
    finally:
        path.unlink(missing_ok=True)
    return size


class ReplicatedStorage:
    """Writes to the primary; a pack that is missing there is fetched back from the replica when it is opened.

    Copies to the replica are made afterwards (`archive.replication`), so that its faults never stop a load.
    """

    def __init__(self, primary: Storage, replica: Storage) -> None:
        self.primary = primary
        self.replica = replica

    def workspace(self) -> Path:
        """The primary's."""
        return self.primary.workspace()

    def adopt(self, path: Path, name: str) -> None:
        """Into the primary."""
        self.primary.adopt(path, name)

    def open(self, name: str) -> PackFile:
        """From the primary, where it is first put back if need be."""
        try:
            return self.primary.open(name)
        except PackMissing:
            copy_pack(self.replica, self.primary, name)
            return self.primary.open(name)

    def packs(self) -> Iterator[StoredPack]:
        """The primary's."""
        return self.primary.packs()

    def delete(self, name: str) -> None:
        """From both: only orphans are ever deleted."""
        self.primary.delete(name)
        self.replica.delete(name)
