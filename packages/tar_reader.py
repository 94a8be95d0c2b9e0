"""Reading a tar archive as a stream, strictly.

Where common readers (GNU tar, libarchive, Python's tarfile) would see different members in the same bytes, the
archive is refused; where they agree, it is read as they read it.
"""

from collections.abc import Callable, Iterator

from packages.errors import PackageError
from packages.limits import KIB, Limits
from packages.members import Kind, Member
from packages.names import is_utf8
from packages.paths import clean_path
from packages.refusals import SPECIAL_FILE, expands_too_far, truncated
from packages.tar_headers import (
    BLOCK,
    ZERO_BLOCK,
    CommonFields,
    FieldError,
    checksum_holds,
    long_text,
    number,
    pax_records,
    text,
)
from packages.tar_sparse import SparseContent, old_map, pax_map, sparse_name, sparse_records
from packages.tree import Tree

_FREE_PER_MEMBER = KIB
_LARGEST_OCTAL = 0o77777777777
_REGULAR = b"0\x007"
_HARDLINK, _SYMLINK, _DIRECTORY, _SPARSE, _GLOBAL = b"125Sg"
_SPECIAL = {
    ord("3"): "a character device",
    ord("4"): "a block device",
    ord("6"): "a FIFO",
    ord("V"): "a volume label (GNU tar: leave away -V)",
    ord("M"): "a part of a file from another volume (GNU tar: leave away -M)",
    ord("D"): "a directory dump of an incremental backup (GNU tar: leave away -g)",
    ord("N"): "a list of long names in an obsolete form",
    ord("A"): "an access control list",
}
_SPECIAL_FILES = b"346"
_POSIX, _GNU = b"ustar\0", b"ustar "


