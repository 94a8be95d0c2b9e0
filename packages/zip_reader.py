"""Reading a zip archive, strictly: every byte of the file belongs to exactly one record, and the records agree.

The central directory says what the members are; the local headers, descriptors and data must lie behind each other
from the first byte of the file to the directory, and repeat what it says. So a reader that goes by the local headers
and one that goes by the directory see the same members.
"""

import struct
from collections.abc import Callable, Iterator

from isal.isal_zlib import crc32

from packages.compression import (
    Decoder,
    bzip2_decoder,
    decode,
    deflate_decoder,
    ended,
    expand_exactly,
    lzma_decoder,
    xz_decoder,
    zstd_decoder,
)
from packages.deflate64 import Deflate64Decoder
from packages.errors import PackageError
from packages.files import PackageFile, Window
from packages.limits import MIB, Limits
from packages.members import Kind, Member
from packages.paths import clean_path
from packages.refusals import SPECIAL_FILE, bad_checksum, expands_too_far, unusable_target, wrong_length
from packages.tree import Tree
from packages.zip_descriptors import (
    DESCRIPTOR_FLAG,
    end_of_entry,
    left_to_descriptor,
    without_false_end,
)
from packages.zip_directory import (
    LOCAL_MAGIC,
    Entry,
    entries_in_file_order,
    extra_fields,
    find_directory,
    resolve_zip64,
)
from packages.zip_names import Survey, ZipNames, check_local_name, entry_kind, is_special

_LOCAL = struct.Struct("<4sHHHHHIIIHH")
_MAX32 = 0xFFFFFFFF
_STORED, _DEFLATED, _DEFLATED64, _LZMA = 0, 8, 9, 14
_DECODERS: dict[int, Callable[[Limits], Decoder]] = {
    _DEFLATED: deflate_decoder,
    12: bzip2_decoder,
    _LZMA: lzma_decoder,
    93: zstd_decoder,
    95: xz_decoder,
}
_OTHER_METHODS = {
    1: "shrunk, as PKZIP did before 1990",
    6: "imploded, as PKZIP did before 1993",
    10: "imploded with PKWARE's library",
    96: "compressed as a JPEG picture (WinZip)",
    97: "compressed with WavPack (WinZip)",
    98: "compressed with PPMd (7-Zip, WinZip)",
}
_ENCRYPTED = 0x0001 | 0x0040 | 0x2000
_PATCHED = 0x0020
_END_MARKER = 0x0002
_SMALL = MIB


