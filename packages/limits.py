"""How large a package may be."""

from dataclasses import dataclass

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """Bounds on one package; sizes are in bytes.

    The defaults let the largest source trees and data sets pass (the Linux kernel has 80,000 files and 1.3 GB) and
    stop what only does harm.
    """

    members: int = 2_000_000
    """Members, directories that are only implied by a path included."""
    total: int = 200 * GIB
    """Content of all files together."""
    member: int = 100 * GIB
    """Content of one file."""
    ratio: int = 200
    """Expanded size / size of the package; counts only beyond ``ratio_floor``. Deflate ends at 1032, sources at 50."""
    ratio_floor: int = 1 * GIB
    """A package may always expand to this size: 3 s of work with the slowest codec."""
    path: int = 4096
    """One member's path, and a link's target."""
    component: int = 255
    """One name in a path (NAME_MAX of every common file system)."""
    depth: int = 256
    """Names in one path."""
    header: int = 1 * MIB
    """One extended header of a tar archive."""
    memory: int = 128 * MIB
    """Window or dictionary of a decompressor (`xz -9` and `zstd -19` stay below; `zstd --long=31` does not)."""
    seconds: int = 60
    """Processor time that checking may take, and one more for each MiB of the package."""
    links_outside: bool = False
    """Accept symbolic links with absolute targets or targets outside the package, as data."""
    special_files: bool = False
    """Take FIFOs and devices as empty files, as swh.model does, instead of refusing them."""
    source_only: bool = False
    """Warn of programs and build products."""
    top_folder: str = ""
    """What is preferred at the top: "one" folder, "none", or ""; a warning tells of others."""
    strip_top_folder: bool = False
    """Leave away the one folder in which everything lies; a package that has anything beside it is refused."""
    name_encoding: str = ""
    """What names that do not state an encoding are in (a name of Python's); "": they stay the bytes that they are."""
