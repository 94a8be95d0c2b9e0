"""BagIt (RFC 8493): whether a package holds a bag that is complete and valid.

Two streaming passes over the package: the first reads the tag files, which may stand anywhere in it, the second
hashes every file with the algorithms that the manifests ask for. Nothing is fetched: a bag with holes is incomplete.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from unicodedata import normalize

from packages import bag_profiles
from packages.bag_tags import (
    ALGORITHMS,
    Declaration,
    Manifest,
    Problem,
    Report,
    read_declaration,
    read_fetch,
    read_info,
    read_manifest,
    read_oxum,
    read_text,
)
from packages.limits import MIB, Limits
from packages.members import Kind, Member
from packages.opening import open_package

CODES: dict[str, str] = {
    "bagit.declaration": "There is no bagit.txt, or it does not say what a bag's must.",
    "bagit.bom": "A tag file begins with a byte-order mark.",
    "bagit.encoding": "A tag file is not in the encoding that bagit.txt declares, or that is not known.",
    "bagit.manifest": "A manifest is missing or has a line that cannot be read.",
    "bagit.tagmanifest": "A tag manifest does not list every payload manifest, or lists a tag manifest.",
    "bagit.repeated": "A manifest lists a file twice.",
    "bagit.algorithm": "A manifest uses a checksum algorithm that is not known.",
    "bagit.path": "A manifest names a path outside the bag or its payload.",
    "bagit.payload": "There is no payload directory.",
    "bagit.missing": "A manifest lists a file that is not in the bag.",
    "bagit.unlisted": "A payload file stands in no manifest.",
    "bagit.normalization": "A file has its name in another Unicode normalisation than in the manifest.",
    "bagit.checksum": "A file's checksum is not the one in the manifest.",
    "bagit.info": "bag-info.txt has a line that cannot be read.",
    "bagit.oxum": "The payload has another number of bytes or files than Payload-Oxum says, or that cannot be read.",
    "bagit.fetch": "fetch.txt has a line that cannot be read, or a file that is in no manifest.",
    "bagit.link": "The bag holds a symbolic link.",
    "bagit.profile": "The bag is not what the BagIt profile of the collection asks for.",
    "bagit.size": "A tag file is too large.",
    "bagit.more": "There is more of the same.",
}
"""Code -> what it means, in one line."""

__all__ = ["ALGORITHMS", "CODES", "Problem", "validate_bag"]

_TAG_FILE_SIZE = 64 * MIB
_MANIFEST = re.compile(rb"(tag)?manifest-([A-Za-z0-9-]+)\.txt")
_INFO = {"0.93": b"package-info.txt", "0.94": b"package-info.txt", "0.95": b"package-info.txt"}


@dataclass(slots=True)
class _Bag:
    """What the tag files say; paths are below the bag."""

    report: Report
    base: bytes = b""
    declaration: Declaration | None = None
    payload: list[Manifest] = field(default_factory=list)
    tags: list[Manifest] = field(default_factory=list)
    oxum: tuple[int, int] | None = None
    info: dict[str, list[str]] = field(default_factory=dict)
    has_fetch: bool = False
    fetch: list[bytes] = field(default_factory=list)


def validate_bag(
    path: Path, *, limits: Limits | None = None, profile: bag_profiles.Profile | None = None
) -> list[Problem]:
    """What keeps the package at ``path`` from being a valid bag; nothing when it is one.

    ``profile``: a BagIt profile (a document that `bag_profiles.check_document` takes) that it has to be of, too.

    Raises `PackageError` when the package itself cannot be read, as ``open_package`` does.
    """
    limits = limits or Limits()
    report = Report()
    with open_package(path, limits=limits) as package:
        files = _tag_files(package, report)
    bag = _read_tags(files, report)
    if bag.declaration is not None and (bag.payload or bag.tags):
        with open_package(path, limits=limits) as package:
            comparison = _Comparison(bag)
            comparison.run(iter(package))
            if profile:
                bag_profiles.judge(comparison.facts(bag.declaration, package.format), profile, report)
    if report.dropped:
        report.problems.append(Problem("bagit.more", "", f"{report.dropped} more problems are not listed."))
    return report.problems


def _tag_files(members: Iterable[Member], report: Report) -> dict[bytes, bytes]:
    """The files that may be tag files: those not below a ``data`` directory at the first or second level."""
    found: dict[bytes, bytes] = {}
    for member in members:
        parts = member.path.split(b"/")
        if member.kind is not Kind.FILE or len(parts) > 2 or b"data" in parts[:-1]:
            continue
        if not parts[-1].endswith(b".txt"):
            continue
        if member.size > _TAG_FILE_SIZE:
            report.tell("bagit.size", member.path, f"A tag file may have {_TAG_FILE_SIZE} bytes.")
        else:
            found[member.path] = member.read()
    return found


def _read_tags(files: dict[bytes, bytes], report: Report) -> _Bag:
    """Find the bag's directory and read its tag files."""
    bag = _Bag(report)
    declarations = [path for path in files if path.rpartition(b"/")[2] == b"bagit.txt"]
    if len(declarations) != 1:
        message = "Put one bag into the package, with its bagit.txt at the top."
        report.tell("bagit.declaration", b"bagit.txt", message)
        return bag
    bag.base = declarations[0][: -len(b"bagit.txt")]
    bag.declaration = declaration = read_declaration(files[declarations[0]], declarations[0], report)
    if declaration is None:
        return bag
    info_name = _INFO.get(declaration.version, b"bag-info.txt")
    for path, data in files.items():
        name = path[len(bag.base) :] if path.startswith(bag.base) else b"/"
        manifest = _MANIFEST.fullmatch(name)
        if not manifest and name not in (info_name, b"fetch.txt"):
            continue
        text = read_text(data, name, declaration, report)
        if manifest:
            _read_manifest(bag, name, manifest[2].decode(), text, is_tag=bool(manifest[1]))
        elif name == b"fetch.txt":
            bag.has_fetch = True
            bag.fetch = read_fetch(text, name, declaration, report)
        else:
            bag.info = read_info(text, name, declaration, report)
            bag.oxum = read_oxum(bag.info, name, declaration, report)
    if not bag.payload:
        report.tell("bagit.manifest", b"", "Add a payload manifest, for example manifest-sha256.txt.")
    _check_lists(bag, declaration)
    return bag


