"""What is in packages, as the readers tell it: the directory that they make, and small files."""

from collections.abc import Callable, Collection, Sequence
from hashlib import sha1
from pathlib import Path
from types import TracebackType
from typing import Self

from archive.tree import Tree
from packages.listing import Entry
from packages.members import Kind

_CHUNK = 1024 * 1024
# So many identifiers are compared at once with those that must not come back; so many finds are told.
_COMPARED = 1000
_MOST_FOUND = 20


class Listing:
    """The members of a deposit's packages, each package laid over those before it; memory stays bounded.

    ``wanted`` are patterns of paths (`packages.listing.Sender`): what matches and is small stands in ``contents``
    afterwards, by path. ``tops`` are names at the top: one where a single folder holds everything, else two.
    ``among`` tells which of some identifiers (20 bytes) must not be archived; the paths of the first members that are
    such stand in ``refused`` once `root` was asked for.
    """

    def __init__(
        self,
        wanted: Sequence[str] = (),
        *,
        among: Callable[[Collection[bytes]], Collection[bytes]] | None = None,
    ) -> None:
        self.wanted = wanted
        self.refused: list[bytes] = []
        self._among = among
        self._to_compare: list[tuple[bytes, bytes]] = []
        self.contents: dict[bytes, bytes] = {}
        self.tops: set[bytes] = set()
        self._tree = Tree()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._tree.close()

    def take(self, entries: list[Entry]) -> None:
        """Take some members of the package that is being read."""
        for entry in entries:
            if len(self.tops) < 2:
                self.tops.add(entry.path.partition(b"/")[0])
            if entry.kind is Kind.FILE:
                self._tree.add_file(entry.path, entry.blob, executable=entry.executable)
            elif entry.kind is Kind.DIRECTORY:
                self._tree.add_directory(entry.path)
            elif entry.kind is Kind.SYMLINK:
                self._tree.add_symlink(entry.path, entry.blob)
            else:
                self._tree.add_hardlink(entry.path, entry.target or b"")
            if entry.blob:
                self._compare(entry.path, entry.blob)
            if entry.content is not None:
                self.contents[entry.path] = entry.content

    def end_of_package(self) -> None:
        """The package was read to its end: links mean the files of their own package."""
        self._tree.resolve_links()

    def add_file(self, name: str, path: Path, *, alive: Callable[[], None]) -> None:
        """Take a package that is the content itself: one file in the root. Raises what ``alive`` does."""
        digest = sha1(b"blob %d\0" % path.stat().st_size, usedforsecurity=False)
        with path.open("rb", buffering=0) as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
                alive()
        self.tops.add(name.encode())
        self._tree.add_file(name.encode(), digest.digest())
        self._compare(name.encode(), digest.digest())

    def root(self) -> bytes:
        """The identifier of the directory that all packages make (20 bytes, as git computes it).

        Raises `archive.errors.PathConflict` when a later package has a file where an earlier one has a directory.
        """
        root = b""
        for identifier, _ in self._tree.directories():
            self._compare(b"", identifier)
            root = identifier
        self._compare_now()
        return root

    def _compare(self, path: bytes, identifier: bytes) -> None:
        """Look later whether this must not be archived; a directory comes without its path."""
        if self._among is None or len(self.refused) >= _MOST_FOUND:
            return
        self._to_compare.append((path, identifier))
        if len(self._to_compare) >= _COMPARED:
            self._compare_now()

    def _compare_now(self) -> None:
        waiting, self._to_compare = self._to_compare, []
        if self._among is not None and waiting:
            found = self._among({identifier for _, identifier in waiting})
            self.refused += [path for path, identifier in waiting if identifier in found]