class TarReader:
    """The members of a tar archive whose (expanded) bytes come in ``blocks``.

    ``package_size`` is the size of the file as sent: the measure for the limit on expansion. ``proven`` tells, once
    the blocks are at their end, whether a checksum and a length around them say that nothing is missing.
    """

    def __init__(
        self,
        blocks: Iterator[bytes],
        tree: Tree,
        limits: Limits,
        package_size: int,
        proven: Callable[[], bool] = lambda: False,
    ) -> None:
        self._blocks = blocks
        self._tree = tree
        self._limits = limits
        self._proven = proven
        self._allowance = max(limits.ratio_floor, limits.ratio * package_size)
        self._read = 0
        self._buffer = b""
        self._position = 0
        self._left = 0
        self._padding = 0
        self._fields = CommonFields()
        self._extended: set[int] = set()
        self._pax: dict[bytes, bytes] = {}
        self._sparse: list[tuple[bytes, bytes]] = []
        self._long: dict[int, bytes] = {}

    def __iter__(self) -> Iterator[Member]:
        while True:
            if self._position == len(self._buffer) and not self._advance():
                self._end_without_mark()
                return
            block = self._take(BLOCK)
            if block == ZERO_BLOCK:
                break
            if not checksum_holds(block):
                raise _damaged("", "has a wrong checksum")
            member = self._interpret(block)
            if member is not None:
                yield member
                member.expire()
            unread = self._left + self._padding
            if unread:
                self._skip(unread)
                self._left = self._padding = 0
        self._end()

    # --- content of the current member (members.Content)

    def read_content(self) -> bytes:
        """All that is left of the current member."""
        size, self._left = self._left, 0
        if self._position + size <= len(self._buffer):
            return self._take(size)
        self._left = size
        return b"".join(self.content_chunks())

    def content_chunks(self) -> Iterator[bytes]:
        """The current member in the blocks as they come."""
        return self._chunks(self._left)

    def _chunks(self, size: int) -> Iterator[bytes]:
        """The next ``size`` bytes that are stored of the current member."""
        while size:
            if self._position == len(self._buffer):
                self._fill()
            chunk = self._buffer[self._position : self._position + size]
            self._position += len(chunk)
            self._left -= len(chunk)
            size -= len(chunk)
            yield chunk

    # --- headers

    def _interpret(self, block: bytes) -> Member | None:
        try:
            executable = self._fields.executable(block)
        except ValueError:
            raise _damaged(text(block[:100]), "has an unreadable mode, owner or time") from None
        typeflag = block[156]
        if typeflag in b"xXgLK":
            self._extend(block, typeflag)
            return None
        short = block[:100].partition(b"\0")[0]
        raw = self._name(block, short, 0)
        size = self._size(block, raw)
        path = clean_path(raw, self._limits)
        slash = raw.endswith(b"/")
        if self._extended and typeflag == 0 and slash != short.endswith(b"/"):
            raise _ambiguous(path, "is a directory by one of its names only")
        if self._sparse or typeflag == _SPARSE:
            member: Member | None = self._sparse_file(block, raw, path, size, executable)
        elif typeflag in _REGULAR and not slash:
            member = self._file(path, size, executable)
        else:
            member = self._other(block, typeflag, raw, path, size, executable)
        if self._extended:
            self._extended.clear()
            self._pax = {}
            self._sparse = []
            self._long = {}
        return member

    def _file(self, path: bytes, size: int, executable: bool) -> Member:
        if not path:
            raise _damaged(path, "names no file")
        self._tree.add_file(path, size, executable)
        self._left = size
        self._padding = -size % BLOCK
        return Member(path, Kind.FILE, size, executable, None, self)

    def _sparse_file(self, block: bytes, raw: bytes, path: bytes, size: int, executable: bool) -> Member:
        typeflag = block[156]
        if (
            raw.endswith(b"/")
            or not path
            or (typeflag not in _REGULAR if self._sparse else block[257:263] != _GNU)
        ):
            raise _ambiguous(path, "is a sparse file by one sign and something else by another")
        taken = 0
        if self._sparse:
            layout, taken = pax_map(self._sparse, self._take, size, path, self._limits)
        else:
            layout = old_map(block, self._take, size, path, self._limits)
        self._tree.add_file(path, layout.size, executable)
        self._read += layout.size - (size - taken)
        self._check_expansion()
        self._left, self._padding = size - taken, -size % BLOCK
        return Member(path, Kind.FILE, layout.size, executable, None, SparseContent(layout, self._chunks))

    def _other(
        self, block: bytes, typeflag: int, raw: bytes, path: bytes, size: int, executable: bool
    ) -> Member | None:
        if self._limits.special_files and typeflag in _SPECIAL_FILES and not size:
            return self._special_file(path, executable)
        if typeflag not in b"0\x00125":
            what = _SPECIAL.get(typeflag, f"of the unknown type {chr(typeflag)!r}")
            raise PackageError(
                "package.member.type",
                path,
                f"This member is {what}. Only files, directories and links can be archived: leave it out.",
            )
        if size:
            raise PackageError(
                "package.member.size",
                path,
                "This directory or link declares content, which tar programs read in different ways. "
                "Make the package again with a current tar.",
            )
        if typeflag == _DIRECTORY or typeflag == 0:
            if not path:
                return None
            self._tree.add_directory(path)
            return Member(path, Kind.DIRECTORY)
        if not path or typeflag not in (_SYMLINK, _HARDLINK):
            raise _ambiguous(path, "is a file or link by its type and a directory by its name")
        return self._link(block, typeflag, path, executable)

    def _special_file(self, path: bytes, executable: bool) -> Member:
        member = self._file(path, 0, executable)
        self._tree.warnings.tell("package.warning.special", path, SPECIAL_FILE)
        return member

    def _link(self, block: bytes, typeflag: int, path: bytes, executable: bool) -> Member:
        target = self._name(block, text(block[157:257]), 1)
        if typeflag == _SYMLINK:
            self._tree.add_symlink(path, target)
            return Member(path, Kind.SYMLINK, target=target)
        kind, target = self._tree.add_hardlink(path, clean_path(target, self._limits), executable)
        return Member(path, kind, target=target)

    def _name(self, block: bytes, short: bytes, which: int) -> bytes:
        """A path (``which`` 0) or link target (1): from the pax header, the GNU long name, or the block itself."""
        name = short
        magic = block[257:263]
        if which == 0 and block[345] and magic == _POSIX:
            name = text(block[345:500]) + b"/" + short
        elif which == 0 and block[345] and magic != _POSIX:
            raise _ambiguous(short, "has bytes where only some formats have a name")
        if self._long or self._pax:
            from_pax = self._pax.get((b"path", b"linkpath")[which])
            if self._sparse and which == 0:
                from_pax = sparse_name(self._sparse, from_pax)
            from_gnu = self._long.get(which)
            if from_pax is not None and from_gnu is not None and from_pax != from_gnu:
                raise _ambiguous(short, "has two different extended names")
            name = from_pax or from_gnu or name
            if from_pax and is_utf8(from_pax):
                return from_pax  # pax names are UTF-8 unless they cannot be
        return self._tree.names.stored(name)

    def _size(self, block: bytes, path: bytes) -> int:
        try:
            size = number(block[124:136])
            stated = self._pax.get(b"size")
            if stated is None:
                return self._as_star_says(size, path)
            if not stated.isdigit() or len(stated) > 20:
                raise FieldError("a size that is not a number")
        except ValueError:
            raise _damaged(path, "has an unreadable size") from None
        larger = int(stated)
        if larger != size and larger <= _LARGEST_OCTAL:
            raise _ambiguous(path, "states two different sizes")
        return self._as_star_says(larger, path)

    def _as_star_says(self, size: int, path: bytes) -> int:
        """libarchive believes the size that star records beside the usual one; others do not know it."""
        if self._pax.get(b"SCHILY.realsize", b"%d" % size) != b"%d" % size:
            raise _ambiguous(path, "states two different sizes")
        return size

    def _extend(self, block: bytes, typeflag: int) -> None:
        """Read a header that speaks of the next member (pax ``x``, GNU ``L`` and ``K``) or of all (pax ``g``)."""
        try:
            size = number(block[124:136])
        except ValueError:
            raise _damaged("", "has an unreadable size") from None
        if size > self._limits.header:
            raise PackageError(
                "package.limit.header",
                "",
                f"An extended tar header has {size} bytes; at most {self._limits.header} are accepted. "
                "Pack without extended attributes.",
            )
        body = self._take(size)
        padding = self._take(-size % BLOCK)
        if typeflag == _GLOBAL:
            self._extend_all(body)
            return
        if typeflag in self._extended:
            raise _stray("Two extended headers of one kind speak of the same member")
        self._extended.add(typeflag)
        if typeflag in b"LK":
            self._long[b"LK".index(typeflag)] = long_text(body, padding)
        else:
            self._extend_next(body)

    def _extend_next(self, body: bytes) -> None:
        records = pax_records(body)
        self._pax = dict(records)
        self._sparse = sparse_records(records)
        for keyword in (b"path", b"linkpath", b"size"):
            if self._pax.get(keyword) == b"":
                raise _stray(f"A pax header has an empty {keyword.decode()}")

    def _extend_all(self, body: bytes) -> None:
        """A global header may say what it likes, except on what makes a member, and not amidst a member's headers."""
        if self._extended:
            raise _stray("A global pax header stands between a member and the header that extends it")
        for keyword, _ in pax_records(body):
            if keyword in (b"path", b"linkpath", b"size") or keyword.startswith(b"GNU.sparse."):
                raise _stray("A global pax header sets a name or size for all members")

    # --- bytes

    def _take(self, size: int) -> bytes:
        position = self._position
        end = position + size
        if end <= len(self._buffer):
            self._position = end
            return self._buffer[position:end]
        parts = [self._buffer[position:]]
        missing = end - len(self._buffer)
        while missing > 0:
            self._fill()
            parts.append(self._buffer[:missing])
            self._position = len(parts[-1])
            missing -= len(parts[-1])
        return b"".join(parts)

    def _skip(self, size: int) -> None:
        position = self._position + size
        while position > len(self._buffer):
            position -= len(self._buffer)
            self._fill()
        self._position = position

    def _fill(self) -> None:
        """Go on to the next block of the archive, which must exist."""
        if not self._advance():
            raise truncated()

    def _advance(self) -> bool:
        block = next(self._blocks, None)
        if block is None:
            return False
        self._buffer = block
        self._position = 0
        self._read += len(block)
        self._check_expansion()
        return True

    def _check_expansion(self) -> None:
        if self._read > self._allowance + _FREE_PER_MEMBER * self._tree.members:
            raise expands_too_far(self._limits)

    def _end_without_mark(self) -> None:
        """The blocks end where a header may stand: all the same the whole archive, if its compression says so."""
        if self._extended or not self._tree.members or not self._proven():
            raise truncated()
        self._tree.warnings.tell(
            "package.warning.end",
            "",
            "The tar archive has no end mark. Its compression is whole, so it is taken as it is; see that nothing is "
            "missing.",
        )

    def _end(self) -> None:
        """After the end-of-archive block only zeros may follow; they are read, so that every checksum is checked."""
        if self._extended:
            raise _stray("The last header speaks of a member that is missing")
        rest = self._buffer[self._position :]
        while not rest.strip(b"\0"):
            if not self._advance():
                return
            rest = self._buffer
        raise PackageError(
            "package.trailing",
            "",
            "Other data follows the end of the tar archive. Send one archive with nothing after it "
            "(archives that were joined with cat must be packed again; GNU tar joins them with -A).",
        )


def _damaged(path: bytes | str, what: str) -> PackageError:
    return PackageError(
        "package.tar.header",
        path,
        f"A header of the tar archive {what}. Make the package again and send it anew.",
    )


def _ambiguous(path: bytes, what: str) -> PackageError:
    return PackageError(
        "package.tar.ambiguous",
        path,
        f"The header of this member {what}, so that two programs would unpack two different things. "
        "Make the package again with a current tar.",
    )


def _stray(what: str) -> PackageError:
    return PackageError("package.tar.extended", "", f"{what}. Make the package again with a current tar.")
