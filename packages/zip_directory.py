"""The end records and the central directory of a zip archive (PKWARE APPNOTE 6.3.10, sections 4.3.12 to 4.3.16)."""

import struct
from array import array
from collections.abc import Iterator
from dataclasses import dataclass

from packages.errors import PackageError
from packages.files import PackageFile, Window
from packages.limits import Limits
from packages.refusals import truncated

LOCAL_MAGIC = b"PK\x03\x04"
END_MAGIC = b"PK\x05\x06"
_ENTRY_MAGIC = 0x02014B50
_ENTRY = struct.Struct("<IBBHHHHHIIIHHHHHII")
_END = struct.Struct("<4sHHHHIIH")
_LOCATOR = struct.Struct("<4sIQI")
_END64 = struct.Struct("<4sQHHIIQQQQ")
_MAX16, _MAX32 = 0xFFFF, 0xFFFFFFFF
_LONGEST_COMMENT = 0xFFFF


@dataclass(frozen=True, slots=True)
class Directory:
    """Where the central directory lies; positions and sizes in bytes."""

    start: int
    size: int
    entries: int
    """As stated; without a zip64 record the number may be cut to 16 bits (macOS writes it so)."""
    is_zip64: bool
    is_cut: bool = False
    """Beyond 4 GiB and without zip64: positions are cut to 32 bits (macOS writes them so), entries in file order."""

    def place_of(self, entry: "Entry", position: int) -> int:
        """Where an entry begins that may not begin before ``position``."""
        return position + (entry.offset - position & _MAX32) if self.is_cut else entry.offset


class Entry:
    """One entry of the central directory, zip64 resolved; ``fixed`` is the stretch that the local header repeats."""

    __slots__ = (
        "attributes",
        "compressed",
        "crc",
        "extra",
        "fixed",
        "flags",
        "host",
        "method",
        "name",
        "offset",
        "size",
        "stated",
    )

    flags: int
    method: int
    crc: int
    compressed: int
    size: int
    stated: int
    """The size as stated; ``size`` is 0 instead where a directory states one and has nothing."""
    offset: int
    host: int
    attributes: int
    name: bytes
    extra: bytes
    fixed: bytes


def find_directory(file: PackageFile) -> Directory:
    """The one central directory of the archive; PackageError unless there is exactly one way to find it."""
    tail_length = min(file.size, _END.size + _LONGEST_COMMENT)
    tail = file.read(file.size - tail_length, tail_length)
    position = _find_end(tail)
    _, disk, first_disk, here, entries, size, start, _ = _END.unpack_from(tail, position)
    end = file.size - tail_length + position
    plain = (entries, size, start)
    is_zip64 = False
    if end >= _LOCATOR.size:
        locator = file.read(end - _LOCATOR.size, _LOCATOR.size)
        is_zip64 = locator.startswith(b"PK\x06\x07")
        if is_zip64:
            end, entries, size, start = _read_zip64(file, end - _LOCATOR.size, locator, plain)
            disk, first_disk = disk % _MAX16, first_disk % _MAX16
            here = plain[0] if here == _MAX16 else here
    if disk or first_disk or here != plain[0]:
        raise _split()
    is_cut = not is_zip64 and end > _MAX32 and start == (end - size) & _MAX32
    if start + size != end and not is_cut:
        raise _bad_end("does not stand where the central directory ends")
    return Directory(end - size, size, entries, is_zip64, is_cut)


def _find_end(tail: bytes) -> int:
    """The end record whose comment ends with the file, but for zeros (bsdtar fills up blocks where it writes a pipe).

    A second one, or one in the comment, makes it ambiguous.
    """
    found = -1
    position = tail.find(END_MAGIC)
    while position >= 0:
        if _ends_file(tail, position):
            if found >= 0:
                raise _bad_end("comes twice")
            found = position
        elif found >= 0:
            raise _bad_end("has another one in its comment")
        position = tail.find(END_MAGIC, position + 1)
    if found < 0:
        if END_MAGIC in tail:
            raise _bad_end("does not end with the file: other data follows it, or its comment is cut")
        raise truncated()
    return found


def _ends_file(tail: bytes, position: int) -> bool:
    if position + _END.size > len(tail):
        return False
    length = int.from_bytes(tail[position + 20 : position + 22], "little")
    end = position + _END.size + length
    return end == len(tail) or (not length and not tail[end:].strip(b"\0"))


def _read_zip64(
    file: PackageFile, position: int, locator: bytes, plain: tuple[int, int, int]
) -> tuple[int, int, int, int]:
    """The zip64 end record: where it begins, and its entries, size and start of the directory."""
    _, disk, start64, disks = _LOCATOR.unpack(locator)
    if disk or disks > 1:
        raise _split()
    if start64 + _END64.size > position:
        raise _bad_zip64("the locator points to no zip64 end record")
    magic, length, _, _, this, first, here, entries, size, start = _END64.unpack(
        file.read(start64, _END64.size)
    )
    if magic != b"PK\x06\x06" or start64 + 12 + length != position:
        raise _bad_zip64("the zip64 end record does not end where the locator begins")
    if this or first or here != entries:
        raise _split()
    for short, long, limit in zip(plain, (entries, size, start), (_MAX16, _MAX32, _MAX32), strict=True):
        if short not in (long, limit):
            raise _bad_zip64("the end record and the zip64 end record state different numbers")
    return start64, entries, size, start


def entries_in_file_order(file: PackageFile, directory: Directory, limits: Limits) -> Iterator[Entry]:
    """All entries in the order of their content in the file, whatever their order in the directory."""
    if directory.entries > limits.members:
        raise _too_many(limits)
    positions = _scan(file, directory, limits)
    window = Window(file)
    for position in positions:
        yield _read_entry(window, position)


