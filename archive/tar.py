"""A directory as a tar: streamed in bounded memory, the same bytes every time.

Headers are those of POSIX.1-2001: plain ustar where a name fits, a pax header before the member where it does not
(long names, sizes from 8 GiB). Names are raw bytes in both, as git writes them.
"""

from collections.abc import Iterator

from isal import isal_zlib

from archive.objects import DIRECTORY, EXECUTABLE, FILE, REVISION, SYMLINK
from archive.places import missing
from archive.reading import Packs
from archive.storage import Storage
from archive.traversal import Found, walk

BLOCK = 512
_END = bytes(2 * BLOCK)
_TYPES = {FILE: b"0", EXECUTABLE: b"0", SYMLINK: b"2", DIRECTORY: b"5", REVISION: b"5"}
_MODES = {FILE: 0o644, EXECUTABLE: 0o755, SYMLINK: 0o777, DIRECTORY: 0o755, REVISION: 0o755}
_LARGEST_OCTAL = 8**11 - 1


def stream_tar(directory: bytes, storage: Storage | None = None, *, prefix: bytes = b"") -> Iterator[bytes]:
    """The tar of a directory (its identifier, 20 bytes), in chunks; ``prefix`` goes before every name.

    Modes are 0644 and 0755, times 0, owners 0, members in git's order. Raises NotFound, Damaged, Unreadable; in the
    middle of a stream too, which then has no end-of-archive blocks.
    """
    with Packs(storage) as packs:
        for found in walk(directory, packs):
            yield from _member(found, prefix + found.path, packs)
    yield _END


def stream_tar_gz(
    directory: bytes, storage: Storage | None = None, *, prefix: bytes = b""
) -> Iterator[bytes]:
    """``stream_tar``, compressed with gzip; the same bytes every time too."""
    # 31: a gzip header, in which isal writes no time and no name.
    compressor = isal_zlib.compressobj(2, isal_zlib.DEFLATED, 31)
    for chunk in stream_tar(directory, storage, prefix=prefix):
        if data := compressor.compress(chunk):
            yield data
    yield compressor.flush()


def _member(found: Found, name: bytes, packs: Packs) -> Iterator[bytes]:
    mode = found.mode
    if mode in (DIRECTORY, REVISION):
        yield header(name + b"/", 0, mode)
        return
    if found.place is None:
        raise missing(found.swhid)
    pack, row = found.place
    if mode == SYMLINK:
        yield header(name, 0, mode, link=packs.read(pack, row))
        return
    yield header(name, row.length, mode)
    yield from packs.stream(pack, row, 0, row.length)
    if row.length % BLOCK:
        yield bytes(-row.length % BLOCK)


def header(name: bytes, size: int, mode: int, *, link: bytes = b"") -> bytes:
    """The blocks before a member of git's ``mode``."""
    records = b""
    prefix, short = _split(name)
    if short is None:
        records += _record(b"path", name)
        prefix, short = b"", name[:100]
    if len(link) > 100:
        records += _record(b"linkpath", link)
    if size > _LARGEST_OCTAL:
        records += _record(b"size", b"%d" % size)
    before = b""
    if records:
        before = (
            _block(b"pax_header", b"", len(records), 0o644, b"x", b"")
            + records
            + bytes(-len(records) % BLOCK)
        )
    shown = size if size <= _LARGEST_OCTAL else 0
    return before + _block(short, prefix, shown, _MODES[mode], _TYPES[mode], link[:100])


def _split(name: bytes) -> tuple[bytes, bytes | None]:
    """The name as ustar's prefix and name fields; (b"", None) when it does not fit."""
    if len(name) <= 100:
        return b"", name
    cut = name.rfind(b"/", 0, min(len(name) - 1, 156))
    if cut <= 0 or len(name) - cut - 1 > 100:
        return b"", None
    return name[:cut], name[cut + 1 :]


def _record(key: bytes, value: bytes) -> bytes:
    """A pax record, whose length counts its own digits."""
    rest = len(key) + len(value) + 3
    length = rest + len(str(rest))
    if len(str(length)) != len(str(rest)):
        length += 1
    return b"%d %s=%s\n" % (length, key, value)


def _block(name: bytes, prefix: bytes, size: int, mode: int, kind: bytes, link: bytes) -> bytes:
    fields = [
        name.ljust(100, b"\0"),
        b"%07o\0" % mode,
        b"0000000\0" * 2,
        b"%011o\0" % size,
        b"00000000000\0",
        b" " * 8,
        kind,
        link.ljust(100, b"\0"),
        b"ustar\x0000",
        b"root".ljust(32, b"\0") * 2,
        b"0000000\0" * 2,
        prefix.ljust(155, b"\0"),
        bytes(12),
    ]
    fields[5] = b"%06o\0 " % sum(map(sum, fields))
    return b"".join(fields)
