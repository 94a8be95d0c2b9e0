"""What can go wrong in the archive; every error carries a stable code and a sentence for who can act on it."""

from collections.abc import Sequence
from datetime import datetime


class ArchiveError(Exception):
    """The root of all errors of this room; ``code`` is stable and never translated."""

    code = "archive.error"


class InvalidIdentifier(ArchiveError, ValueError):
    """Not a SWHID, or one of a kind that has no place here."""

    code = "archive.identifier"


class InvalidObject(ArchiveError, ValueError):
    """An object that no identifier can be computed for (a newline in a name, an alias to nothing)."""

    code = "archive.object"


class InvalidPath(ArchiveError, ValueError):
    """A member's path that has no place in a directory: empty, absolute, or with ``.``, ``..`` or a NUL."""

    code = "archive.path"


class PathConflict(ArchiveError, ValueError):
    """One path is both a file and a directory."""

    code = "archive.path-conflict"


class LengthMismatch(ArchiveError, ValueError):
    """A stream had more or fewer bytes than it was announced with."""

    code = "archive.length"


class Collision(ArchiveError):
    """Two contents with the same SHA-1 git identifier and different SHA-256: an attack, never an accident."""

    code = "archive.collision"


class NotFound(ArchiveError, LookupError):
    """The archive does not have this object."""

    code = "archive.not-found"


class ObjectErased(NotFound):
    """The archive had this object, and it was erased for good."""

    code = "archive.erased"

    def __init__(self, swhid: str, erased_at: datetime) -> None:
        super().__init__(f"{swhid} was erased on {erased_at:%Y-%m-%d}; the archive no longer has it.")
        self.swhid = swhid
        self.erased_at = erased_at


class ErasedContent(ArchiveError):
    """What is to be archived holds objects that were erased, and must not come back.

    ``swhids`` are those that were met first, as text; there may be more.
    """

    code = "archive.erased-content"

    def __init__(self, swhids: Sequence[str]) -> None:
        names = ", ".join(swhids[:20])
        more = f" and {len(swhids) - 20} more" if len(swhids) > 20 else ""
        super().__init__(
            f"Objects of this package were erased from the archive and cannot be archived again: {names}{more}."
        )
        self.swhids = tuple(swhids)


class Damaged(ArchiveError):
    """Bytes of a pack are not what was written; the message names the pack and the place."""

    code = "archive.damaged"


class Unreadable(ArchiveError):
    """A pack could not be read now (a fault of the storage); it says nothing about the bytes themselves."""

    code = "archive.unreadable"


class PackMissing(Unreadable):
    """The storage answers, and does not have this pack."""

    code = "archive.pack-missing"


class ErasedMeanwhile(Unreadable):
    """Objects were erased while a package was being archived; it must be looked through again, from its beginning."""

    code = "archive.erased-meanwhile"


class TooBusy(Unreadable):
    """Too much is read at once; a moment later it can be."""

    code = "archive.busy"
