"""What people are told when the archive cannot do what they ask."""

from archive.errors import ArchiveError
from deposit.refusals import Kind, Refusal


def unreadable(error: ArchiveError) -> Refusal:
    """The archive cannot read something now: it is damaged, its storage is away, or much else is read."""
    return Refusal(
        Kind.UNAVAILABLE,
        error.code,
        "The archive cannot read this object now.",
        "The operators can see why; try again later.",
    )
