"""What a zip entry is called, and what it is (APPNOTE 4.4.4, 4.4.15, 4.6.9, appendix D; Info-ZIP's attributes)."""

import stat
from collections.abc import Iterable, Iterator
from functools import cached_property
from unicodedata import normalize
from zlib import crc32

from packages.errors import PackageError
from packages.members import Kind
from packages.names import ENCODINGS, Names, backslashes, guessed_encoding, is_utf8
from packages.warnings import Warnings
from packages.zip_directory import Entry

UNIX = 3
_FAT = 0
_NO_TYPE = stat.S_IFMT(0xFFFF)  # old versions of Maven write -1 as the mode of folders
_UTF8 = 0x0800
_UNICODE_PATH = 0x7075
_SAMPLE = 1000
_SPECIAL = (stat.S_IFIFO, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFSOCK)


class ZipNames:
    """The paths of the entries of one archive; ``survey`` goes through all of them anew, where one is not enough."""

    def __init__(self, names: Names, warnings: Warnings, survey: "Survey") -> None:
        self._names = names
        self._warnings = warnings
        self._survey = survey

    def path(self, entry: Entry, fields: dict[int, bytes]) -> bytes:
        """The path as the bytes that a Unix system stores.

        With the UTF-8 flag the name must be UTF-8. A Unicode path field says what a name is that has no flag; it must
        be the same name. Without either the bytes are what they are (see names.py).
        """
        name = entry.name
        unicode_path = _unicode_path(entry, fields)
        if name.isascii() or entry.flags & _UTF8:
            if not is_utf8(name):
                raise PackageError(
                    "package.member.encoding",
                    name,
                    "This name is declared as UTF-8 and is not. Rename the file, or pack again with a current program.",
                )
            if unicode_path not in (None, name):
                raise _two_names(name)
        elif unicode_path is None:
            name = self._names.stored(name)
        elif unicode_path != name and not _is_reading(unicode_path, name):
            raise _two_names(name)
        else:
            name = unicode_path
        if entry.host == _FAT and b"\\" in name and b"/" not in name:
            return self._with_slashes(name)
        return name

    def _with_slashes(self, name: bytes) -> bytes:
        """The path of a name whose only separators are backslashes, as programs on Windows have written them.

        Common programs read them as separators, each by itself. That is what they are if the whole archive has no
        other; where it has both, they may be part of a name.
        """
        encoding = "" if is_utf8(name) else self._survey.encoding
        places = backslashes(name, encoding)
        if not places:
            return name
        if self._survey.has_slashes:
            raise PackageError(
                "package.member.backslash",
                name,
                "This path has backslashes as separators, and others in the package have '/'. PowerShell 5.1 "
                "(Compress-Archive) and old .NET programs write such archives: pack again with PowerShell 7, 7-Zip or "
                "the Explorer.",
            )
        self._warnings.tell(
            "package.warning.backslash",
            name,
            "The paths of this package have backslashes as separators, as PowerShell 5.1 writes them; they are read "
            "as folders.",
        )
        path = bytearray(name)
        for place in places:
            path[place] = 0x2F
        return bytes(path)


class Survey:
    """What can only be said of all entries together; they are gone through when it is asked for first."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._entries = entries

    @cached_property
    def _seen(self) -> tuple[bool, list[bytes]]:
        sample: list[bytes] = []
        slashes = False
        for entry in self._entries:
            slashes = slashes or b"/" in entry.name or entry.host != _FAT
            if len(sample) < _SAMPLE and not entry.flags & _UTF8 and not is_utf8(entry.name):
                sample.append(entry.name)
        return slashes, sample

    @property
    def has_slashes(self) -> bool:
        """Whether any name has a slash, or comes from a system where backslashes are ordinary characters."""
        return self._seen[0]

    @cached_property
    def encoding(self) -> str:
        """What names that are not UTF-8 are probably in."""
        return guessed_encoding(self._seen[1])


def check_local_name(entry: Entry, fields: dict[int, bytes], local: dict[int, bytes]) -> bool:
    """Whether a Unicode path field of the local header says what the directory says."""
    stated = local.get(_UNICODE_PATH)
    if stated is None:
        return True
    central = fields.get(_UNICODE_PATH)
    return stated == central if central is not None else stated[5:] == entry.name


def is_special(entry: Entry, path: bytes) -> bool:
    """Whether the entry is a device, a FIFO or a socket without content."""
    form = stat.S_IFMT(entry.attributes >> 16)
    return entry.host == UNIX and form in _SPECIAL and not entry.size and not path.endswith(b"/")


def entry_kind(entry: Entry, path: bytes) -> Kind:
    """File, directory or symbolic link, where the path (before it is tidied) and the Unix mode agree."""
    slash = path.endswith(b"/")
    form = stat.S_IFMT(entry.attributes >> 16)
    if form == stat.S_IFLNK and (slash or entry.host != UNIX):
        raise _two_kinds(entry.name)
    if entry.host != UNIX or form in (0, stat.S_IFREG, _NO_TYPE):
        return Kind.DIRECTORY if slash else Kind.FILE
    if form == stat.S_IFDIR:
        if not slash:
            raise _two_kinds(entry.name)
        return Kind.DIRECTORY
    if form == stat.S_IFLNK:
        return Kind.SYMLINK
    raise PackageError(
        "package.member.type",
        entry.name,
        "This member is a device, a FIFO or a socket. Only files, directories and links can be archived: leave it out.",
    )


def _unicode_path(entry: Entry, fields: dict[int, bytes]) -> bytes | None:
    field = fields.get(_UNICODE_PATH)
    if field is None:
        return None
    if (
        field[:1] != b"\x01"
        or field[1:5] != crc32(entry.name).to_bytes(4, "little")
        or not is_utf8(field[5:])
    ):
        raise _two_names(entry.name)
    return field[5:]


def _is_reading(path: bytes, name: bytes) -> bool:
    """Whether the name, in any encoding, reads as the path."""
    wanted = normalize("NFC", path.decode())
    return any(normalize("NFC", reading) == wanted for reading in _readings(name))


def _readings(name: bytes) -> Iterator[str]:
    for encoding in ENCODINGS:
        try:
            yield name.decode(encoding)
        except UnicodeError:
            continue


def _two_names(name: bytes) -> PackageError:
    return PackageError(
        "package.zip.names",
        name,
        "This zip member has another name in its Unicode path field. Make the package again.",
    )


def _two_kinds(name: bytes) -> PackageError:
    return PackageError(
        "package.zip.type",
        name,
        "This zip member is a file by its name and a directory or link by its mode, or the other way round. "
        "Make the package again.",
    )