def _read_manifest(bag: _Bag, name: bytes, stated: str, text: str, *, is_tag: bool) -> None:
    # Section 2.4 leaves hyphens and capitals out of names; SWORDBagIt writes "sha-256".
    algorithm = stated.lower().replace("-", "")
    if algorithm not in ALGORITHMS:
        bag.report.tell("bagit.algorithm", name, f"Use one of {', '.join(sorted(ALGORITHMS))}.")
        return
    assert bag.declaration is not None
    manifest = Manifest(name, algorithm)
    read_manifest(manifest, text, bag.declaration, bag.report, is_tag=is_tag)
    (bag.tags if is_tag else bag.payload).append(manifest)


def _check_lists(bag: _Bag, declaration: Declaration) -> None:
    """What the lists must say of each other (2.2.1, 2.2.3)."""
    needed = all if declaration.is_current else any
    for path in bag.fetch:
        if not needed(path in manifest.entries for manifest in bag.payload):
            message = (
                "RFC 8493, 2.2.3: every file in fetch.txt must be in the payload manifests. Add it there, or take it "
                "out of fetch.txt. Nothing is fetched from elsewhere: send the bag with all its files."
            )
            bag.report.tell("bagit.fetch", path, message)
    for manifest in bag.tags if declaration.is_current else ():
        for other in bag.payload:
            if other.name not in manifest.entries:
                message = f"RFC 8493, 2.2.1: a tag manifest lists every payload manifest; add {other.name.decode()}."
                bag.report.tell("bagit.tagmanifest", manifest.name, message)
        if any(b"/" not in path and path.startswith(b"tagmanifest-") for path in manifest.entries):
            message = "RFC 8493, 2.2.1: a tag manifest does not list tag manifests."
            bag.report.tell("bagit.tagmanifest", manifest.name, message)


