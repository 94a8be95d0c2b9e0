"""Putting objects into the archive: hash, leave out what is known, append the rest to a pack, publish.

Three steps, so that a crash at any instant leaves either nothing visible or everything: objects go to a pack under
construction; ``seal`` makes the pack durable under its final name, still invisible; ``publish`` makes it visible in
the caller's transaction. A pack that was sealed and never published is an orphan: harmless, found by ``packs``.
"""

import hashlib
import logging
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Self

from django.db import transaction

from archive import index
from archive.errors import ArchiveError, Collision, ErasedContent, InvalidObject, LengthMismatch
from archive.identifiers import SWHID, ObjectType, object_header, object_id
from archive.lru import ObjectLRU
from archive.objects import Metadata, Release, Snapshot
from archive.packing import Packed, Packing
from archive.packs import LARGE, PackReader
from archive.storage import Storage, default_storage
from archive.tree import Tree
from archive.visits import VisitRecord

log = logging.getLogger(__name__)

PACK_SIZE = 4 * 1024**3
_BATCH_OBJECTS = 1024
_BATCH_BYTES = 4 * 1024**2
_CHUNK = 1024**2


@dataclass(slots=True)
class Stats:
    """What went in: members and their bytes, how much of it was new, and what that took in the packs."""

    members: int = 0
    bytes_in: int = 0
    new: int = 0
    bytes_new: int = 0
    bytes_written: int = 0


