"""The refusals, and one warning, that more than one reader has reason for."""

from packages.errors import PackageError
from packages.limits import Limits

SPECIAL_FILE = (
    "This is a device, a FIFO or a socket; it is archived as an empty file, as this collection allows."
)


def truncated(subject: bytes = b"") -> PackageError:
    """The package is shorter than it says."""
    return PackageError(
        "package.truncated",
        subject,
        "The package ends too early: a part of it is missing. Make it again and send it whole.",
    )


def trailing() -> PackageError:
    """The package is longer than it says."""
    return PackageError(
        "package.trailing",
        "",
        "Other data follows the end of the package. Send one archive, with nothing before or after it.",
    )


def bad_checksum(subject: bytes) -> PackageError:
    """The content is not what its checksum says."""
    return PackageError(
        "package.checksum",
        subject,
        "The content does not match its checksum: the package was damaged. Make it again and send it anew.",
    )


def wrong_length(subject: bytes) -> PackageError:
    """The content of a member does not have the length that the package states."""
    return PackageError(
        "package.corrupt",
        subject,
        "The compressed data does not have the length that the package states. Make the package again.",
    )


def expands_too_far(limits: Limits) -> PackageError:
    """The package is a bomb, or looks like one."""
    return PackageError(
        "package.limit.ratio",
        "",
        f"The package expands to more than {limits.ratio} times its own size. If the content is genuine "
        "(long runs of one value), ask the archive to raise the limit, or pack it uncompressed.",
    )


def unusable_target(path: bytes, length: int, limits: Limits) -> PackageError:
    """A symbolic link has no target, or one that no system could follow."""
    return PackageError(
        "package.member.symlink",
        path,
        f"This symbolic link has a target of {length} bytes; 1 to {limits.path} are accepted. Remove the link.",
    )


def too_much_memory(subject: bytes) -> PackageError:
    """A window or dictionary that is larger than may be."""
    return PackageError(
        "package.limit.memory",
        subject,
        "Decoding this data needs more memory than is allowed here. Compress it with a smaller window "
        "(xz -9 and zstd -19 are fine, zstd --long=31 is not).",
    )
