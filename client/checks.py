"""What can be said of a package before anything is sent: a part of the server's checks, with its codes.

Nothing is told of contents but a path. What the server finds beyond that it says itself (`client.api.check`).
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from client.metadata import Metadata
from client.trees import FOLDER, LINK, Member


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One result of a check: ``severity`` is error or warning, ``code`` is stable, ``subject`` names the place."""

    severity: str
    code: str
    subject: str
    message: str


_SYSTEM = frozenset({b".ds_store", b"thumbs.db", b"desktop.ini"})
_ARCHIVES = (
    b"PK\x03\x04",
    b"\x1f\x8b\x08",
    b"BZh",
    b"\xfd7zXZ\0",
    b"\x28\xb5\x2f\xfd",
    b"7z\xbc\xaf\x27\x1c",
)
_KEY = re.compile(rb"\A\s*-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----|\APuTTY-User-Key-File-\d")
_KEY_NAMES = frozenset(
    {b"id_rsa", b"id_dsa", b"id_ecdsa", b"id_ed25519", b".pgpass", b".netrc", b".git-credentials"}
)
_LFS = b"version https://git-lfs.github.com/spec/"
_LICENCE = re.compile(rb"(?i)(?:un)?licen[cs]es?\b|copying|copyright")
_SOFTWARE = re.compile(
    rb"(?i)pyproject\.toml|setup\.py|package\.json|cargo\.toml|pom\.xml|build\.gradle|cmakelists\.txt"
    rb"|configure(?:\.ac)?|makefile|meson\.build|go\.mod|description"
)
_WORDS = {
    "system-files": "Files that macOS or Windows put beside yours.",
    "nested": "The package holds one archive and nothing else of yours: nothing in it can be found by itself.",
    "lfs": "A pointer of Git LFS, not the file itself: git lfs pull, and pack again.",
    "secret": "It looks like a private key. What is archived stays: take it out if it is real.",
    "case": "The name differs from another one only in capitals or in its Unicode form.",
    "link": "A symbolic link that leads to an absolute path; many collections refuse it.",
    "licence": "It looks like software and has no licence file. Without one nobody may use what is archived.",
}


def warnings_on(members: Iterable[Member]) -> list[Finding]:
    """What should be looked at, one finding for each kind with the first path."""
    found: dict[str, bytes] = {}
    names: dict[str, bytes] = {}
    seen = _Seen()
    for member in members:
        for what in _of_one(member):
            found.setdefault(what, member.path)
        folded = unicodedata.normalize("NFC", member.path.decode("utf-8", "surrogateescape")).casefold()
        if names.setdefault(folded, member.path) != member.path:
            found.setdefault("case", member.path)
        seen.note(member)
    found |= {what: path for what, path in seen.of_all() if what not in found}
    return [
        Finding(
            severity="warning",
            code=f"package.warning.{what}",
            subject=path.decode("utf-8", "backslashreplace"),
            message=_WORDS[what],
        )
        for what, path in found.items()
    ]


def _is_system(path: bytes) -> bool:
    name = path.rpartition(b"/")[2]
    return b"__MACOSX" in path.split(b"/") or name.startswith(b"._") or name.lower() in _SYSTEM


def _of_one(member: Member) -> Iterator[str]:
    name = member.path.rpartition(b"/")[2]
    if _is_system(member.path):
        yield "system-files"
    elif member.mode == LINK and member.start.startswith(b"/"):
        yield "link"
    elif member.start.startswith(_LFS):
        yield "lfs"
    elif member.mode not in (FOLDER, LINK) and (name in _KEY_NAMES or _KEY.match(member.start)):
        yield "secret"


class _Seen:
    """What only the whole package shows."""

    def __init__(self) -> None:
        self._files = 0
        self._archive = b""
        self._has_licence = self._is_software = False

    def note(self, member: Member) -> None:
        if member.mode == FOLDER or _is_system(member.path):
            return
        self._files += 1
        *above, name = member.path.split(b"/")
        self._archive = member.path if member.start.startswith(_ARCHIVES) else b""
        self._has_licence = self._has_licence or (len(above) < 3 and _LICENCE.match(name) is not None)
        self._is_software = self._is_software or (len(above) < 2 and _SOFTWARE.fullmatch(name) is not None)

    def of_all(self) -> Iterator[tuple[str, bytes]]:
        if self._files == 1 and self._archive:
            yield "nested", self._archive
        if self._is_software and not self._has_licence:
            yield "licence", b""


def of_metadata(document: Metadata | bytes | None) -> list[Finding]:
    """What every server refuses in metadata."""
    if document is None:
        return [
            _lacking(
                "metadata.missing", "There are no metadata: give --metadata FILE, or --name and --author."
            )
        ]
    if isinstance(document, bytes):
        return []
    lacking = []
    if not document.name.strip():
        lacking.append(_lacking("metadata.title", "The metadata lack a name: give --name."))
    if not document.persons:
        lacking.append(_lacking("metadata.author", "The metadata lack an author: give --author."))
    return lacking


def _lacking(code: str, message: str) -> Finding:
    return Finding(severity="error", code=code, subject="", message=message)
