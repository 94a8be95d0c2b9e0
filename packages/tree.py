"""The rules between members: no path twice, nothing below a file or a link, no link that leaves the tree.

Memory per member is one dictionary slot and one small integer, whatever the length of its path: what is kept is the
64-bit keyed hash that Python gives to bytes. Two paths of one honest package share a hash once in some 10^7 packages
of a million members; the package is then refused, never misread.
"""

from typing import NoReturn

from packages.errors import PackageError
from packages.limits import MIB, Limits
from packages.members import Kind
from packages.names import Names
from packages.paths import check_characters
from packages.refusals import unusable_target
from packages.repeats import duplicate
from packages.warnings import Warnings

_IMPLIED, _DIRECTORY, _FILE, _PROGRAM, _SYMLINK, _HARDLINK = range(6)
_DEFERRED_BYTES = MIB
_ALIAS_BYTES = 16 * MIB
_ALIAS_ENTRY = 200


class Tree:
    """What has been seen of one package so far."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._most = limits.members
        self._seen: dict[int, int] = {}
        self._parent = b""
        self._winding: list[tuple[bytes, bytes]] = []
        self._winding_bytes = 0
        self._aliases: dict[int, bytes] = {}
        """Of a symbolic link its target, of a hard link its file: for a hard link to either."""
        self._alias_bytes = 0
        self.warnings = Warnings()
        self.names = Names(limits.name_encoding, self.warnings)
        self.again = False
        """Whether the member that was admitted last came before, in some form; who reads this sets it back."""
        self.first = b""
        """If it did: the file that its first occurrence led to, if that was a hard link."""
        self.members = 0
        self.total = 0

    def add_file(self, path: bytes, size: int, executable: bool) -> None:
        """Admit a regular file with ``size`` bytes of content."""
        self._claim(path, _PROGRAM if executable else _FILE)
        self.total += size
        if size > self._limits.member:
            raise PackageError(
                "package.limit.member",
                path,
                f"This file has {size} bytes; at most {self._limits.member} are accepted here. "
                "Split it, or ask the archive to raise the limit.",
            )
        if self.total > self._limits.total:
            raise PackageError(
                "package.limit.total",
                path,
                f"The content of the package is larger than {self._limits.total} bytes. "
                "Split it over several deposits, or ask the archive to raise the limit.",
            )

    def add_directory(self, path: bytes) -> None:
        """Admit a directory; the same one may come again, and after members below it."""
        key = hash(path)
        if self._seen.get(key, _FILE) > _DIRECTORY:
            self._claim(path, _DIRECTORY)
            return
        self._seen[key] = _DIRECTORY
        self.members += 1
        if self.members > self._most:
            self._refuse_more()

    def add_symlink(self, path: bytes, target: bytes) -> None:
        """Admit a symbolic link."""
        self._claim(path, _SYMLINK)
        if not target or len(target) > self._limits.path:
            raise unusable_target(path, len(target), self._limits)
        check_characters(target, path, "link target")
        if not self._limits.links_outside:
            self._check_target(path, target)
        self._remember(path, target)

    def add_hardlink(self, path: bytes, target: bytes, executable: bool) -> tuple[Kind, bytes]:
        """Admit a hard link to something seen before: what it is, and what it leads to.

        A hard link to a hard link leads to the file of that one; a hard link to a symbolic link is that symbolic link
        once more.
        """
        key = hash(target)
        kind = self._seen.get(key, _DIRECTORY)
        if path == target and kind > _DIRECTORY and (kind == _PROGRAM) == executable:
            self._claim(path, kind)  # it comes again, and changes nothing
            return Kind.HARDLINK, target
        alias = target if kind in (_FILE, _PROGRAM) else self._aliases.get(key)
        if alias is None:
            raise PackageError(
                "package.member.hardlink",
                path,
                "This hard link does not point to a file or symbolic link earlier in the package. "
                "Pack the file itself (with GNU tar: --hard-dereference).",
            )
        if kind == _SYMLINK:
            self.add_symlink(path, alias)
            return Kind.SYMLINK, alias
        if (self._seen.get(hash(alias)) == _PROGRAM) != executable:
            raise PackageError(
                "package.tar.ambiguous",
                path,
                "This hard link and its file differ in whether they may be executed; Python unpacks the file with the "
                "permissions of the link, others with its own. Pack again with a current tar.",
            )
        self._claim(path, _HARDLINK)
        if not self.again:
            self._remember(path, alias)
        return Kind.HARDLINK, alias

    def _remember(self, path: bytes, alias: bytes) -> None:
        """Keep what a link leads to, as long as there is room."""
        self._alias_bytes += _ALIAS_ENTRY + len(alias)
        if self._alias_bytes <= _ALIAS_BYTES:
            self._aliases[hash(path)] = alias

    def close(self) -> None:
        """What can be judged only when all members are known."""
        if not self.members:
            raise PackageError(
                "package.empty", "", "The package has no members. Send one that has files in it."
            )
        for path, target in self._winding:
            self._check_winding(path, target)
        self.names.close()

    def _claim(self, path: bytes, kind: int) -> None:
        self.members += 1
        parent = path.rpartition(b"/")[0]
        if parent != self._parent:
            self._enter(parent, path)
            self._parent = parent
        key = hash(path)
        seen = self._seen
        if key in seen:
            self._repeat(path, seen[key], kind)
            return
        seen[key] = kind
        if len(seen) > self._most:
            self._refuse_more()

    def _refuse_more(self) -> NoReturn:
        raise PackageError(
            "package.limit.members",
            "",
            f"The package has more than {self._most} members. "
            "Split it over several deposits, or ask the archive to raise the limit.",
        )

    def _enter(self, parent: bytes, path: bytes) -> None:
        """Make sure that every directory above ``path`` is one."""
        seen = self._seen
        while parent:
            key = hash(parent)
            kind = seen.get(key)
            if kind is None:
                seen[key] = _IMPLIED
            elif kind <= _DIRECTORY:
                return
            elif kind == _SYMLINK:
                raise PackageError(
                    "package.member.below-link",
                    path,
                    "This member lies below a symbolic link of the same package. Pack it under its real path.",
                )
            else:
                raise PackageError(
                    "package.member.parent",
                    path,
                    "This member lies below a path that is a file in the same package. Rename one of them.",
                )
            parent = parent.rpartition(b"/")[0]

    def _repeat(self, path: bytes, before: int, now: int) -> None:
        if (before <= _DIRECTORY) != (now <= _DIRECTORY):
            raise PackageError(
                "package.member.parent",
                path,
                "This path is a directory and something else in the same package. Rename one of them.",
            )
        self.again, self.first = True, b""
        if before == _HARDLINK:
            alias = self._aliases.get(hash(path))
            if alias is None:
                raise duplicate(path)
            self.first = alias
        if _SYMLINK in (before, now) and before != now:
            raise duplicate(path)

    def _check_target(self, path: bytes, target: bytes) -> None:
        """Refuse a target that leaves the tree.

        No member lies below a link, so the leading ``..`` of a target climb real directories and can be counted. A
        ``..`` after a name is judged at the end: that name may turn out to be a link to somewhere else.
        """
        if target.startswith(b"/"):
            self._refuse_link(path, "an absolute target")
        depth = path.count(b"/")
        descended = turned = False
        for name in target.split(b"/"):
            if name == b"..":
                depth -= 1
                turned |= descended
            elif name not in (b"", b"."):
                depth += 1
                descended = True
            if depth < 0:
                self._refuse_link(path, "a target outside the package")
        if turned:
            self._defer(path, target)

    def _defer(self, path: bytes, target: bytes) -> None:
        self._winding_bytes += len(path) + len(target)
        if self._winding_bytes > _DEFERRED_BYTES:
            self._refuse_link(path, "a target that steps back with '..', as too many others have,")
        self._winding.append((path, target))

    def _check_winding(self, path: bytes, target: bytes) -> None:
        """No name that a ``..`` may step back from is a link itself."""
        walked = path.split(b"/")[:-1]
        for name in target[: target.rindex(b"..")].split(b"/"):
            if name == b"..":
                walked.pop()
            elif name not in (b"", b"."):
                walked.append(name)
                if self._seen.get(hash(b"/".join(walked))) == _SYMLINK:
                    self._refuse_link(path, "a target that steps back with '..' from another link")

    def _refuse_link(self, path: bytes, what: str) -> NoReturn:
        raise PackageError(
            "package.member.symlink",
            path,
            f"This symbolic link has {what}. Replace it by the file it stands for, or by a link inside the package.",
        )
