"""The objects above the contents: directories, releases, snapshots, extrinsic metadata, and their manifests.

A manifest is the exact byte string that is hashed to an identifier (after git's header) and kept in a pack.
Everything here is pure. Sources: ISO/IEC 18670; git's object formats; swh.model's ``git_objects`` for snapshots,
fractional dates and extrinsic metadata, which git does not have.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

from archive.errors import Damaged, InvalidObject
from archive.identifiers import SWHID, ObjectType, object_id

FILE = 0o100644
EXECUTABLE = 0o100755
SYMLINK = 0o120000
DIRECTORY = 0o040000
REVISION = 0o160000

_PERMISSIONS = {mode: b"%o " % mode for mode in (FILE, EXECUTABLE, SYMLINK, DIRECTORY, REVISION)}
_TARGET_TO_GIT = {
    ObjectType.CONTENT: b"blob",
    ObjectType.DIRECTORY: b"tree",
    ObjectType.REVISION: b"commit",
    ObjectType.RELEASE: b"tag",
    ObjectType.SNAPSHOT: b"refs",
}
_GIT_TO_TARGET = {name: kind for kind, name in _TARGET_TO_GIT.items()}
_BRANCH_TO_TARGET = {
    b"content": ObjectType.CONTENT,
    b"directory": ObjectType.DIRECTORY,
    b"revision": ObjectType.REVISION,
    b"release": ObjectType.RELEASE,
    b"snapshot": ObjectType.SNAPSHOT,
}
_TARGET_TO_BRANCH = {kind: name for name, kind in _BRANCH_TO_TARGET.items()}


class Entry(NamedTuple):
    """One line of a directory. ``mode`` is git's (FILE, EXECUTABLE, SYMLINK, DIRECTORY); ``target`` is 20 bytes."""

    name: bytes
    mode: int
    target: bytes

    @property
    def swhid(self) -> SWHID:
        """The identifier of what the entry points at."""
        kinds = {DIRECTORY: ObjectType.DIRECTORY, REVISION: ObjectType.REVISION}
        return SWHID(kinds.get(self.mode, ObjectType.CONTENT), self.target)


def _git_order(entry: Entry) -> bytes:
    return entry.name + b"/" if entry.mode == DIRECTORY else entry.name


def directory_line(mode: int, name: bytes, target: bytes) -> bytes:
    """One entry as a tree object has it."""
    return _PERMISSIONS[mode] + name + b"\0" + target


def directory_manifest(entries: Iterable[Entry]) -> bytes:
    """Git's tree object: entries in git's order (a directory sorts as if its name ended in a slash)."""
    return b"".join(
        directory_line(mode, name, target) for name, mode, target in sorted(entries, key=_git_order)
    )


def read_directory(manifest: bytes) -> Iterator[Entry]:
    """The entries of a tree object, in its order. Raises Damaged when it is not one."""
    at = 0
    while at < len(manifest):
        space = manifest.find(b" ", at, at + 8)
        end = manifest.find(b"\0", space)
        if space < 0 or end < 0 or end + 21 > len(manifest):
            raise Damaged(f"A directory's manifest is broken at byte {at}.")
        yield Entry(manifest[space + 1 : end], int(manifest[at:space], 8), manifest[end + 1 : end + 21])
        at = end + 21


@dataclass(frozen=True, slots=True)
class Timestamp:
    """A moment as git writes it: seconds since 1970 UTC, microseconds, and the offset as ``+HHMM``."""

    seconds: int
    microseconds: int = 0
    offset: bytes = b"+0000"

    @classmethod
    def of(cls, moment: datetime) -> "Timestamp":
        """The same moment as an aware datetime; its offset in minutes is kept."""
        offset = moment.utcoffset()
        if offset is None:
            raise InvalidObject(f"{moment} has no time zone.")
        minutes = int(offset.total_seconds()) // 60
        hours, rest = divmod(abs(minutes), 60)
        seconds = int(moment.astimezone(UTC).replace(microsecond=0).timestamp())
        sign = "-" if minutes < 0 else "+"
        return cls(seconds, moment.microsecond, f"{sign}{hours:02}{rest:02}".encode())

    def __bytes__(self) -> bytes:
        if not self.microseconds:
            return b"%d %s" % (self.seconds, self.offset)
        return b"%s %s" % ((b"%d.%06d" % (self.seconds, self.microseconds)).rstrip(b"0"), self.offset)

    @classmethod
    def parse(cls, text: bytes) -> "Timestamp":
        """Read what ``bytes()`` of a timestamp gives."""
        number, _, offset = text.partition(b" ")
        seconds, _, fraction = number.partition(b".")
        return cls(int(seconds), int(fraction.ljust(6, b"0")) if fraction else 0, offset)


