"""Paths that come more than once: fine where every occurrence is the same, refused where any two differ.

Archives that were appended to (``tar -r``) and file lists that name a file twice make them. Which of two occurrences a
program unpacks is its own affair, so nobody may see a difference. The later ones are hashed as they come; whether the
first was the same is seen in a second pass, which only packages with repeated paths need. A hard link counts as the
file that it leads to: the same tree, packed again in another order, has other links.
"""

import hashlib
from collections.abc import Iterable

from packages.errors import PackageError
from packages.members import Kind, Member

_MOST = 100_000


class Repeats:
    """The repeated paths of one package, in groups that must have one content."""

    def __init__(self) -> None:
        self._group: dict[bytes, bytes] = {}
        self._digest: dict[bytes, bytes] = {}
        self._expected: dict[bytes, int] = {}

    @property
    def need_second_pass(self) -> bool:
        """Whether anything was noted that the first occurrences must be held against."""
        return bool(self._expected)

    def note(self, member: Member, first: bytes) -> None:
        """Take in an occurrence that is not the first; ``first``: the file that the first led to, if it was a link."""
        path = member.path
        if member.kind is Kind.HARDLINK and member.target == path:
            return  # a file that was named twice: GNU tar and bsdtar make the second a hard link to itself
        self._expected[path] = self._expected.get(path, 1) + 1
        if len(self._expected) > _MOST:
            raise duplicate(path)
        for other in (first, member.target if member.kind is Kind.HARDLINK else None):
            if other:
                self._expected.setdefault(other, 1)
                self._join(path, other)
        if member.kind is not Kind.HARDLINK:
            self._require(path, _digest(member))

    def compare(self, members: Iterable[Member]) -> None:
        """Hold the members of a second pass against the notes. Raises PackageError if any occurrence differs."""
        for member in members:
            path = member.path
            is_link = member.kind is Kind.HARDLINK
            if path not in self._expected or (is_link and member.target == path):
                continue
            self._expected[path] -= 1
            if not is_link:
                self._require(path, _digest(member))
        for path, left in self._expected.items():
            if left:
                raise duplicate(path)  # two different paths share a hash (see tree.py)

    def _of(self, path: bytes) -> bytes:
        while (group := self._group.get(path, path)) != path:
            path = group
        return path

    def _join(self, path: bytes, other: bytes) -> None:
        one, two = self._of(path), self._of(other)
        if one == two:
            return
        self._group[one] = two
        digest = self._digest.pop(one, None)
        if digest is not None:
            self._require(path, digest)

    def _require(self, path: bytes, digest: bytes) -> None:
        if self._digest.setdefault(self._of(path), digest) != digest:
            raise duplicate(path)


def duplicate(path: bytes) -> PackageError:
    """A path comes twice and is not the same both times."""
    return PackageError(
        "package.member.duplicate",
        path,
        "This path comes twice in the package, with different content. Pack again with every file once "
        "(an archive that was appended to keeps the old versions).",
    )


def _digest(member: Member) -> bytes:
    kind = f"{member.kind.value} {member.executable} {member.size} ".encode()
    digest = hashlib.blake2b(kind + (member.target or b""), digest_size=20)
    for chunk in member.chunks():
        digest.update(chunk)
    return digest.digest()