def _scan(file: PackageFile, directory: Directory, limits: Limits) -> "array[int]":
    """The positions of all entries, in file order; the entries must fill the directory exactly."""
    window = Window(file)
    position, end = directory.start, directory.start + directory.size
    positions, offsets = array("Q"), array("Q")
    ordered, last = True, -1
    while position < end:
        if position + _ENTRY.size > end:
            raise _bad_directory("", "ends within an entry")
        fixed = _ENTRY.unpack(window.read(position, _ENTRY.size))
        if fixed[0] != _ENTRY_MAGIC:
            raise _bad_directory("", "has an entry that does not begin as one")
        offset = fixed[17]
        if offset == _MAX32:
            offset = _read_entry(window, position).offset
        positions.append(position)
        offsets.append(offset)
        ordered = ordered and offset > last
        last = offset
        position += _ENTRY.size + fixed[11] + fixed[12] + fixed[13]
        if len(positions) > limits.members:
            raise _too_many(limits)
    if position != end:
        raise _bad_directory("", "does not have the length that the end record states")
    cut = not directory.is_zip64 and len(positions) & _MAX16 == directory.entries
    if len(positions) != directory.entries and not cut:
        raise _bad_directory("", "has another number of entries than the end record states")
    if not ordered and not directory.is_cut:
        order = sorted(range(len(offsets)), key=offsets.__getitem__)
        positions = array("Q", (positions[index] for index in order))
    return positions


def _read_entry(window: Window, position: int) -> Entry:
    raw = window.read(position, _ENTRY.size)
    (
        _,
        _,
        host,
        _,
        flags,
        method,
        _,
        _,
        crc,
        compressed,
        size,
        names,
        extras,
        _,
        disk,
        _,
        attributes,
        offset,
    ) = _ENTRY.unpack(raw)
    entry = Entry()
    variable = window.read(position + _ENTRY.size, names + extras)
    entry.name = variable[:names]
    entry.extra = variable[names:]
    entry.fixed = raw[8:30]
    entry.flags, entry.method, entry.crc, entry.host, entry.attributes = flags, method, crc, host, attributes
    if _MAX32 in (compressed, size, offset) or disk or entry.extra:
        fields = extra_fields(entry.extra, entry.name)
        size, compressed, offset, disk = resolve_zip64(
            fields.get(1), ((size, 8), (compressed, 8), (offset, 8), (disk, 4)), entry.name
        )
    if disk:
        raise _split()
    entry.size = entry.stated = size
    entry.compressed, entry.offset = compressed, offset
    return entry


def extra_fields(extra: bytes, name: bytes) -> dict[int, bytes]:
    """The extra fields by their ids; they must fill the extra area, save for a few zeros of alignment."""
    fields: dict[int, bytes] = {}
    position = 0
    while position + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, position)
        end = position + 4 + length
        if end > len(extra):
            break
        if kind in _SINGLE and kind in fields:
            raise _bad_extra(name, "comes twice")
        fields[kind] = extra[position + 4 : end]
        position = end
    if extra[position:].strip(b"\0"):
        raise _bad_extra(name, "is longer than the room it has")
    return fields


def resolve_zip64(field: bytes | None, values: tuple[tuple[int, int], ...], name: bytes) -> list[int]:
    """The values with those that are saturated taken from the zip64 field.

    The field must hold exactly the saturated values, or (as some programs write it) the first few values, those that
    are not saturated repeated unchanged.
    """
    limits = [_MAX16 if width == 4 else _MAX32 for _, width in values]
    if field is None:
        return [value for value, _ in values]
    saturated = [index for index, (value, _) in enumerate(values) if value == limits[index]]
    if len(field) != sum(values[index][1] for index in saturated):
        lengths = [sum(width for _, width in values[: n + 1]) for n in range(len(values))]
        if len(field) not in lengths:
            raise _bad_zip64("a zip64 field has a wrong length", name)
        held = list(range(lengths.index(len(field)) + 1))
        if not set(saturated) <= set(held):
            raise _bad_zip64("a zip64 field lacks a value", name)
    else:
        held = saturated
    resolved = [value for value, _ in values]
    position = 0
    for index in held:
        width = values[index][1]
        value = int.from_bytes(field[position : position + width], "little")
        if index not in saturated and value != resolved[index]:
            raise _bad_zip64("a zip64 field contradicts its entry", name)
        resolved[index] = value
        position += width
    return resolved


_SINGLE = (0x0001, 0x7075)


def _too_many(limits: Limits) -> PackageError:
    return PackageError(
        "package.limit.members",
        "",
        f"The package has more than {limits.members} members. "
        "Split it over several deposits, or ask the archive to raise the limit.",
    )


def _bad_end(what: str) -> PackageError:
    return PackageError(
        "package.zip.end",
        "",
        f"The end record of the zip archive {what}. Make the package again and send it alone.",
    )


def _bad_directory(name: bytes | str, what: str) -> PackageError:
    return PackageError(
        "package.zip.directory",
        name,
        f"The central directory of the zip archive {what}. Make the package again.",
    )


def _bad_zip64(what: str, name: bytes = b"") -> PackageError:
    return PackageError("package.zip.zip64", name, f"In this zip archive {what}. Make the package again.")


def _bad_extra(name: bytes, what: str) -> PackageError:
    return PackageError(
        "package.zip.extra", name, f"An extra field of this zip member {what}. Make the package again."
    )


def _split() -> PackageError:
    return PackageError(
        "package.zip.disks",
        "",
        "The zip archive is one of several parts. Join them (Info-ZIP: zip -s 0 parts.zip --out whole.zip), or pack "
        "again in one file.",
    )
