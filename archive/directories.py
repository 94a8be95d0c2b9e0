"""Directories of any length, read as they come: one name, one page, or all of it, in a few MiB of memory.

A directory of a million files is a manifest of fifty MiB. Nobody who wants one file of it may have it built whole.
"""

import re
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import NamedTuple

from archive.errors import Damaged, NotFound, TooBusy
from archive.identifiers import SWHID, ObjectType
from archive.objects import Entry
from archive.packs import LARGE, Row
from archive.reading import Packs

# Entries of a long directory that are looked through in one step.
_ENTRY = re.compile(rb"([0-7]{5,6}) ([^\0]+)\0([\s\S]{20})")
# No mode, space, name and target are longer together: the longest name of any file system, several times.
_LONGEST_ENTRY = 64 * 1024
# Long directories that one process looks through at once, and how many seconds others wait for their turn.
_AT_ONCE = 2
_WAIT_SECONDS = 20.0
_turns = threading.BoundedSemaphore(_AT_ONCE)


class Page(NamedTuple):
    """Some entries of a directory in git's order, and whether more follow."""

    entries: list[Entry]
    more: bool


def entries_of(chunks: Iterable[bytes]) -> Iterator[Entry]:
    """The entries of a tree object, in its order, as its bytes come. Raises Damaged when it is not one."""
    rest = b""
    for chunk in chunks:
        rest += chunk
        end = 0
        for found in _ENTRY.finditer(rest):
            if found.start() != end:
                break
            end = found.end()
            yield Entry(found[2], int(found[1], 8), found[3])
        rest = rest[end:]
        if len(rest) > _LONGEST_ENTRY:
            break
    if rest:
        raise Damaged("A directory's manifest is broken.")


def entry_named(chunks: Iterable[bytes], name: bytes) -> Entry | None:
    """The entry of this name; None without one. Reads no further than where it would be."""
    return next(_from(chunks, name), None)


def page_after(chunks: Iterable[bytes], name: bytes, most: int) -> Page:
    """At most ``most`` entries after the one of this name; from the beginning for no name. Raises NotFound."""
    entries = entries_of(chunks) if not name else _from(chunks, name)
    if name and next(entries, None) is None:
        raise NotFound(f"There is no {name!r} in this directory.")
    found = list(islice(entries, most + 1))
    return Page(found[:most], len(found) > most)


def _from(chunks: Iterable[bytes], name: bytes) -> Iterator[Entry]:
    """The entries from the one of this name on; none without it.

    The others are skipped by one expression, some fifty million bytes a second, not one by one.
    """
    others = re.compile(rb"(?:[0-7]{5,6} (?!%s\0)([^\0]+)\0[\s\S]{20})*+" % re.escape(name))
    coming = iter(chunks)
    rest = b""
    for chunk in coming:
        rest += chunk
        skipped = others.match(rest)
        assert skipped is not None
        rest = rest[skipped.end() :]
        if (found := _ENTRY.match(rest)) and found[2] == name:
            yield from entries_of(_before(rest, coming))
            return
        # In git's order a directory sorts as if its name ended in a slash.
        if skipped[1] is not None and skipped[1] > name + b"/":
            return
        if len(rest) > _LONGEST_ENTRY + len(chunk):
            break
    if rest:
        raise Damaged("A directory's manifest is broken.")


def _before(first: bytes, others: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from others


# --- In the archive ------------------------------------------------------------------------------------
@contextmanager
def manifest_of(directory: bytes, pack: str, row: Row, packs: Packs) -> Iterator[Iterable[bytes]]:
    """The bytes of a directory's manifest (its identifier, 20 bytes), in pieces. A long one waits for its turn.

    Raises TooBusy when that does not come.
    """
    if row.swhid != SWHID(ObjectType.DIRECTORY, directory):
        raise Damaged(f"{row.name} is not {SWHID(ObjectType.DIRECTORY, directory)}.")
    if row.length <= LARGE:
        yield [packs.read(pack, row)]
        return
    if not _turns.acquire(timeout=_WAIT_SECONDS):
        raise TooBusy("Many long directories are read at once; ask again in a moment.")
    try:
        yield packs.pieces(pack, row)
    finally:
        _turns.release()


def entries_in(pack: str, row: Row, packs: Packs) -> Iterator[Entry]:
    """The entries of a directory, for a walk that does other things in between."""
    if row.length <= LARGE:
        return entries_of([packs.read(pack, row)])
    return entries_of(packs.pieces(pack, row))
