"""A package's members on their way to becoming directories.

Members are kept as small byte records and sorted (on disk when they are many), so that a million of them cost a
bounded amount of memory; directories are then built bottom-up in one pass.
"""

import bisect
from collections.abc import Iterator
from io import BytesIO

from archive.errors import InvalidPath, PathConflict
from archive.identifiers import ObjectType, object_id
from archive.objects import DIRECTORY, EXECUTABLE, FILE, SYMLINK, directory_line
from archive.sorting import SortedRecords

_MODES = (DIRECTORY, FILE, EXECUTABLE, SYMLINK)
_CODES = {mode: bytes([code]) for code, mode in enumerate(_MODES)}
_END = b"\0\0"
_SUFFIX = len(_END) + 6 + 1 + 20
_NO_TARGET = bytes(20)


class _Open:
    """A directory whose entries are still coming, in the order of their names.

    Git sorts a directory as if its name ended in a slash, so that ``a.b`` comes before the directory ``a``: such a
    directory waits until all names before its own in git's order have come. Everything else goes straight into the
    manifest, because a directory may have a million entries.
    """

    __slots__ = ("_delayed", "_manifest", "name")

    def __init__(self, name: bytes) -> None:
        self.name = name
        # Its value comes out without a copy, which counts when a directory has a million entries.
        self._manifest = BytesIO()
        self._delayed: list[tuple[bytes, bytes]] = []

    def add(self, mode: int, name: bytes, target: bytes) -> None:
        """Add an entry; its name comes after all names added before."""
        while self._delayed and self._delayed[0][0] < name:
            self._manifest.write(self._delayed.pop(0)[1])
        line = directory_line(mode, name, target)
        if mode == DIRECTORY:
            bisect.insort(self._delayed, (name + b"/", line))
        else:
            self._manifest.write(line)

    def close(self) -> tuple[bytes, bytes]:
        """The identifier and the manifest."""
        for _, line in self._delayed:
            self._manifest.write(line)
        manifest = self._manifest.getvalue()
        self._manifest.close()
        return object_id(ObjectType.DIRECTORY, manifest), manifest


class Tree:
    """The paths of one package, each with what it points at.

    Paths are relative, separated by slashes, any bytes but NUL. Directories above a path need not be added; an
    empty one is kept. A later entry of the same path wins.
    """

    def __init__(self) -> None:
        # A record is the path with NUL for the slash, two NULs, the number of the entry, its mode and its target.
        # In byte order everything below a directory then follows it at once, and a later entry its earlier ones.
        self._records = SortedRecords()
        self._links: dict[bytes, bytes] = {}

    def add_file(self, path: bytes, target: bytes, *, executable: bool = False) -> None:
        """Add a file; ``target`` is its content's identifier, 20 bytes."""
        self._add(path, EXECUTABLE if executable else FILE, target)

    def add_symlink(self, path: bytes, target: bytes) -> None:
        """Add a symbolic link; ``target`` is the identifier of the content that holds where it points."""
        self._add(path, SYMLINK, target)

    def add_directory(self, path: bytes) -> None:
        """Add a directory, so that it is kept even when it is empty."""
        self._add(path, DIRECTORY, _NO_TARGET)

    def add_hardlink(self, path: bytes, target: bytes) -> None:
        """Add another name for a file of this tree, which has been added under the path ``target``."""
        _check(path)
        self._links[path] = target

    def resolve_links(self) -> None:
        """Add hard links as the files that they name so far. Raises InvalidPath when one names no file."""
        links, self._links = self._links, {}
        if not links:
            return
        names: dict[bytes, list[bytes]] = {}
        for path in links:
            target = links[path]
            for _ in range(len(links)):
                if target not in links:
                    break
                target = links[target]
            names.setdefault(target, []).append(path)
        files = [
            (path, mode, target)
            for parts, mode, target in self._entries()
            if mode != DIRECTORY
            for path in names.pop(b"/".join(parts), ())
        ]
        if names:
            raise InvalidPath(f"A hard link names {min(names)!r}, which is no file of the package.")
        for file in files:
            self._add(*file)

    def _add(self, path: bytes, mode: int, target: bytes) -> None:
        _check(path)
        number = self._records.count.to_bytes(6, "big")
        self._records.append(path.replace(b"/", b"\0") + _END + number + _CODES[mode] + target)

    def _entries(self) -> Iterator[tuple[list[bytes], int, bytes]]:
        """Each path once, as its parts, in order; where a path was added twice, the last."""
        last: tuple[bytes, int, bytes] | None = None
        for record in self._records:
            current = record[:-_SUFFIX], _MODES[record[-21]], record[-20:]
            if last is not None and last[0] != current[0]:
                yield last[0].split(b"\0"), last[1], last[2]
            elif last is not None and DIRECTORY in (last[1], current[1]) and last[1] != current[1]:
                raise _conflict(last[0].split(b"\0"))
            last = current
        if last is not None:
            yield last[0].split(b"\0"), last[1], last[2]

    def directories(self) -> Iterator[tuple[bytes, bytes]]:
        """(identifier, manifest) of every directory, each after all below it; the last one is the root.

        Raises PathConflict when a path is used both as a file and as a directory.
        """
        self.resolve_links()
        stack = [_Open(b"")]
        file: list[bytes] | None = None
        for parts, mode, target in self._entries():
            if file is not None and parts[: len(file)] == file:
                raise _conflict(file)
            parents = parts if mode == DIRECTORY else parts[:-1]
            while [level.name for level in stack[1:]] != parents[: len(stack) - 1]:
                yield _close(stack)
            stack.extend(_Open(name) for name in parents[len(stack) - 1 :])
            file = None
            if mode != DIRECTORY:
                stack[-1].add(mode, parts[-1], target)
                file = parts
        while len(stack) > 1:
            yield _close(stack)
        yield stack[0].close()

    def close(self) -> None:
        """Free the memory and the disk behind the records."""
        self._records.close()


def _check(path: bytes) -> None:
    slashed = b"/" + path + b"/"
    if b"\0" in path or b"//" in slashed or b"/./" in slashed or b"/../" in slashed:
        raise InvalidPath(
            f"{path!r} cannot be archived: a path must be relative, without empty parts, '.', '..' or NUL."
        )


def _close(stack: list[_Open]) -> tuple[bytes, bytes]:
    level = stack.pop()
    identifier, manifest = level.close()
    stack[-1].add(DIRECTORY, level.name, identifier)
    return identifier, manifest


def _conflict(parts: list[bytes]) -> PathConflict:
    path = b"/".join(parts)
    return PathConflict(
        f"{path!r} is both a file and a directory; a package may use a path for one of them only."
    )
