"""BagIt (RFC 8493): whether a package holds a bag that is complete and valid.

Two streaming passes over the package: the first reads the tag files, which may stand anywhere in it, the second
hashes every file with the algorithms that the manifests ask for. Nothing is fetched: a bag with holes is incomplete.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from packages.errors import printable
from packages.limits import MIB, Limits
from packages.members import Kind, Member
from packages.opening import open_package

CODES: dict[str, str] = {
    "bagit.declaration": "There is no bagit.txt, or it does not say what a bag's must.",
    "bagit.manifest": "A manifest is missing or has a line that cannot be read.",
    "bagit.algorithm": "A manifest uses a checksum algorithm that is not known.",
    "bagit.path": "A manifest names a path outside the bag or its payload.",
    "bagit.missing": "A manifest lists a file that is not in the bag.",
    "bagit.unlisted": "A payload file stands in no manifest.",
    "bagit.checksum": "A file's checksum is not the one in the manifest.",
    "bagit.oxum": "The payload has another number of bytes or files than Payload-Oxum says.",
    "bagit.link": "The bag holds a link.",
    "bagit.size": "A tag file is too large.",
    "bagit.more": "There is more of the same.",
}
"""Code -> what it means, in one line."""

ALGORITHMS = frozenset({"md5", "sha1", "sha224", "sha256", "sha384", "sha512"})
_TAG_FILE_SIZE = 64 * MIB
_MOST_PROBLEMS = 100
_MANIFEST = re.compile(rb"(tag)?manifest-([a-z0-9-]+)\.txt")
_LINE = re.compile(rb"([0-9a-fA-F]+)[ \t]+\*?(.+)")
_DECLARATION = re.compile(rb"BagIt-Version: (0\.9[3-7]|1\.0)\r?\n?\s*Tag-File-Character-Encoding: (\S+)\s*")
_ENCODED = re.compile(rb"%(0[AaDd]|25)")


class Problem(NamedTuple):
    """Why a bag is not valid: a code of :data:`CODES`, the file's path (safe to print) or "", and what to do."""

    code: str
    subject: str
    message: str


@dataclass(slots=True)
class _Bag:
    """What the tag files say. ``expected``: path below the bag -> algorithm -> hexadecimal checksum."""

    base: bytes = b""
    declared: bool = False
    version: bytes = b""
    manifests: set[str] = field(default_factory=set)
    payload: dict[bytes, dict[str, bytes]] = field(default_factory=dict)
    tags: dict[bytes, dict[str, bytes]] = field(default_factory=dict)
    oxum: tuple[int, int] | None = None
    problems: list[Problem] = field(default_factory=list)
    dropped: int = 0

    def tell(self, code: str, subject: bytes, message: str) -> None:
        if len(self.problems) < _MOST_PROBLEMS:
            self.problems.append(Problem(code, printable(subject), message))
        else:
            self.dropped += 1


def validate_bag(path: Path, *, limits: Limits | None = None) -> list[Problem]:
    """What keeps the package at ``path`` from being a valid bag; nothing when it is one.

    Raises `PackageError` when the package itself cannot be read, as ``open_package`` does.
    """
    limits = limits or Limits()
    bag = _Bag()
    with open_package(path, limits=limits) as package:
        bag.base = _base(_tag_files(package, bag), bag)
    if bag.declared and (bag.payload or bag.tags or not bag.problems):
        with open_package(path, limits=limits) as package:
            _compare(iter(package), bag)
    if bag.dropped:
        bag.problems.append(Problem("bagit.more", "", f"{bag.dropped} more problems are not listed."))
    return bag.problems


def _tag_files(members: Iterable[Member], bag: _Bag) -> dict[bytes, bytes]:
    """The files that may be tag files: those not below a ``data`` directory at the first or second level."""
    found: dict[bytes, bytes] = {}
    for member in members:
        parts = member.path.split(b"/")
        if member.kind is not Kind.FILE or len(parts) > 2 or b"data" in parts[:-1]:
            continue
        if member.size > _TAG_FILE_SIZE:
            bag.tell("bagit.size", member.path, f"A tag file may have {_TAG_FILE_SIZE} bytes.")
        else:
            found[member.path] = member.read()
    return found


