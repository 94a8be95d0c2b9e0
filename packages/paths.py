"""Member paths: what is accepted, what is tidied, what is refused."""

import re

from packages.errors import PackageError
from packages.limits import Limits

_UNUSUAL = bytes((*range(0x20), 0x7F, 0x5C))
_UNUSUAL_START = (b"", b"/", b".")
_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")
_DRIVE = re.compile(rb"\A[A-Za-z]:(?:[/\\]|\Z)")


def clean_path(raw: bytes, limits: Limits) -> bytes:
    """The path as the tree has it: relative, without ``.`` and empty names; b"" stands for the root itself.

    Raises PackageError for a path that could name anything outside the package, or that common systems cannot store.
    """
    path = raw[2:] if raw.startswith(b"./") else raw
    if (
        path.translate(None, _UNUSUAL) != path
        or b"/." in path
        or b"//" in path
        or path[:1] in _UNUSUAL_START
        or path[1:2] == b":"
        or path.endswith(b"/")
    ):
        path = _tidy(path)
    if len(path) > min(limits.component, limits.path) or path.count(b"/") >= limits.depth:
        _check_lengths(path, limits)
    return path


def _tidy(raw: bytes) -> bytes:
    check_characters(raw, raw, "path")
    if raw.startswith(b"/") or _DRIVE.match(raw):
        raise PackageError(
            "package.member.path",
            raw,
            "This path is absolute. Paths in a package start at its root: pack the files with relative paths (tar: "
            "leave away -P, and name the folder with -C).",
        )
    names = [name for name in raw.split(b"/") if name not in (b"", b".")]
    if b".." in names:
        raise PackageError(
            "package.member.path",
            raw,
            "This path climbs with '..'. Pack the files from their common folder, so that no path needs '..'.",
        )
    if b"\\" in raw:
        check_backslashes(raw)
    return b"/".join(names)


def check_characters(text: bytes, subject: bytes, what: str) -> None:
    """Refuse control characters (NUL, newline, escape, ...) in a path or link target."""
    if _CONTROL.search(text):
        raise PackageError(
            "package.member.characters",
            subject,
            f"This member's {what} holds a control character (such as a line break). Rename it and pack again.",
        )


def check_backslashes(raw: bytes) -> None:
    """A backslash is a legal character in a Unix name; it is refused where another system would leave the tree."""
    as_separators = raw.replace(b"\\", b"/")
    if as_separators.startswith(b"/") or b".." in as_separators.split(b"/") or _DRIVE.match(raw):
        raise PackageError(
            "package.member.backslash",
            raw,
            "Read with backslashes as separators, this path leaves the package. Pack again with '/' as separator.",
        )


def _check_lengths(path: bytes, limits: Limits) -> None:
    if len(path) > limits.path:
        raise PackageError(
            "package.limit.path",
            path,
            f"This path is {len(path)} bytes long; at most {limits.path} are accepted. Shorten the names.",
        )
    names = path.split(b"/")
    if len(names) > limits.depth:
        raise PackageError(
            "package.limit.depth",
            path,
            f"This member lies {len(names)} levels deep; at most {limits.depth} are accepted. Flatten the folders.",
        )
    longest = max(map(len, names))
    if longest > limits.component:
        raise PackageError(
            "package.limit.component",
            path,
            f"A name in this path is {longest} bytes long; at most {limits.component} are accepted. Shorten it.",
        )