def _headers(pairs: Iterable[tuple[bytes, bytes]], message: bytes | None) -> bytes:
    lines = [b"%s %s\n" % (key, value.replace(b"\n", b"\n ")) for key, value in pairs]
    return b"".join(lines) + (b"" if message is None else b"\n" + message)


def _read_headers(manifest: bytes) -> tuple[dict[bytes, bytes], bytes | None]:
    headers: dict[bytes, bytes] = {}
    at = 0
    while at < len(manifest) and manifest[at : at + 1] != b"\n":
        end = manifest.find(b"\n", at)
        while manifest[end + 1 : end + 2] == b" ":
            end = manifest.find(b"\n", end + 1)
        if end < 0:
            raise Damaged(f"A manifest's header is broken at byte {at}.")
        key, _, value = manifest[at:end].partition(b" ")
        headers[key] = value.replace(b"\n ", b"\n")
        at = end + 1
    return headers, manifest[at + 1 :] if at < len(manifest) else None


# What is said of who and when: a full name, seconds, an offset.
_DATED = re.compile(rb"(.*) (-?[0-9]+(?:\.[0-9]+)? [^ ]*)", re.DOTALL)


@dataclass(frozen=True, kw_only=True, slots=True)
class Release:
    """A release: git's annotated tag. ``author`` is a full name as git writes it, ``Name <mail>``."""

    name: bytes
    target: SWHID
    message: bytes | None = None
    author: bytes | None = None
    date: Timestamp | None = None

    def manifest(self) -> bytes:
        """Git's tag object."""
        pairs = [
            (b"object", self.target.hash.hex().encode()),
            (b"type", _TARGET_TO_GIT[self.target.type]),
            (b"tag", self.name),
        ]
        if self.author is not None:
            date = b" " + bytes(self.date) if self.date is not None else b""
            pairs.append((b"tagger", self.author + date))
        elif self.date is not None:
            raise InvalidObject("A release with a date needs an author: git writes them on one line.")
        return _headers(pairs, self.message)

    @classmethod
    def parse(cls, manifest: bytes) -> "Release":
        """Read a tag object."""
        headers, message = _read_headers(manifest)
        author, date = headers.get(b"tagger"), None
        # A full name may stand without an address, as Software Heritage's own does.
        if author is not None and not author.endswith(b">") and (dated := _DATED.fullmatch(author)):
            author, date = dated[1], Timestamp.parse(dated[2])
        target = SWHID(_GIT_TO_TARGET[headers[b"type"]], bytes.fromhex(headers[b"object"].decode()))
        return cls(name=headers[b"tag"], target=target, message=message, author=author, date=date)

    @property
    def id(self) -> bytes:
        """The identifier, 20 bytes."""
        return object_id(ObjectType.RELEASE, self.manifest())


class Alias(NamedTuple):
    """A branch that is another name for a branch of the same snapshot."""

    branch: bytes


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Named branches: each an object, an alias, or None (dangling: the target is not known)."""

    branches: Mapping[bytes, SWHID | Alias | None] = field(default_factory=dict)

    def manifest(self) -> bytes:
        """swh.model's snapshot object. Raises InvalidObject when an alias leads nowhere."""
        parts: list[bytes] = []
        for name, target in sorted(self.branches.items()):
            if target is None:
                kind, value = b"dangling", b""
            elif isinstance(target, Alias):
                kind, value = b"alias", target.branch
                if value == name or value not in self.branches:
                    raise InvalidObject(f"The branch {name!r} is an alias of {value!r}, which leads nowhere.")
            else:
                kind, value = _TARGET_TO_BRANCH[target.type], target.hash
            parts.append(b"%s %s\0%d:%s" % (kind, name, len(value), value))
        return b"".join(parts)

    @classmethod
    def parse(cls, manifest: bytes) -> "Snapshot":
        """Read a snapshot object."""
        branches: dict[bytes, SWHID | Alias | None] = {}
        at = 0
        while at < len(manifest):
            space, null = manifest.find(b" ", at), manifest.find(b"\0", at)
            colon = manifest.find(b":", null)
            if not at < space < null < colon:
                raise Damaged(f"A snapshot's manifest is broken at byte {at}.")
            kind, name, length = (
                manifest[at:space],
                manifest[space + 1 : null],
                int(manifest[null + 1 : colon]),
            )
            value = manifest[colon + 1 : colon + 1 + length]
            at = colon + 1 + length
            if kind == b"dangling":
                branches[name] = None
            elif kind == b"alias":
                branches[name] = Alias(value)
            else:
                branches[name] = SWHID(_BRANCH_TO_TARGET[kind], value)
        return cls(branches)

    @property
    def id(self) -> bytes:
        """The identifier, 20 bytes."""
        return object_id(ObjectType.SNAPSHOT, self.manifest())


