"""Sparse files in tar archives: their holes are zeros that are not stored.

Four forms are in use: GNU's own header type ``S`` (GNU tar manual, "Old GNU Format") and GNU's pax forms 0.0, 0.1 and
1.0 (appendix D of the manual). GNU tar writes them when asked to; bsdtar of macOS and FreeBSD writes 1.0 unasked.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NoReturn

from packages.errors import PackageError
from packages.limits import Limits
from packages.tar_headers import BLOCK, number

_ZEROS = bytes(256 * 1024)
_ENTRY = 24
_IN_HEADER, _IN_EXTENSION = 4, 21
_PREFIX = b"GNU.sparse."
_REPEATED = (b"GNU.sparse.offset", b"GNU.sparse.numbytes")
_SOLARIS = b"SUN.holesdata"
Take = Callable[[int], bytes]


@dataclass(frozen=True, slots=True)
class SparseMap:
    """Where the stored bytes belong: pieces ``(offset, length)`` in ascending order in a file of ``size`` bytes."""

    pieces: tuple[tuple[int, int], ...]
    size: int


class SparseContent:
    """The whole content of a sparse file; ``stored(n)`` yields the next n bytes that are stored."""

    def __init__(self, layout: SparseMap, stored: Callable[[int], Iterator[bytes]]) -> None:
        self._layout = layout
        self._stored = stored

    def read_content(self) -> bytes:
        """All of it, in memory."""
        return b"".join(self.content_chunks())

    def content_chunks(self) -> Iterator[bytes]:
        """All of it, in pieces."""
        position = 0
        for offset, length in self._layout.pieces:
            yield from _zeros(offset - position)
            yield from self._stored(length)
            position = offset + length
        yield from _zeros(self._layout.size - position)


def _zeros(length: int) -> Iterator[bytes]:
    while length > 0:
        yield _ZEROS[:length]
        length -= len(_ZEROS)


def sparse_records(records: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """The records of a pax header that make its member a sparse file. Raises PackageError if they are ambiguous."""
    found = [record for record in records if record[0].startswith(_PREFIX)]
    keywords = [keyword for keyword, _ in found if keyword not in _REPEATED]
    if len(set(keywords)) < len(keywords):
        _refuse(b"", "states one thing twice")
    if any(keyword == _SOLARIS for keyword, _ in records):
        _refuse(b"", "is written as only Solaris does")
    return found


def sparse_name(records: list[tuple[bytes, bytes]], path: bytes | None) -> bytes | None:
    """The true name of the member in the forms 0.1 and 1.0; ``path``, if stated, may only be its stand-in."""
    name = dict(records).get(b"GNU.sparse.name")
    if name is None or path is None or path == name:
        return name or path
    folder, _, base = name.rpartition(b"/")
    parts = path.split(b"/")
    stand_in = len(parts) > 1 and parts[-2].startswith(b"GNUSparseFile.") and parts[-1] == base
    if stand_in and b"/".join(parts[:-2]).removeprefix(b"./") == folder.removeprefix(b"./"):
        return name
    _refuse(name, "has two names")


def old_map(block: bytes, take: Take, stored: int, path: bytes, limits: Limits) -> SparseMap:
    """The map of a member of type ``S``: four pieces in its header, more in the blocks behind it."""
    entries = [block[386 + n * _ENTRY : 386 + (n + 1) * _ENTRY] for n in range(_IN_HEADER)]
    more = block[482]
    while more:
        extension = take(BLOCK)
        entries += [extension[n * _ENTRY : (n + 1) * _ENTRY] for n in range(_IN_EXTENSION)]
        more = extension[504]
        if len(entries) * _ENTRY > limits.header:
            _refuse(path, "has too many holes")
    empty = bytes(_ENTRY)
    while entries and entries[-1] == empty:
        entries.pop()
    try:
        if any(not entry[0] or not entry[12] for entry in entries):
            _refuse(path, "has a gap in its list of pieces")
        pieces = [(number(entry[:12]), number(entry[12:])) for entry in entries]
        size = number(block[483:495])
    except ValueError:
        _refuse(path, "has a number that cannot be read")
    return _checked(pieces, size, stored, path)


def pax_map(
    records: list[tuple[bytes, bytes]], take: Take, stored: int, path: bytes, limits: Limits
) -> tuple[SparseMap, int]:
    """The map of a member with pax records, and how many of its ``stored`` bytes the map itself took."""
    fields = dict(records)
    version = fields.get(b"GNU.sparse.major"), fields.get(b"GNU.sparse.minor")
    is_new, is_old = version == (b"1", b"0"), version in ((None, None), (b"0", b"0"), (b"0", b"1"))
    listed = b"GNU.sparse.map" in fields or any(keyword in fields for keyword in _REPEATED)
    if not (is_new or is_old) or (is_new and listed):
        _refuse(path, "is of an unknown version")
    size = _decimal(fields.get(b"GNU.sparse.realsize" if is_new else b"GNU.sparse.size"), path)
    taken = 0
    if is_new:
        numbers, taken = _map_in_content(take, stored, path, limits)
    elif b"GNU.sparse.map" in fields:
        if any(keyword in fields for keyword in _REPEATED):
            _refuse(path, "has two lists of pieces")
        text = fields[b"GNU.sparse.map"]
        numbers = [_decimal(field, path) for field in text.split(b",")] if text else []
    else:
        numbers = _alternating(records, path)
    if len(numbers) % 2:
        _refuse(path, "has half a piece in its list")
    pieces = list(zip(numbers[::2], numbers[1::2], strict=True))
    if _decimal(fields.get(b"GNU.sparse.numblocks", b"%d" % len(pieces)), path) != len(pieces):
        _refuse(path, "has another number of pieces than it states")
    return _checked(pieces, size, stored - taken, path), taken


def _alternating(records: list[tuple[bytes, bytes]], path: bytes) -> list[int]:
    """Form 0.0: records of offset and length in turn."""
    listed = [record for record in records if record[0] in _REPEATED]
    if any(keyword != _REPEATED[index % 2] for index, (keyword, _) in enumerate(listed)):
        _refuse(path, "has a list of pieces in disorder")
    return [_decimal(value, path) for _, value in listed]


def _map_in_content(take: Take, stored: int, path: bytes, limits: Limits) -> tuple[list[int], int]:
    """Form 1.0: the content begins with lines of decimal numbers, the number of pieces first, in whole blocks."""
    data, lines = b"", 0
    wanted: int | None = None
    while wanted is None or lines < wanted:
        if len(data) + BLOCK > min(limits.header, stored + -stored % BLOCK):
            _refuse(path, "has a list of pieces that is cut, or too long")
        block = take(BLOCK)
        data += block
        lines += block.count(b"\n")
        if wanted is None and lines:
            wanted = 1 + 2 * _decimal(data[: data.index(b"\n")], path)
    numbers = data.split(b"\n", wanted)
    if numbers.pop().strip(b"\0") or len(data) > stored:
        _refuse(path, "has bytes behind its list of pieces")
    return [_decimal(text, path) for text in numbers[1:]], len(data)


def _decimal(text: bytes | None, path: bytes) -> int:
    if text is None or not text.isdigit() or len(text) > 20:
        _refuse(path, "has a number that is missing or cannot be read")
    return int(text)


def _checked(pieces: list[tuple[int, int]], size: int, stored: int, path: bytes) -> SparseMap:
    end = 0
    for offset, length in pieces:
        if offset < end:
            _refuse(path, "has pieces that overlap or are in disorder")
        end = offset + length
    if end > size or sum(length for _, length in pieces) != stored:
        _refuse(path, "has pieces that do not fit its size")
    return SparseMap(tuple(piece for piece in pieces if piece[1]), size)


def _refuse(path: bytes, what: str) -> NoReturn:
    raise PackageError(
        "package.member.sparse",
        path,
        f"This member is a sparse file that {what}. Pack it without the sparse option (GNU tar: leave away --sparse; "
        "bsdtar: --no-read-sparse).",
    )
