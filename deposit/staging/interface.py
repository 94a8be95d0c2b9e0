"""What a staging area offers, whether it is a folder or a bucket; `deposit.staging.storage` says which it is."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

from deposit.staging.files import StagedFile

if TYPE_CHECKING:
    from deposit.models import Upload


class StagingAway(OSError):
    """The staging area cannot be reached, or refuses; it may be well again later."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ObjectSource:
    """Where bytes that are about to come lie: one state of an object of an S3 service.

    ``endpoint``: scheme, host and port of its address, "" for Amazon's; ``etag`` without quotes; ``size`` in bytes.
    """

    endpoint: str
    bucket: str
    key: str
    etag: str
    size: int
    version_id: str | None = None


class Leftover(NamedTuple):
    """What an upload that stopped has left: what people call it, and how it is removed (whether it was there)."""

    subject: str
    remove: Callable[[], bool]


class Incoming(Protocol):
    """A package while it arrives. ``write`` the chunks, then ``finish``; anything else ends in ``discard``."""

    size: int
    finished: bool

    def take_copy(self, source: ObjectSource) -> bool:
        """Copy an object within its service, where that can be; its bytes are then written only to be hashed."""

    def write(self, chunk: bytes) -> None:
        """Append a chunk; raises `Refusal` when the package grows past its limit."""

    def finish(self) -> StagedFile:
        """Make it durable, and then visible under its name."""

    def close(self) -> None:
        """Let go of it; it stays where it is."""

    def discard(self) -> None:
        """Leave nothing behind."""


class Region(Protocol):
    """One segment of an upload while its bytes arrive: written in order, hashed in the same pass."""

    @property
    def missing(self) -> int:
        """How many bytes are still to come."""

    @property
    def sha256(self) -> str:
        """Of the bytes so far, in hex."""

    def write(self, chunk: bytes) -> None:
        """Put a chunk after the one before. Raises `Sealed`; ``ValueError`` past the end of the region."""

    def sync(self) -> None:
        """Make the bytes durable. Raises `Sealed`."""

    def close(self) -> None:
        """Let go of it."""


class Staging(Protocol):
    """Staged files by their names (``Part.stored_as``). What is not there is a `FileNotFoundError`.

    A name stands for bytes that never change. All may raise `StagingAway`.
    """

    @property
    def endpoint(self) -> str | None:
        """Of the S3 service that it is in (scheme, host and port; "" for Amazon's); None for a folder."""

    def incoming(self, *, limit: int, with_md5: bool, client: int, promised: int) -> Incoming:
        """A package that is about to come. Raises `Refusal` when there is no room."""

    def refuses_uploads(self, length: int) -> bool:
        """Whether uploads of ``length`` bytes are answered 507."""

    def where(self, stored_as: str) -> str:
        """What people call the place of a file."""

    def size(self, stored_as: str) -> int:
        """The length of a file, in bytes."""

    def path(self, stored_as: str) -> Path | None:
        """The file itself, where it lies in a folder of this machine."""

    def local(self, stored_as: str, alive: Callable[[], None]) -> AbstractContextManager[Path]:
        """A file of this machine with these bytes, for the block; ``alive`` is called while they are fetched."""

    def chunks(self, stored_as: str, start: int, stop: int | None) -> Iterator[bytes]:
        """The bytes from ``start`` up to ``stop`` (the end)."""

    def put(self, stored_as: str, path: Path) -> None:
        """Store a copy of a file under a name that is free, durably."""

    def remove(self, stored_as: str) -> None:
        """Remove a file; none there is no error."""

    def erase(self, stored_as: str) -> None:
        """Remove a file, and copies of it in the trash and on this machine; twice does no harm."""

    def new_name(self) -> str:
        """A name for an upload in segments."""

    def reserve(self, upload: "Upload") -> str:
        """Prepare for the segments of an upload; what `Upload.reservation` is to keep. Raises `Refusal`."""

    def region(self, upload: "Upload", number: int, *, offset: int, size: int) -> Region:
        """Where a segment goes. Raises `Sealed` when the upload takes no more, `Refusal` when there is no room."""

    def segment_recorded(self, upload: "Upload") -> None:
        """The row of a segment was committed: what can be put together may be."""

    def seal(self, upload: "Upload") -> None:
        """All segments are there: they become one file, and nothing changes it any more. Twice is no error."""

    def give_up(self, upload: "Upload") -> None:
        """Remove all that came of an upload; nothing there is no error."""

    def abandoned(self, age: timedelta) -> Iterator[Leftover]:
        """What uploads left to which nothing was written for ``age``."""

    def finished(self, age: timedelta) -> Iterator[str]:
        """The names of files that were finished, and are older than ``age``."""

    def set_aside(self, stored_as: str) -> str:
        """Move a file into the trash of today; what it is called there."""

    def put_back(self, aside: str, stored_as: str) -> None:
        """Move a file out of the trash, to its name."""

    def empty_trash(self, before: str) -> int:
        """Remove what was set aside on days before this one (YYYY-MM-DD); how many files."""