@dataclass(frozen=True, kw_only=True, slots=True)
class Metadata:
    """A document about an object that is no part of it (swh.model's RawExtrinsicMetadata).

    ``authority`` is (type, URL), such as ``("deposit_client", "https://hal.science/")``; ``fetcher`` is (name,
    version). The context fields say where the target was seen; those not given are left out.
    """

    target: SWHID
    format: str
    document: bytes
    authority: tuple[str, str]
    fetcher: tuple[str, str]
    discovery_date: datetime
    origin: str | None = None
    visit: int | None = None
    snapshot: SWHID | None = None
    release: SWHID | None = None
    revision: SWHID | None = None
    path: bytes | None = None
    directory: SWHID | None = None

    def manifest(self) -> bytes:
        """swh.model's raw_extrinsic_metadata object."""
        for word in (self.authority[0], self.fetcher[1], self.format):
            if not word or not word.isascii() or " " in word or "\n" in word:
                raise InvalidObject(f"{word!r} must be ASCII without spaces.")
        if self.discovery_date.tzinfo is None:
            raise InvalidObject("The discovery date has no time zone.")
        seconds = int(self.discovery_date.astimezone(UTC).replace(microsecond=0).timestamp())
        pairs = [
            (b"target", str(self.target).encode()),
            (b"discovery_date", b"%d" % seconds),
            (b"authority", " ".join(self.authority).encode()),
            (b"fetcher", " ".join(self.fetcher).encode()),
            (b"format", self.format.encode()),
        ]
        for key in ("origin", "visit", "snapshot", "release", "revision", "path", "directory"):
            value = getattr(self, key)
            if value is not None:
                pairs.append((key.encode(), value if isinstance(value, bytes) else str(value).encode()))
        return _headers(pairs, self.document)

    @classmethod
    def parse(cls, manifest: bytes) -> "Metadata":
        """Read a raw_extrinsic_metadata object."""
        headers, document = _read_headers(manifest)
        texts = {key.decode(): value.decode() for key, value in headers.items() if key != b"path"}
        authority, _, url = texts["authority"].partition(" ")
        fetcher, _, version = texts["fetcher"].rpartition(" ")

        def context(key: str) -> SWHID | None:
            return SWHID.parse(texts[key]) if key in texts else None

        return cls(
            target=SWHID.parse(texts["target"]),
            format=texts["format"],
            document=document or b"",
            authority=(authority, url),
            fetcher=(fetcher, version),
            discovery_date=datetime.fromtimestamp(int(texts["discovery_date"]), UTC),
            origin=texts.get("origin"),
            visit=int(texts["visit"]) if "visit" in texts else None,
            snapshot=context("snapshot"),
            release=context("release"),
            revision=context("revision"),
            path=headers.get(b"path"),
            directory=context("directory"),
        )

    @property
    def id(self) -> bytes:
        """The identifier, 20 bytes."""
        return object_id(ObjectType.METADATA, self.manifest())


# Directories with more entries than this may name a target twice in the index; saying it once would take memory.
_MOST_COMPARED = 2**16


def targets(kind: ObjectType, manifest: bytes) -> tuple[bytes | bytearray, bytes | bytearray]:
    """What an object points at: what may point further, and contents; identifiers of 20 bytes one after the other.

    Each is there once, but in very large directories.
    """
    if kind is ObjectType.DIRECTORY:
        return _directory_targets(manifest)
    found: dict[SWHID, None] = {}
    if kind is ObjectType.RELEASE:
        found = {Release.parse(manifest).target: None}
    elif kind is ObjectType.SNAPSHOT:
        values = Snapshot.parse(manifest).branches.values()
        found = dict.fromkeys(value for value in values if isinstance(value, SWHID))
    elif kind is ObjectType.METADATA:
        found = {Metadata.parse(manifest).target: None}
    further = [swhid.hash for swhid in found if swhid.type is not ObjectType.CONTENT]
    contents = [swhid.hash for swhid in found if swhid.type is ObjectType.CONTENT]
    return b"".join(further), b"".join(contents)


def _directory_targets(manifest: bytes) -> tuple[bytearray, bytearray]:
    further, contents = bytearray(), bytearray()
    seen: set[bytes] = set()
    for _, mode, target in read_directory(manifest):
        if target in seen:
            continue
        if len(seen) < _MOST_COMPARED:
            seen.add(target)
        if mode in (DIRECTORY, REVISION):
            further += target
        else:
            contents += target
    return further, contents
