"""The one door through which a package is opened: its format is decided by its bytes, never by its name."""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import Self

from packages.ahead import Ahead
from packages.compression import CODECS, Streams
from packages.errors import PackageError
from packages.files import PackageFile
from packages.limits import Limits
from packages.members import Member
from packages.other_formats import not_a_package
from packages.repeats import Repeats
from packages.tar_headers import BLOCK, ZERO_BLOCK, is_header
from packages.tar_reader import TarReader
from packages.top_folder import TopFolder
from packages.tree import Tree
from packages.warnings import PackageWarning, Warnings
from packages.zip_directory import END_MAGIC, LOCAL_MAGIC
from packages.zip_reader import ZipReader

_ARCHIVE_NAMES = (
    b".zip",
    b".tar",
    b".tar.gz",
    b".tgz",
    b".xz",
    b".bz2",
    b".tbz2",
    b".txz",
    b".z",
    b".7z",
    b".tar.zst",
)


class Package:
    """An opened package: a context manager, and an iterable of its members that can be gone through once.

    Going through it to the end proves the whole file, whether or not the members are read: every byte accounted for,
    every checksum verified, every rule of the policy table kept. Raises PackageError at the first fault.
    """

    def __init__(self, path: Path, limits: Limits, *, ahead: bool) -> None:
        self._file = PackageFile(path)
        self._limits = limits
        self._ahead: Ahead | None = None
        self._tree = Tree(limits)
        self._begun = False
        try:
            self.format, self._reader = self._recognise(self._tree, ahead=ahead)
        except BaseException:
            self._close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def _close(self) -> None:
        if self._ahead is not None:
            self._ahead.close()
        self._file.close()

    def __iter__(self) -> Iterator[Member]:
        if self._begun:
            raise RuntimeError("a package can be gone through once; open it again")
        self._begun = True
        last = b""
        repeats = Repeats()
        top = TopFolder() if self._limits.strip_top_folder else None
        for member in self._reader:
            if self._tree.again:
                self._tree.again = False
                self._repeated(member, repeats)
                continue
            last = member.path
            shown = top.without(member) if top else member
            if shown is not None:
                yield shown
        self._tree.close()
        check_not_nested(self._tree.members, last)
        if repeats.need_second_pass:
            repeats.compare(self._recognise(Tree(self._limits), ahead=False)[1])

    @property
    def noted(self) -> Warnings:
        """Where others note what they see on the way (see contents.py)."""
        return self._tree.warnings

    @property
    def warnings(self) -> list[PackageWarning]:
        """What the depositor should know of a package that is accepted; complete when it was gone through."""
        return self._tree.warnings.all()

    def _repeated(self, member: Member, repeats: Repeats) -> None:
        """A path that came before is not handed out again, if it is the same again."""
        repeats.note(member, self._tree.first)
        self._tree.warnings.tell(
            "package.warning.repeated",
            member.path,
            "This path comes more than once in the package, with the same content; it is archived once.",
        )

    def _recognise(self, tree: Tree, *, ahead: bool) -> tuple[str, TarReader | ZipReader]:
        file = self._file
        if not file.size:
            raise PackageError("package.empty", "", "The package has no bytes. Send the archive itself.")
        start = file.read(0, min(BLOCK, file.size))
        codec = next((codec for codec in CODECS if codec.starts(start)), None)
        zipped = start.startswith((LOCAL_MAGIC, END_MAGIC))
        if is_header(start) and (zipped or codec):
            raise PackageError(
                "package.polyglot",
                "",
                "The file can be read as two kinds of archive. Make the package again and send it anew.",
            )
        if zipped:
            return "zip", ZipReader(file, tree, self._limits)
        blocks = file.blocks(0, file.size)
        if codec is None:
            if start.startswith(ZERO_BLOCK) or is_header(start):
                return "tar", TarReader(blocks, tree, self._limits, file.size)
            raise not_a_package(start)
        streams = Streams(blocks, codec, self._limits)
        expanded = iter(streams)
        if ahead:
            self._ahead = expanded = Ahead(expanded)
        reader = TarReader(_checked(expanded), tree, self._limits, file.size, lambda: streams.are_proven)
        return f"tar.{codec.name}", reader


def open_package(path: Path, limits: Limits | None = None, *, ahead: bool = False) -> Package:
    """Open the package at ``path``, a regular file whose name is of no account.

    ``ahead``: a thread decompresses while members are used, where the format allows it.
    Raises PackageError if it is no package, OSError if it cannot be read.
    """
    return Package(path, limits or Limits(), ahead=ahead)


def is_archive_name(name: bytes) -> bool:
    """Whether a file is an archive by its name."""
    return name.lower().endswith(_ARCHIVE_NAMES)


def check_not_nested(members: int, path: bytes) -> None:
    """Refuse a package whose only member is itself an archive (swh-deposit's rule)."""
    if members == 1 and is_archive_name(path):
        raise PackageError(
            "package.nested",
            path,
            "The package holds one archive and nothing else. Send that archive itself, or its files.",
        )


def _checked(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """The expanded blocks, once it is sure that they begin as a tar archive does."""
    start = next(blocks, b"")
    while len(start) < BLOCK and (more := next(blocks, b"")):
        start += more
    if not start:
        raise PackageError(
            "package.empty", "", "The package is compressed nothing. Send one that has files in it."
        )
    if any(other.starts(start) for other in CODECS):
        raise PackageError(
            "package.compression",
            "",
            "The package is compressed more than once. Compress the tar archive once.",
        )
    if not start.startswith(ZERO_BLOCK) and not is_header(start[:BLOCK]):
        raise not_a_package(start)
    return chain((start,), blocks)
