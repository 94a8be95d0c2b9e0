"""Open packs and lately read frames, for as long as one answer is being made."""

import hashlib
from collections import OrderedDict
from collections.abc import Iterator
from types import TracebackType
from typing import Self

from archive.errors import Damaged, PackMissing
from archive.identifiers import object_header, object_id
from archive.packs import LARGE, PackReader, Row
from archive.places import Place, find, missing
from archive.storage import Storage, default_storage

_FRAMES = 32
_OPEN = 64
_CHUNK = 256 * 1024


class Packs:
    """Readers of packs, at most 64 open, and the last 32 shared frames (a few MiB). Use as a context manager."""

    def __init__(self, storage: Storage | None = None) -> None:
        self._storage = storage if storage is not None else default_storage()
        self._readers: OrderedDict[str, PackReader] = OrderedDict()
        self._frames: OrderedDict[tuple[str, int], bytes] = OrderedDict()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all packs."""
        for reader in self._readers.values():
            reader.close()
        self._readers.clear()
        self._frames.clear()

    def open(self, name: str) -> PackReader:
        """A reader of a pack. Raises PackMissing, Unreadable."""
        reader = self._readers.get(name)
        if reader is None:
            if len(self._readers) >= _OPEN:
                self._readers.popitem(last=False)[1].close()
            reader = self._readers[name] = PackReader(self._storage.open(name))
        return reader

    def current(self, pack: str, row: Row) -> Place:
        """Where an object is now: its pack may have been replaced since it was looked up.

        Raises PackMissing, Unreadable, ObjectErased, NotFound.
        """
        while True:
            try:
                self.open(pack)
            except PackMissing as error:
                pack, row = self._moved(pack, row, error)
            else:
                return Place(pack, row)

    def _moved(self, pack: str, row: Row, error: PackMissing) -> Place:
        """Where an object is whose pack is gone."""
        reader = self._readers.pop(pack, None)
        if reader is not None:
            reader.close()
        place = find(row.swhid)
        if place is None:
            raise missing(row.swhid) from error
        if place.pack == pack:
            raise error
        return place

    def read(self, pack: str, row: Row) -> bytes:
        """An object's bytes; neighbours in the same frame are then at hand."""
        while True:
            try:
                return self._read(pack, row)
            except PackMissing as error:
                pack, row = self._moved(pack, row, error)

    def _read(self, pack: str, row: Row) -> bytes:
        if row.length > LARGE:
            return b"".join(self._large(pack, row, 0, row.length))
        reader = self.open(pack)
        key = pack, row.offset
        frame = self._frames.get(key)
        if frame is None:
            if len(self._frames) >= _FRAMES:
                self._frames.popitem(last=False)
            frame = self._frames[key] = reader.frame(row.offset, row.stored)
        data = reader.slice(frame, row)
        swhid = row.swhid
        if object_id(swhid.type, data) != swhid.hash:
            raise _changed(pack, row)
        return data

    def stream(self, pack: str, row: Row, start: int, stop: int) -> Iterator[bytes]:
        """Bytes ``start`` to ``stop`` of an object of any size, in chunks.

        Nothing wrong is ever given out as whole: an object is hashed while it is read, and if it is not what its
        name says, Damaged is raised instead of the last chunk. A part of a large object is checked by frames.
        """
        if start >= stop:
            return
        if row.length > LARGE:
            chunks = self._large(pack, row, start, stop)
            yield from _verified(chunks, pack, row) if (start, stop) == (0, row.length) else chunks
            return
        data = self.read(pack, row)
        for at in range(start, stop, _CHUNK):
            yield data[at : min(at + _CHUNK, stop)]

    def _large(self, pack: str, row: Row, start: int, stop: int) -> Iterator[bytes]:
        while True:
            try:
                for chunk in self.open(pack).stream(row, start, stop):
                    yield chunk
                    start += len(chunk)
            except PackMissing as error:
                pack, row = self._moved(pack, row, error)
            else:
                return

    def pieces(self, pack: str, row: Row) -> Iterator[bytes]:
        """A large object in pieces, for a reader who opens other packs in between; hashed as it is read.

        Raises Damaged at its end when it is not what its name says: who stops before has frames with sound checksums.
        """
        digest = hashlib.sha1(object_header(row.swhid.type, row.length), usedforsecurity=False)
        for start in range(0, row.length, LARGE):
            for chunk in self._large(pack, row, start, min(start + LARGE, row.length)):
                digest.update(chunk)
                yield chunk
        if digest.digest() != row.swhid.hash:
            raise _changed(pack, row)


def _verified(chunks: Iterator[bytes], pack: str, row: Row) -> Iterator[bytes]:
    swhid = row.swhid
    digest = hashlib.sha1(object_header(swhid.type, row.length), usedforsecurity=False)
    held = b""
    for chunk in chunks:
        digest.update(chunk)
        if held:
            yield held
        held = chunk
    if digest.digest() != swhid.hash:
        raise _changed(pack, row)
    yield held


def _changed(pack: str, row: Row) -> Damaged:
    place = f"bytes {row.offset} to {row.offset + row.stored}"
    return Damaged(f"Pack {pack}: {place} are damaged: they do not hold {row.name}.")
