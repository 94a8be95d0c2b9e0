"""What the rules see of a package, and what they find."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

# What operating systems leave in archives unasked; nobody means to deposit it, and no rule counts it.
_LITTER_FOLDERS = ("__MACOSX/",)
_LITTER_NAMES = (".DS_Store", "Thumbs.db", "desktop.ini")

# A larger CSV or JSON file is not read: a refusal, never a surprise for the memory. In bytes.
MAX_SMALL_FILE = 8 * 1024 * 1024


class Severity(StrEnum):
    """Whether a finding keeps the package from being accepted."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One thing that is wrong. ``subject`` is a path in the package, "" for the whole of it."""

    code: str
    subject: str
    message: str
    severity: Severity = Severity.ERROR


@dataclass(frozen=True, kw_only=True)
class Contents:
    """A package as the rules see it.

    ``files`` maps the path of each file to its size in bytes; ``folders`` are the paths of folders, without a slash at
    the end; ``small`` holds the content of the files that `is_read` names; ``digests`` holds hexadecimal digests by
    algorithm and path, of the files for which the rules asked.
    """

    files: Mapping[str, int]
    folders: frozenset[str] = frozenset()
    small: Mapping[str, bytes] = field(default_factory=dict)
    digests: Mapping[tuple[str, str], str] = field(default_factory=dict)

    def counted(self) -> Iterator[str]:
        """The paths of all files that somebody meant to be there."""
        return (path for path in self.files if not is_litter(path))


def is_litter(path: str) -> bool:
    """Whether an operating system put the file there for itself."""
    return path.startswith(_LITTER_FOLDERS) or path.rpartition("/")[2] in _LITTER_NAMES


def is_read(path: str) -> bool:
    """Whether the rules of any profile look into a file of this path."""
    return path.startswith("metadata/") and path.lower().endswith(
        (".csv", ".json", ".md5", ".sha1", ".sha256", ".sha512", ".xml")
    )