class _Comparison:
    """The files of the package, held against the manifests."""

    def __init__(self, bag: _Bag) -> None:
        self._bag = bag
        self._report = bag.report
        assert bag.declaration is not None
        self._needs_all = bag.declaration.is_current
        self._sizes: dict[bytes, int] = {}
        self._unlisted: list[bytes] = []
        self._has_payload = False

    def run(self, members: Iterator[Member]) -> None:
        """Go through the package once."""
        base = self._bag.base
        for member in members:
            if not (member.path + b"/").startswith(base):
                continue
            path = member.path[len(base) :]
            self._has_payload |= (path + b"/").startswith(b"data/")
            if member.kind is Kind.FILE:
                self._file(path, member)
            elif member.kind is Kind.HARDLINK:
                self._hard_link(path, (member.target or b"")[len(base) :])
            elif member.kind is Kind.SYMLINK:
                message = "Put the file itself into the bag instead of a link."
                self._report.tell("bagit.link", member.path, message)
        self._conclude()

    def facts(self, declaration: Declaration, form: str) -> bag_profiles.Bag:
        """What a profile looks at, when the package was gone through."""
        return bag_profiles.Bag(
            version=declaration.version,
            form=form,
            info=self._bag.info,
            manifests=frozenset(manifest.algorithm for manifest in self._bag.payload),
            tag_manifests=frozenset(manifest.algorithm for manifest in self._bag.tags),
            has_fetch=self._bag.has_fetch,
            sizes={path.decode("utf-8", "surrogateescape"): size for path, size in self._sizes.items()},
        )

    def _expected(self, path: bytes) -> dict[str, str]:
        """The checksums that the manifests state, by algorithm."""
        manifests = self._bag.payload if path.startswith(b"data/") else self._bag.tags
        return {
            manifest.algorithm: manifest.entries[path] for manifest in manifests if path in manifest.entries
        }

    def _file(self, path: bytes, member: Member) -> None:
        expected = self._expected(path)
        self._count(path, member.size, expected)
        hashes = {algorithm: hashlib.new(algorithm, usedforsecurity=False) for algorithm in expected}
        if not hashes:
            return
        for chunk in member.chunks():
            for one in hashes.values():
                one.update(chunk)
        self._verify(path, expected, {algorithm: one.hexdigest() for algorithm, one in hashes.items()})

    def _hard_link(self, path: bytes, target: bytes) -> None:
        """A file by another name: what was verified of the one is what is there of the other."""
        expected, known = self._expected(path), self._expected(target)
        self._count(path, self._sizes.get(target, 0), expected)
        if not expected.keys() <= known.keys():
            self._report.tell("bagit.link", path, "Put the file itself into the bag instead of a hard link.")
            return
        self._verify(path, expected, known)

    def _count(self, path: bytes, size: int, expected: dict[str, str]) -> None:
        self._sizes[path] = size
        needed = len(self._bag.payload) if self._needs_all else 1
        if path.startswith(b"data/") and len(expected) < needed:
            self._unlisted.append(path)

    def _verify(self, path: bytes, expected: dict[str, str], found: dict[str, str]) -> None:
        for algorithm, checksum in expected.items():
            if found[algorithm] != checksum:
                message = f"Its {algorithm} is not the one in the manifest: send it again."
                self._report.tell("bagit.checksum", path, message)

    def _conclude(self) -> None:
        if not self._has_payload:
            message = "RFC 8493, 2.1.2: a bag has a directory data/, though it may be empty."
            self._report.tell("bagit.payload", b"data/", message)
        listed = dict.fromkeys(
            path for manifest in (*self._bag.payload, *self._bag.tags) for path in manifest.entries
        )
        missing = [path for path in listed if path not in self._sizes]
        renamed = self._renamed(missing)
        for path in missing:
            if path not in renamed:
                message = "Put the file into the bag; nothing is fetched from elsewhere."
                self._report.tell("bagit.missing", path, message)
        told = set(renamed.values())
        for path in self._unlisted:
            if path in told:
                continue
            self._report.tell("bagit.unlisted", path, "List every payload file in every payload manifest.")
        self._check_oxum()

    def _renamed(self, missing: list[bytes]) -> dict[bytes, bytes]:
        """Missing files that are there under the same name in another normalisation, each told once."""
        if not missing:
            return {}
        there = {_normalized(path): path for path in self._sizes if not path.isascii()}
        found = {}
        for path in missing:
            other = there.get(_normalized(path)) if not path.isascii() else None
            if other is None:
                continue
            found[path] = other
            message = (
                f"The manifest has this name in Unicode's form {_form(path)}, the package in {_form(other)}: they look "
                "the same and are two names. macOS changes names so. Make the manifests anew where the package is "
                "made, or pack with a program that keeps names as they are."
            )
            self._report.tell("bagit.normalization", other, message)
        return found

    def _check_oxum(self) -> None:
        stated = self._bag.oxum
        sizes = [size for path, size in self._sizes.items() if path.startswith(b"data/")]
        if stated and stated != (sum(sizes), len(sizes)):
            message = f"Payload-Oxum says {stated[0]}.{stated[1]}, the payload has {sum(sizes)}.{len(sizes)}."
            self._report.tell("bagit.oxum", b"bag-info.txt", message)


def _normalized(path: bytes) -> str:
    return normalize("NFC", path.decode("utf-8", "surrogateescape"))


def _form(path: bytes) -> str:
    text = path.decode("utf-8", "surrogateescape")
    if text == normalize("NFC", text):
        return "NFC"
    return "NFD" if text == normalize("NFD", text) else "that is neither NFC nor NFD"
