"""One member of a package, as the readers hand it out."""

from collections.abc import Callable, Iterator
from enum import Enum
from typing import Protocol


class Kind(Enum):
    """What a member is. Everything else a package may hold is refused."""

    FILE = "file"
    DIRECTORY = "directory"
    SYMLINK = "symlink"
    HARDLINK = "hardlink"


_GONE = "the content of a member can be read once, and only until the next member is asked for"


class Content(Protocol):
    """Where the bytes of the current member come from: the reader."""

    def read_content(self) -> bytes: ...
    def content_chunks(self) -> Iterator[bytes]: ...


class _Observed:
    """Content that somebody else sees as it is read."""

    def __init__(self, content: Content, seen: Callable[[bytes], None]) -> None:
        self._content = content
        self._seen = seen

    def read_content(self) -> bytes:
        data = self._content.read_content()
        self._seen(data)
        return data

    def content_chunks(self) -> Iterator[bytes]:
        for chunk in self._content.content_chunks():
            self._seen(chunk)
            yield chunk


class Member:
    """One member; its content can be read once, and only until the next member is asked for.

    ``path`` is relative and normalised: no leading ``./``, no trailing ``/``, no ``..``, never empty. ``size`` is the
    exact length of a file's content in bytes (0 for all others). ``target`` is, for a symbolic link, what it says,
    unchanged; for a hard link the path of an earlier file; else None.
    """

    __slots__ = ("_content", "_current", "executable", "kind", "path", "size", "target")

    def __init__(
        self,
        path: bytes,
        kind: Kind,
        size: int = 0,
        executable: bool = False,
        target: bytes | None = None,
        content: Content | None = None,
    ) -> None:
        self.path = path
        self.kind = kind
        self.size = size
        self.executable = executable
        self.target = target
        self._content = content
        self._current = True

    def read(self) -> bytes:
        """The whole content, in memory: for members of moderate ``size`` only."""
        content = self._content
        if content is None:
            self._take()
            return b""
        self._content = None
        return content.read_content()

    def chunks(self) -> Iterator[bytes]:
        """The content in pieces of at most 1 MiB."""
        content = self._take()
        if content is not None:
            for chunk in content.content_chunks():
                yield chunk
                if not self._current:
                    raise RuntimeError(_GONE)

    def observe(self, seen: Callable[[bytes], None]) -> None:
        """Let ``seen`` have every piece of the content as it is read, by whomever."""
        if self._content is not None:
            self._content = _Observed(self._content, seen)

    def _take(self) -> Content | None:
        content, self._content = self._content, None
        if content is None and self.size:
            raise RuntimeError(_GONE)
        return content

    def expire(self) -> None:
        """Called by the reader when it moves on: from now on the content is out of reach."""
        self._content = None
        self._current = False

    def __repr__(self) -> str:
        return f"Member({self.path!r}, {self.kind.name}, {self.size})"