class Ingest:
    """One load. Use as a context manager; leaving it without ``publish`` removes what was written."""

    def __init__(self, storage: Storage | None = None, *, pack_size: int = PACK_SIZE) -> None:
        self.storage = storage if storage is not None else default_storage()
        self.stats = Stats()
        self._packing = Packing(self.storage, pack_size)
        # Objects that may or may not be known.
        self._waiting: list[Packed] = []
        self._held = 0
        self._recent = ObjectLRU()
        self._sealed = False
        self._published = False
        self._last_erasure = 0

    def __enter__(self) -> Self:
        # Before anything is looked up, by us or by our caller.
        self._last_erasure = index.last_erasure()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Once publish was called the caller's commit may have happened: then the packs must stay.
        self._packing.close(keep=self._published)

    # --- Contents --------------------------------------------------------------------------------------
    def add_content(self, data: bytes) -> bytes:
        """Add a content that is in memory; returns its identifier, 20 bytes."""
        if len(data) > LARGE:
            return self.add_content_stream((data,), len(data))
        identifier = object_id(ObjectType.CONTENT, data)
        self.stats.members += 1
        self.stats.bytes_in += len(data)
        self._add(SWHID(ObjectType.CONTENT, identifier), data, hashlib.sha256(data).digest())
        return identifier

    def add_content_stream(self, chunks: Iterable[bytes], length: int) -> bytes:
        """Add a content of any size, of which a few MiB at most are held; returns its identifier.

        Raises LengthMismatch when the chunks are not ``length`` bytes in all; the content is then not archived.
        """
        if length <= LARGE:
            data = _join(chunks, length)
            if len(data) != length:
                raise _mismatch(length, len(data))
            return self.add_content(data)
        return self._add_large(chunks, length)

    def _add_large(self, chunks: Iterable[bytes], length: int) -> bytes:
        self._flush()
        sha1 = hashlib.sha1(object_header(ObjectType.CONTENT, length), usedforsecurity=False)
        sha256 = hashlib.sha256()
        seen = held = 0
        parts: list[bytes] = []
        self._packing.begin_large(length)
        try:
            for chunk in chunks:
                sha1.update(chunk)
                sha256.update(chunk)
                seen += len(chunk)
                held += len(chunk)
                if seen > length:
                    raise _mismatch(length, seen)
                parts.append(bytes(chunk))
                if held >= _CHUNK:
                    self._packing.write_large(b"".join(parts))
                    parts, held = [], 0
            self._packing.write_large(b"".join(parts))
            if seen != length:
                raise _mismatch(length, seen)
            swhid = SWHID(ObjectType.CONTENT, sha1.digest())
            known = self._is_known(swhid, sha256.digest(), length)
        except BaseException:
            self._packing.drop_large()
            raise
        self.stats.members += 1
        self.stats.bytes_in += length
        if known:
            self._packing.drop_large()
        else:
            self._packing.end_large(swhid, length, sha256.digest())
            self._count_new(length)
        return swhid.hash

    def _is_known(self, swhid: SWHID, sha256: bytes, length: int) -> bool:
        if not self._recent.is_new(swhid.hash, sha256):
            return True
        found = self._look_up([swhid]).get(swhid.hash)
        if found is not None:
            _compare(swhid, sha256, length, found)
        return found is not None

    @staticmethod
    def _look_up(swhids: Sequence[SWHID]) -> dict[bytes, index.Known]:
        found = index.look_up([swhid.hash for swhid in swhids])
        if found.erased:
            raise ErasedContent([str(swhid) for swhid in swhids if swhid.hash in found.erased])
        return found.known

    # --- Objects above them ----------------------------------------------------------------------------
    def add_tree(self, tree: Tree) -> bytes:
        """Add the directories of a tree; returns the root's identifier. Raises PathConflict."""
        # The contents of this tree have come; their memory is better used for its directories.
        self._flush()
        self._recent = ObjectLRU()
        root = b""
        for root, manifest in tree.directories():
            self._add(SWHID(ObjectType.DIRECTORY, root), manifest, None)
        return root

    def add_release(self, release: Release) -> bytes:
        """Add a release; returns its identifier."""
        return self._add_node(ObjectType.RELEASE, release.manifest())

    def add_snapshot(self, snapshot: Snapshot) -> bytes:
        """Add a snapshot; returns its identifier."""
        return self._add_node(ObjectType.SNAPSHOT, snapshot.manifest())

    def add_metadata(self, metadata: Metadata) -> bytes:
        """Add a document about an object; returns its identifier (of kind ``emd``)."""
        return self._add_node(ObjectType.METADATA, metadata.manifest())

    def _add_node(self, kind: ObjectType, manifest: bytes) -> bytes:
        identifier = object_id(kind, manifest)
        self._add(SWHID(kind, identifier), manifest, None)
        return identifier

    def add_visit(self, origin: str, *, snapshot: bytes, date: datetime, type: str = "deposit") -> None:
        """Record what an origin looked like at a moment (aware); the same visit is recorded once."""
        if date.tzinfo is None:
            raise InvalidObject("The date of a visit needs a time zone.")
        if not origin or "\0" in origin:
            raise InvalidObject("A visit needs the URL of its origin.")
        visit = VisitRecord(origin, date, SWHID(ObjectType.SNAPSHOT, snapshot), type)
        self._flush()
        self._packing.put_visit(visit.name, visit.document())

    # --- Leaving out what is known ---------------------------------------------------------------------
    def _add(self, swhid: SWHID, data: bytes, sha256: bytes | None) -> None:
        if self._sealed:
            raise ArchiveError("Nothing can be added after seal().")
        if not self._recent.is_new(swhid.hash, sha256):
            return
        self._waiting.append((swhid, data, sha256))
        self._held += len(data)
        if self._held >= _BATCH_BYTES or len(self._waiting) >= _BATCH_OBJECTS:
            self._flush()

    def _flush(self) -> None:
        """One query says which of the waiting objects are known; the others go to the pack."""
        waiting, self._waiting, self._held = self._waiting, [], 0
        if not waiting:
            return
        found = self._look_up([swhid for swhid, _, _ in waiting])
        new: list[Packed] = []
        for one in waiting:
            swhid, data, sha256 = one
            match = found.get(swhid.hash)
            if match is None:
                new.append(one)
                self._count_new(len(data))
            else:
                _compare(swhid, sha256, len(data), match)
        if new:
            self._packing.put(new)

    def _count_new(self, length: int) -> None:
        self.stats.new += 1
        self.stats.bytes_new += length

    # --- The end ---------------------------------------------------------------------------------------
    def seal(self) -> None:
        """Make what was written durable. Afterwards nothing can be added."""
        if not self._sealed:
            self._flush()
            self.stats.bytes_written = self._packing.seal()
            self._sealed = True

    def publish(self) -> None:
        """Make it visible, in the caller's transaction. Raises Collision; give up the transaction then."""
        if not self._sealed:
            raise ArchiveError("seal() comes before publish(): only what is durable may become visible.")
        self._published = True
        try:
            for name in self._packing.names:
                with closing(PackReader(self.storage.open(name))) as reader:
                    index.publish(reader, last_erasure=self._last_erasure)
        except BaseException:
            # Whatever the caller does with the error: this transaction can no longer be committed, so that the
            # packs are nobody's and can go.
            transaction.set_rollback(True)
            self._published = False
            raise


def _join(chunks: Iterable[bytes], length: int) -> bytes:
    parts: list[bytes] = []
    held = 0
    for chunk in chunks:
        parts.append(chunk)
        held += len(chunk)
        if held > length:
            raise _mismatch(length, held)
    return b"".join(parts)


def _mismatch(expected: int, seen: int) -> LengthMismatch:
    had = "more" if seen > expected else str(seen)
    return LengthMismatch(f"A content was announced with {expected} bytes and had {had}.")


def _compare(swhid: SWHID, sha256: bytes | None, length: int, known: index.Known) -> None:
    if (known.kind, known.sha256, known.length) != (swhid.type, sha256, length):
        raise Collision(
            f"The archive has another object with the identifier {swhid.hash.hex()}: this is a SHA-1 collision, and "
            "nothing of this package was archived."
        )
