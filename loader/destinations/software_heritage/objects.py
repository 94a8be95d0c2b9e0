"""Our objects in the form that swh-storage takes; every identifier is computed again, and a difference stops."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from archive.identifiers import SWHID, ObjectType, object_header, object_id
from archive.objects import (
    DIRECTORY,
    REVISION,
    Alias,
    Metadata,
    Release,
    Snapshot,
    Timestamp,
    read_directory,
)
from loader.destinations.software_heritage.rpc import Wire, model
from loader.steps import Permanent

_BRANCH_KINDS = {
    ObjectType.CONTENT: "content",
    ObjectType.DIRECTORY: "directory",
    ObjectType.REVISION: "revision",
    ObjectType.RELEASE: "release",
    ObjectType.SNAPSHOT: "snapshot",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Content:
    """A content with all its hashes; ``chunks`` gives its bytes, each time anew. ``length`` in bytes."""

    sha1: bytes
    sha1_git: bytes
    sha256: bytes
    blake2s256: bytes
    length: int
    chunks: Callable[[], Iterator[bytes]]

    @property
    def hashes(self) -> Wire:
        """The four hashes by name."""
        return {
            "sha1": self.sha1,
            "sha1_git": self.sha1_git,
            "sha256": self.sha256,
            "blake2s256": self.blake2s256,
        }


class Hashes:
    """The four hashes of a content while its bytes come."""

    def __init__(self, length: int) -> None:
        self._length = length
        self._all: list[Any] = [
            hashlib.sha1(usedforsecurity=False),
            hashlib.sha1(object_header(ObjectType.CONTENT, length), usedforsecurity=False),
            hashlib.sha256(),
            hashlib.blake2s(),
        ]

    def update(self, chunk: bytes) -> None:
        """Take the next chunk."""
        for each in self._all:
            each.update(chunk)

    def content(self, chunks: Callable[[], Iterator[bytes]]) -> Content:
        """The content, once all of it has come."""
        sha1, sha1_git, sha256, blake2s256 = (each.digest() for each in self._all)
        return Content(
            sha1=sha1,
            sha1_git=sha1_git,
            sha256=sha256,
            blake2s256=blake2s256,
            length=self._length,
            chunks=chunks,
        )


def now() -> datetime:
    """This moment, in whole seconds."""
    return datetime.now(UTC).replace(microsecond=0)


def content_of(data: bytes) -> Content:
    """A content that is in memory."""
    hashes = Hashes(len(data))
    hashes.update(data)
    return hashes.content(lambda: iter((data,)))


def hashed(length: int, chunks: Callable[[], Iterator[bytes]]) -> Content:
    """A content that is read once for its hashes, and again when it is sent."""
    hashes = Hashes(length)
    for chunk in chunks():
        hashes.update(chunk)
    return hashes.content(chunks)


def require_same(kind: str, ours: bytes, computed: bytes) -> None:
    """Raises `Permanent` when an identifier is not what the object's bytes make."""
    if ours != computed:
        raise Permanent(
            "software_heritage.differs",
            "An identifier at Software Heritage would not be the one that is known here; nothing more was sent.",
            fault=f"{kind}: {ours.hex()} here, {computed.hex()} by its bytes",
        )


def directory(identifier: bytes, manifest: bytes) -> Wire:
    """A directory."""
    require_same("directory", identifier, object_id(ObjectType.DIRECTORY, manifest))
    kinds = {DIRECTORY: "dir", REVISION: "rev"}
    entries = [
        {"name": name, "type": kinds.get(mode, "file"), "target": target, "perms": mode}
        for name, mode, target in read_directory(manifest)
    ]
    return model("Directory", entries=entries, id=identifier)


def release(one: Release) -> Wire:
    """A release; it was made here, not in a repository, hence synthetic."""
    return model(
        "Release",
        name=one.name,
        message=one.message,
        target=one.target.hash,
        target_type=_BRANCH_KINDS[one.target.type],
        synthetic=True,
        author=None if one.author is None else _person(one.author),
        date=None if one.date is None else _date(one.date),
        id=one.id,
    )


def _person(fullname: bytes) -> Wire:
    name, bracket, rest = fullname.partition(b"<")
    email = rest.rpartition(b">")[0] if b">" in rest else rest
    return {"fullname": fullname, "name": name.strip() or None, "email": (email or None) if bracket else None}


def _date(date: Timestamp) -> Wire:
    return {
        "timestamp": {"seconds": date.seconds, "microseconds": date.microseconds},
        "offset_bytes": date.offset,
    }


def snapshot(one: Snapshot) -> Wire:
    """A snapshot."""
    branches: dict[bytes, Wire | None] = {}
    for name, target in one.branches.items():
        if target is None:
            branches[name] = None
        elif isinstance(target, Alias):
            branches[name] = {"target": target.branch, "target_type": "alias"}
        else:
            branches[name] = {"target": target.hash, "target_type": _BRANCH_KINDS[target.type]}
    return model("Snapshot", branches=branches, id=one.id)


def read_snapshot(branches: Iterable[tuple[bytes, Wire | None]]) -> Snapshot:
    """A snapshot as the storage tells it."""
    kinds = {name: kind for kind, name in _BRANCH_KINDS.items()}
    found: dict[bytes, SWHID | Alias | None] = {}
    for name, target in branches:
        if target is None:
            found[name] = None
        elif target["target_type"] == "alias":
            found[name] = Alias(target["target"])
        else:
            found[name] = SWHID(kinds[target["target_type"]], target["target"])
    return Snapshot(found)


def metadata(one: Metadata) -> Wire:
    """A metadata document on an object."""
    context = {
        name: str(value)
        for name in ("snapshot", "release", "revision", "directory")
        if (value := getattr(one, name)) is not None
    }
    context |= {
        name: value for name in ("origin", "visit", "path") if (value := getattr(one, name)) is not None
    }
    return model(
        "RawExtrinsicMetadata",
        target=str(one.target),
        discovery_date=one.discovery_date,
        authority={"type": one.authority[0], "url": one.authority[1]},
        fetcher={"name": one.fetcher[0], "version": one.fetcher[1]},
        format=one.format,
        metadata=one.document,
        id=one.id,
        **context,
    )