class ZipReader:
    """The members of a zip archive, in the order of their content in the file."""

    def __init__(self, file: PackageFile, tree: Tree, limits: Limits) -> None:
        self._file = file
        self._window = Window(file)
        self._tree = tree
        self._limits = limits
        self._allowance = max(limits.ratio_floor, limits.ratio * file.size)
        self._entry = Entry()
        self._data = 0
        self._stream: Iterator[bytes] | None = None
        self._verified = True
        self._directory = find_directory(file)
        survey = Survey(entries_in_file_order(file, self._directory, limits))
        self._names = ZipNames(tree.names, tree.warnings, survey)

    def __iter__(self) -> Iterator[Member]:
        directory = self._directory
        position = 0
        last: Entry | None = None
        for entry in entries_in_file_order(self._file, directory, self._limits):
            entry.offset = directory.place_of(entry, position)
            if last is not None:
                position = end_of_entry(last, self._window, position, entry.offset)
            if entry.offset != position:
                raise _misplaced(entry.name, entry.offset < position)
            self._open(entry)
            member = self._admit(entry)
            yield from self._hand_out(member)
            position = self._data + entry.compressed
            last = entry
        if last is not None:
            position = end_of_entry(last, self._window, position, directory.start)
        if position != directory.start:
            raise _misplaced(last.name if last is not None else b"", position > directory.start)

    def _hand_out(self, member: Member | None) -> Iterator[Member]:
        if member is not None:
            yield member
            member.expire()
        if self._stream is not None:
            for _ in self._stream:
                pass
            self._stream = None
        elif not self._verified and self._entry.size <= _SMALL:
            self.read_content()
        if not self._verified:
            for _ in self._verified_blocks(self._entry):
                pass

    # --- content of the current member (members.Content)

    def read_content(self) -> bytes:
        """The whole content of the current member, its CRC verified."""
        entry = self._entry
        flagged = entry.method == _STORED and entry.flags & DESCRIPTOR_FLAG
        if flagged or entry.method > _DEFLATED or entry.size > _SMALL or entry.compressed > _SMALL:
            return b"".join(self.content_chunks())
        data = self._window.read(self._data, entry.compressed)
        if entry.method == _DEFLATED:
            decoder = deflate_decoder(self._limits)
            data = decode(decoder, data, entry.size + 1, entry.name)
            if len(data) != entry.size or not ended(decoder):
                raise wrong_length(entry.name)
        if crc32(data) != entry.crc:
            raise bad_checksum(entry.name)
        self._verified = True
        return data

    def content_chunks(self) -> Iterator[bytes]:
        """The content of the current member in blocks; its CRC is verified after the last one."""
        self._stream = self._verified_blocks(self._entry)
        return self._stream

    def _verified_blocks(self, entry: Entry) -> Iterator[bytes]:
        checksum = 0
        for block in self._content(entry):
            checksum = crc32(block, checksum)
            yield block
        if checksum != entry.crc:
            raise bad_checksum(entry.name)
        self._verified = True

    def _content(self, entry: Entry) -> Iterator[bytes]:
        blocks = self._file.blocks(self._data, entry.compressed)
        if entry.method == _STORED:
            return without_false_end(blocks, entry.name) if entry.flags & DESCRIPTOR_FLAG else blocks
        if entry.method == _LZMA:
            blocks = self._with_lzma_header(entry)
        deflate64 = entry.method == _DEFLATED64
        decoder = Deflate64Decoder(entry.compressed) if deflate64 else _DECODERS[entry.method](self._limits)
        return expand_exactly(blocks, decoder, entry.size, entry.name)

    def _with_lzma_header(self, entry: Entry) -> Iterator[bytes]:
        """The data with its header (APPNOTE 5.8.8) rewritten as the LZMA SDK's, which states the length."""
        header = self._file.read(self._data, min(9, entry.compressed))
        if len(header) < 9 or header[2:4] != b"\x05\0":
            raise wrong_length(entry.name)
        length = b"\xff" * 8 if entry.flags & _END_MARKER else entry.size.to_bytes(8, "little")
        yield header[4:9] + length
        yield from self._file.blocks(self._data + 9, entry.compressed - 9)

    # --- one entry

    def _open(self, entry: Entry) -> None:
        """Compare the local header with the entry and find where its data begins."""
        self._entry = entry
        self._verified = False
        raw = self._window.read(entry.offset, _LOCAL.size)
        if not raw.startswith(LOCAL_MAGIC):
            raise _differs(entry.name, "has no local header where its entry points to")
        names, extras = struct.unpack_from("<HH", raw, 26)
        variable = self._window.read(entry.offset + _LOCAL.size, names + extras)
        if variable[:names] != entry.name:
            raise _differs(entry.name, "has another name in its local header")
        if raw[6:28] != entry.fixed or extras:
            self._compare(entry, raw, variable[names:])
        self._data = entry.offset + _LOCAL.size + names + extras
        self._check_limits(entry)

    def _compare(self, entry: Entry, raw: bytes, extra: bytes) -> None:
        """The slow comparison: sizes may be in a zip64 field, or follow in a descriptor."""
        _, _, flags, method, _, _, crc, compressed, size, _, _ = _LOCAL.unpack(raw)
        fields = extra_fields(extra, entry.name)
        if (flags, method) != (entry.flags, entry.method):
            raise _differs(entry.name, "has other flags or another method in its local header")
        size, compressed = resolve_zip64(fields.get(1), ((size, 8), (compressed, 8)), entry.name)
        stated = (crc, compressed, size)
        true = (entry.crc, entry.compressed, entry.size)
        if stated != true and not (flags & DESCRIPTOR_FLAG and left_to_descriptor(stated, true)):
            raise _differs(entry.name, "has another size or checksum in its local header")
        if not check_local_name(entry, extra_fields(entry.extra, entry.name), fields):
            raise _differs(entry.name, "has another Unicode name in its local header")

    def _check_limits(self, entry: Entry) -> None:
        if entry.flags & _ENCRYPTED:
            raise PackageError(
                "package.encrypted", entry.name, "This member is encrypted. Pack it again without a password."
            )
        if entry.flags & _PATCHED or entry.method not in (_STORED, _DEFLATED64, *_DECODERS):
            raise _unreadable_method(entry)
        if not entry.compressed and entry.name.endswith((b"/", b"\\")):
            # Some programs state of a directory what it has on disk; there is nothing of it here.
            entry.size = 0
            self._verified = not entry.crc
        if entry.method == _STORED and entry.size != entry.compressed:
            raise wrong_length(entry.name)
        if self._tree.total + entry.size > self._allowance:
            raise expands_too_far(self._limits)

    def _admit(self, entry: Entry) -> Member | None:
        fields = extra_fields(entry.extra, entry.name) if entry.extra else {}
        raw = self._names.path(entry, fields)
        special = self._limits.special_files and is_special(entry, raw)
        kind = Kind.FILE if special else entry_kind(entry, raw)
        path = clean_path(raw, self._limits)
        if kind is Kind.FILE and path:
            executable = entry.host == 3 and bool(entry.attributes >> 16 & 0o100)
            self._tree.add_file(path, entry.size, executable)
            if special:
                self._tree.warnings.tell("package.warning.special", path, SPECIAL_FILE)
            return Member(path, kind, entry.size, executable, None, self)
        if kind is Kind.SYMLINK and path:
            if entry.size > self._limits.path:
                raise unusable_target(path, entry.size, self._limits)
            target = self._tree.names.stored(self.read_content())
            self._tree.add_symlink(path, target)
            return Member(path, kind, target=target)
        if entry.size:
            raise PackageError(
                "package.member.size", entry.name, "This directory declares content. Make the package again."
            )
        if not path:
            return None
        self._tree.add_directory(path)
        return Member(path, Kind.DIRECTORY)


def _unreadable_method(entry: Entry) -> PackageError:
    how = _OTHER_METHODS.get(entry.method, f"compressed with method {entry.method}")
    return PackageError(
        "package.method",
        entry.name,
        f"This member is {how}, which is not accepted. Pack again with deflate, the usual method.",
    )


def _misplaced(name: bytes, overlap: bool) -> PackageError:
    if overlap:
        return PackageError(
            "package.zip.overlap",
            name,
            "This zip member shares bytes with another one. Make the package again.",
        )
    return PackageError(
        "package.zip.gap",
        name,
        "The zip archive has bytes before this place that belong to no member. Make the package again, without a "
        "self-extracting part or a signature.",
    )


def _differs(name: bytes, what: str) -> PackageError:
    return PackageError("package.zip.local", name, f"This zip member {what}. Make the package again.")
