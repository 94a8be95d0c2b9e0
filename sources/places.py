"""What a place (a folder, a bucket) offers to the code that takes items in from it."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from deposit.staging.interface import ObjectSource


class Gone(Exception):
    """The original is not there any more."""


class Changed(Exception):
    """The original is another one than was seen; the new one is an item of its own."""


class NotTakeable(Exception):
    """The original can't be taken in, until somebody changes it. ``code`` is that of a finding."""

    def __init__(self, code: str, subject: str, message: str) -> None:
        super().__init__(message)
        self.code, self.subject, self.message = code, subject, message


class NotYet(Exception):
    """The original cannot be read now, and will be later (a restore from Glacier, a lock)."""

    def __init__(self, reason: str, after_seconds: float) -> None:
        super().__init__(reason)
        self.after_seconds = after_seconds


@dataclass(frozen=True, kw_only=True, slots=True)
class Sighting:
    """Something that is complete. ``size`` in bytes; ``version`` tells it from others under the same key."""

    key: str
    version: str
    size: int
    is_directory: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Original:
    """Where an original lies: its key, the version that was seen, and the item's short id."""

    key: str
    version: str
    short_id: str
    is_directory: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Read:
    """What an original was read as: the package's file name, media type and packaging."""

    name: str
    content_type: str
    packaging: str = ""


class Sink(Protocol):
    """Where the bytes of an original go."""

    def write(self, chunk: bytes) -> None: ...


@runtime_checkable
class CopyingSink(Protocol):
    """A sink that may have an object copied within its own service; its bytes are written to be hashed then."""

    def take_copy(self, source: ObjectSource) -> bool: ...


class Place(Protocol):
    """A folder or bucket. All but the reports may raise `OSError` or the place's own errors, which pass."""

    def read(self, original: Original, sink: Sink) -> Read:
        """Write the package to ``sink``. Raises `Gone`, `Changed`, `NotTakeable`, `NotYet`."""

    def put_report(self, name: str, data: bytes) -> None:
        """Write a report whole, in the place of an earlier one of this name."""

    def drop_report(self, name: str) -> None:
        """Remove a report; none there is no error."""

    def delete(self, original: Original) -> None:
        """Remove the original if it is still what was seen. Raises `Gone`, `Changed`."""

    def move(self, original: Original, target: str) -> str:
        """Move the original into a folder and answer with its new name. Raises `Gone`, `Changed`."""

    def mark(self, original: Original, tags: dict[str, str]) -> None:
        """Write on the original what became of it, where the place has room for that."""