def _base(files: dict[bytes, bytes], bag: _Bag) -> bytes:
    """Find the bag's directory and read its tag files."""
    declarations = [path for path in files if path.rpartition(b"/")[2] == b"bagit.txt"]
    if len(declarations) != 1:
        bag.tell(
            "bagit.declaration", b"bagit.txt", "Put one bag into the package, with its bagit.txt at the top."
        )
        return b""
    base = declarations[0][: -len(b"bagit.txt")]
    declared = _DECLARATION.fullmatch(files[declarations[0]].removeprefix(b"\xef\xbb\xbf"))
    if not declared or declared[2].upper() != b"UTF-8":
        message = "Write the two lines 'BagIt-Version: 1.0' and 'Tag-File-Character-Encoding: UTF-8'."
        bag.tell("bagit.declaration", declarations[0], message)
        return base
    bag.declared, bag.version = True, declared[1]
    payload_manifests = 0
    for path, data in files.items():
        name = path[len(base) :] if path.startswith(base) else b"/"
        manifest = _MANIFEST.fullmatch(name)
        if manifest:
            payload_manifests += not manifest[1]
            # RFC 8493 section 2.4 leaves hyphens out of names; SWORDBagIt writes them.
            algorithm = manifest[2].decode().replace("-", "")
            _read_manifest(bag, name, data, algorithm, is_tag=bool(manifest[1]))
        elif name == b"bag-info.txt":
            bag.oxum = _oxum(data)
    if not payload_manifests:
        bag.tell("bagit.manifest", b"", "Add a payload manifest, for example manifest-sha256.txt.")
    return base


def _read_manifest(bag: _Bag, name: bytes, data: bytes, algorithm: str, *, is_tag: bool) -> None:
    if algorithm not in ALGORITHMS:
        bag.tell("bagit.algorithm", name, f"Use one of {', '.join(sorted(ALGORITHMS))}.")
        return
    if not is_tag:
        bag.manifests.add(algorithm)
    length = 2 * hashlib.new(algorithm, usedforsecurity=False).digest_size
    table = bag.tags if is_tag else bag.payload
    for line in re.split(rb"\r\n|\n|\r", data):
        if not line.strip():
            continue
        read = _LINE.fullmatch(line)
        if not read or len(read[1]) != length:
            bag.tell(
                "bagit.manifest", name, f"The line {printable(line)[:80]!r} is not a checksum and a path."
            )
            continue
        path = _path(read[2])
        if not _is_inside(path, is_tag=is_tag):
            bag.tell(
                "bagit.path", path, "Manifests name files of the bag, payload manifests files below data/."
            )
            continue
        table.setdefault(path, {})[algorithm] = read[1].lower()


def _path(text: bytes) -> bytes:
    """A manifest's path: RFC 8493 section 2.1.3 encodes CR, LF and the percent sign."""
    decoded = _ENCODED.sub(lambda match: bytes([int(match[1], 16)]), text)
    return decoded.removeprefix(b"./")


def _is_inside(path: bytes, *, is_tag: bool) -> bool:
    parts = path.split(b"/")
    if b".." in parts or b"" in parts:
        return False
    return is_tag != (parts[0] == b"data" and len(parts) > 1)


def _oxum(data: bytes) -> tuple[int, int] | None:
    found = re.search(rb"(?im)^Payload-Oxum:\s*(\d+)\.(\d+)\s*$", data)
    return (int(found[1]), int(found[2])) if found else None


def _compare(members: Iterator[Member], bag: _Bag) -> None:
    """Hash every file and hold it against the manifests."""
    count = size = 0
    for member in members:
        if not member.path.startswith(bag.base) or member.kind is Kind.DIRECTORY:
            continue
        path = member.path[len(bag.base) :]
        is_payload = path.startswith(b"data/")
        if member.kind is not Kind.FILE:
            bag.tell("bagit.link", member.path, "Put the file itself into the bag instead of a link.")
            continue
        expected = (bag.payload if is_payload else bag.tags).pop(path, None)
        if is_payload:
            count, size = count + 1, size + member.size
            if expected is None or (bag.version == b"1.0" and len(expected) < len(bag.manifests)):
                bag.tell("bagit.unlisted", path, "List every payload file in every payload manifest.")
        if expected:
            _verify(bag, path, member, expected)
    for path in (*bag.payload, *bag.tags):
        bag.tell("bagit.missing", path, "Put the file into the bag; nothing is fetched from elsewhere.")
    if bag.oxum and bag.oxum != (size, count):
        told = f"{bag.oxum[0]}.{bag.oxum[1]}"
        bag.tell("bagit.oxum", b"bag-info.txt", f"Payload-Oxum says {told}, the payload has {size}.{count}.")


def _verify(bag: _Bag, path: bytes, member: Member, expected: dict[str, bytes]) -> None:
    hashes = {algorithm: hashlib.new(algorithm, usedforsecurity=False) for algorithm in expected}
    for chunk in member.chunks():
        for one in hashes.values():
            one.update(chunk)
    for algorithm, one in hashes.items():
        if one.hexdigest().encode() != expected[algorithm]:
            bag.tell(
                "bagit.checksum", path, f"Its {algorithm} is not the one in the manifest: send it again."
            )
