"""What a depositor probably did not mean to send, seen on the way through a package that is acceptable as it is.

Nothing here refuses anything. Names are looked at, and the beginnings of small files; what is found stays a sentence
with a path, and no content is kept or told.
"""

import re
from collections.abc import Iterator
from unicodedata import normalize

from packages import builds
from packages.limits import KIB
from packages.members import Kind, Member
from packages.opening import is_archive_name
from packages.warnings import Warnings

_SMALL = 16 * KIB
_MOST_NAMES = 300_000
_MOST_NOTED = 10_000
_SYSTEM_NAMES = frozenset({b".ds_store", b"thumbs.db", b"desktop.ini", b"ehthumbs.db", b".appledouble"})
_ARCHIVE_STARTS = (
    *(b"PK\x03\x04", b"\x1f\x8b\x08", b"BZh", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd", b"7z\xbc\xaf\x27\x1c"),
    *(b"Rar!\x1a\x07", b"LZIP\x01"),
)
_LFS = b"version https://git-lfs.github.com/spec/"
_KEY = re.compile(rb"\A\s*-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----|\APuTTY-User-Key-File-\d")
_KEY_NAMES = frozenset(
    {b"id_rsa", b"id_dsa", b"id_ecdsa", b"id_ed25519", b".pgpass", b".netrc", b".git-credentials"}
)
_TOKEN_FILES = frozenset({b".env", b".npmrc", b".pypirc", b"credentials", b".dockercfg", b".htpasswd"})
_TOKEN = re.compile(
    rb"gh[pousr]_[A-Za-z0-9]{36}|github_pat_\w{22}|glpat-[\w-]{20}|AKIA[0-9A-Z]{16}|xox[abprs]-[\w-]{10}|pypi-[\w-]{30}"
    rb"|npm_[A-Za-z0-9]{36}|(?i:aws_secret_access_key)\s*="
)
_LICENCE = re.compile(rb"(?i)(?:un)?licen[cs]es?\b|copying|copyright|eupl|gpl|mit-licen[cs]e")
_SOURCE = re.compile(
    rb"(?i)pyproject\.toml|setup\.py|package\.json|cargo\.toml|pom\.xml|build\.gradle|cmakelists\.txt|configure(?:\.ac)?"
    rb"|makefile(?:\.am|\.pl)?|meson\.build|go\.mod|composer\.json|gemfile|description|.*\.(?:gemspec|cabal|csproj)"
)
_SUMS = re.compile(
    rb"(?i)(?:md5|sha\d+|b2)sums?(?:\.txt)?|checksums?(?:\.\w+)?|.*\.(?:md5|sha1|sha256|sha512)"
)
_SUM_LINE = re.compile(rb"(?m)^([0-9a-fA-F]{32,128})[ \t]+\*?(?:\./)?(\S[^\r\n]*?)\r?$")
_EMPTY = {  # MD5, SHA-1, SHA-256 and SHA-512 of nothing begin so
    32: b"d41d8cd9",
    40: b"da39a3ee",
    64: b"e3b0c442",
    128: b"cf83e135",
}
_SUBMODULE = re.compile(rb"(?m)^\s*path\s*=\s*(\S.*?)\s*$")


class _InMemory:
    """Content that was read already, for whoever asks next (members.Content)."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def read_content(self) -> bytes:
        return self._data

    def content_chunks(self) -> Iterator[bytes]:
        yield self._data


class _Begun:
    """Content whose first piece was looked at, and is handed out with the rest (members.Content)."""

    def __init__(self, first: bytes, rest: Iterator[bytes]) -> None:
        self._first = first
        self._rest = rest

    def read_content(self) -> bytes:
        return b"".join(self.content_chunks())

    def content_chunks(self) -> Iterator[bytes]:
        yield self._first
        yield from self._rest


def _beginning(member: Member) -> tuple[bytes, Member]:
    """The first piece of a file, and the file as if it were untouched."""
    rest = member.chunks()
    first = next(rest, b"")
    return first, Member(member.path, member.kind, member.size, member.executable, None, _Begun(first, rest))


class Contents:
    """What was seen of the members of one package."""

    def __init__(self, warnings: Warnings, *, source_only: bool = False, top_folder: str = "") -> None:
        """``source_only`` and ``top_folder``: what the collection prefers (`packages.limits`)."""
        self._warnings = warnings
        self._source_only = source_only
        self._top_folder = top_folder
        self._tops: dict[bytes, bool] = {}
        self._names: dict[int, int] = {}
        self._files = 0
        self._last_archive = b""
        self._has_licence = self._has_source = False
        self._empty_files: set[bytes] = set()
        self._sums: dict[bytes, bytes] = {}
        self._empty_folders: set[bytes] = set()
        self._submodules: set[bytes] = set()

    def see(self, member: Member) -> Member:
        """Look at a member; the one that comes back is the same, and can still be read."""
        path = member.path
        parent, _, name = path.rpartition(b"/")
        self._empty_folders.discard(parent)
        if self._is_system_file(path, name):
            return member
        self._see_name(path)
        self._see_top(path, member.kind)
        if member.kind is Kind.DIRECTORY:
            if self._source_only and builds.is_product_folder(path):
                self._warn("build-product", path, _BUILD_PRODUCT)
            if len(self._empty_folders) < _MOST_NOTED:
                self._empty_folders.add(path)
            return member
        if member.kind is Kind.SYMLINK:
            self._see_link(path, member.target or b"")
        else:
            member = self._see_file(path, name, member)
        return member

    def finish(self) -> None:
        """Tell what only the whole package shows."""
        if self._files == 1 and self._last_archive:
            self._warn("nested", self._last_archive, _NESTED)
        self._warn_of_top()
        if self._has_source and not self._has_licence:
            self._warn("licence", "", _NO_LICENCE)
        for path in sorted(self._submodules & self._empty_folders):
            self._warn("submodule", path, _SUBMODULES)
        for path in sorted(self._empty_files & self._sums.keys()):
            checksum = self._sums[path].lower()
            if not checksum.startswith(_EMPTY.get(len(checksum), b"")):
                self._warn("empty", path, _EMPTY_FILE)

    def _warn(self, what: str, path: bytes | str, message: str) -> None:
        self._warnings.tell(f"package.warning.{what}", path, message)

    def _is_system_file(self, path: bytes, name: bytes) -> bool:
        found = (
            path.startswith(b"__MACOSX/")
            or path == b"__MACOSX"
            or b"/__MACOSX/" in path
            or name.startswith(b"._")
            or name.lower() in _SYSTEM_NAMES
        )
        if found:
            self._warn("system-files", path, _SYSTEM_FILES)
        return found

    def _see_name(self, path: bytes) -> None:
        if b"\\" in path or path[1:2] == b":":
            self._warn("portable", path, _NOT_PORTABLE)
        if len(self._names) >= _MOST_NAMES:
            return
        own = hash(path)
        if path.isascii():
            folded = hash(path.lower())
        else:
            folded = hash(
                normalize("NFC", path.decode("utf-8", "surrogateescape"))
                .casefold()
                .encode("utf-8", "surrogateescape")
            )
        if self._names.setdefault(folded, own) != own:
            self._warn("case", path, _CASE)

    def _see_top(self, path: bytes, kind: Kind) -> None:
        """The first two names at the top, and whether each is a folder."""
        top, below, _ = path.partition(b"/")
        if top in self._tops or len(self._tops) < 2:
            self._tops[top] = self._tops.get(top, False) or bool(below) or kind is Kind.DIRECTORY

    def _warn_of_top(self) -> None:
        in_one_folder = len(self._tops) == 1 and all(self._tops.values())
        if self._top_folder == "none" and in_one_folder:
            self._warn("top-folder", next(iter(self._tops)), _ONE_FOLDER)
        elif self._top_folder == "one" and self._tops and not in_one_folder:
            self._warn("top-folder", "", _NO_FOLDER)

    def _see_link(self, path: bytes, target: bytes) -> None:
        self._files += 1
        if target.startswith(b"/"):
            self._warn("link", path, _ABSOLUTE_LINK)

    def _see_file(self, path: bytes, name: bytes, member: Member) -> Member:
        self._files += 1
        depth = path.count(b"/")
        if depth < 3 and (_LICENCE.match(name) or b"LICENSES/" in path):
            self._has_licence = True
        elif depth < 2 and _SOURCE.fullmatch(name):
            self._has_source = True
        data = b""
        if member.kind is Kind.FILE and 0 < member.size <= _SMALL:
            data = member.read()
            member = Member(path, member.kind, member.size, member.executable, None, _InMemory(data))
        self._last_archive = path if is_archive_name(name) or data.startswith(_ARCHIVE_STARTS) else b""
        if not member.size and member.kind is Kind.FILE and len(self._empty_files) < _MOST_NOTED:
            self._empty_files.add(path)
        if self._source_only:
            member = self._see_product(path, name, member)
        if data:
            self._see_content(path, name, data)
        elif name in _KEY_NAMES:
            self._warn("secret", path, _SENSITIVE)
        return member

    def _see_product(self, path: bytes, name: bytes, member: Member) -> Member:
        """Tell of programs and what compilers make: by the name, or by how a file begins."""
        start, member = _beginning(member) if member.kind is Kind.FILE and member.size else (b"", member)
        if builds.is_product_name(name) or builds.is_program(start) or builds.in_product_folder(path):
            self._warn("build-product", path, _BUILD_PRODUCT)
        return member

    def _see_content(self, path: bytes, name: bytes, data: bytes) -> None:
        if data.startswith(_LFS):
            self._warn("lfs", path, _LFS_POINTER)
        elif name in _KEY_NAMES or _KEY.match(data) or (name.lower() in _TOKEN_FILES and _TOKEN.search(data)):
            self._warn("secret", path, _SENSITIVE)
        elif name == b".gitmodules":
            base = path[: -len(name)]
            self._submodules.update(base + found for found in _SUBMODULE.findall(data)[:_MOST_NOTED])
        elif _SUMS.fullmatch(name):
            base = path[: -len(name)]
            for checksum, listed in _SUM_LINE.findall(data)[:_MOST_NOTED]:
                self._sums[base + listed] = checksum


_BUILD_PRODUCT = (
    "This is a program, or something that was made of the sources by a compiler or packager. The collection is for "
    "source code: leave it out if it can be made again (make clean, git clean -Xn, or pack with git archive)."
)
_ONE_FOLDER = (
    "All that the package holds is in one folder. The collection prefers the files themselves at the top: pack what is "
    "in the folder (tar -C folder -czf package.tar.gz .), if nothing else speaks against it."
)
_NO_FOLDER = (
    "The collection prefers packages that hold one folder with everything in it, as name-version/ in releases: pack "
    "the folder itself."
)
_NESTED = (
    "The package holds one archive and nothing else of yours. It is archived as one file, and nothing in it can be "
    "found or cited by itself: better send that archive itself, or its files."
)
_SYSTEM_FILES = (
    "These are files that macOS or Windows put beside yours (__MACOSX, .DS_Store, Thumbs.db). They are archived with "
    "the rest; pack without them if they are not meant (on a Mac: zip -r x.zip folder -x '*.DS_Store' '__MACOSX/*')."
)
_LFS_POINTER = (
    "This is a pointer of Git LFS, not the file itself: the content is elsewhere and is not archived. Run 'git lfs "
    "pull' and pack again."
)
_SUBMODULES = (
    "This is a Git submodule without its files: they are not archived. Run 'git submodule update --init --recursive' "
    "and pack again; 'git archive' and the downloads of GitHub leave them out."
)
_CASE = (
    "This name differs from another one only in capitals or in its Unicode form. Windows and macOS keep one of the two "
    "only."
)
_NOT_PORTABLE = (
    "Windows, and bsdtar elsewhere too, read this name otherwise: a backslash as a separator, a letter and a colon "
    "as a drive. Rename it if you can."
)
_ABSOLUTE_LINK = "This symbolic link leads to an absolute path. What is there is not archived."
_NO_LICENCE = (
    "The package looks like software and has no licence file (LICENSE, COPYING). Without one nobody may use what "
    "is archived; add it if you can."
)
_SENSITIVE = (
    "This looks like a private key, a password or a token. What is archived stays: take it out if it is real, and "
    "have it revoked."
)
_EMPTY_FILE = (
    "This file is empty, and a checksum file of the package says that it is not. See that it is whole."
)
