"""What the double of Archivematica knows: transfers and how they go, and a store of real bags.

A transfer goes by its `Script`, one word for each time that its status is asked for; the last word stays. What it is
made of is not scripted: the bundle is copied from the transfer source, junk is removed from it and its checksum files
are verified, as Archivematica does, and a bundle that does not pass fails whatever the script says.
"""

import hashlib
import os
import re
import shutil
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

# Words of scripts. NOT_YET: 400, no job exists. DONE: COMPLETE with the SIP's UUID; a bare COMPLETE has none.
NOT_YET, PROCESSING, DONE = "NOT_YET", "PROCESSING", "DONE"
COMPLETE, BACKLOG, USER_INPUT, FAILED, REJECTED = "COMPLETE", "BACKLOG", "USER_INPUT", "FAILED", "REJECTED"
_ENDS = frozenset({DONE, BACKLOG, FAILED, REJECTED})
_JUNK = frozenset({"Thumbs.db", "Icon", "Icon\r", ".DS_Store"})


@dataclass(frozen=True, kw_only=True)
class Script:
    """How a transfer goes. ``starts``: whether it does anything after the 202. ``status``, ``dated``, ``damaged``,
    ``replicas`` (location UUIDs) say what its AIP is like; ``stored``: whether there is one, also if the ingest fails.
    """

    transfer: tuple[str, ...] = (NOT_YET, PROCESSING, DONE)
    ingest: tuple[str, ...] = (NOT_YET, PROCESSING, COMPLETE)
    starts: bool = True
    stored: bool = True
    status: str = "UPLOADED"
    dated: bool = True
    damaged: bool = False
    replicas: tuple[str, ...] = ()


AT_ONCE = Script(transfer=(DONE,), ingest=(COMPLETE,))


@dataclass(kw_only=True)
class Transfer:
    """One package that was taken."""

    uuid: str
    name: str
    type: str
    path: str
    processing_config: str
    script: Script
    body: dict[str, Any]
    sip: str = field(default_factory=lambda: str(uuid.uuid4()))
    asked: int = 0
    ingest_asked: int = 0
    fault: str = ""
    hidden: set[str] = field(default_factory=set)

    @property
    def word(self) -> str:
        """Where the transfer stands; what its bundle lacks comes before the script."""
        if not self.script.starts or not self.asked:
            return NOT_YET
        return FAILED if self.fault else self.script.transfer[min(self.asked, len(self.script.transfer)) - 1]

    @property
    def ingest_word(self) -> str:
        """Where the SIP stands."""
        if not self.ingest_asked:
            return NOT_YET
        return self.script.ingest[min(self.ingest_asked, len(self.script.ingest)) - 1]

    @property
    def is_inside(self) -> bool:
        """Whether it takes up room in the pipeline."""
        if not self.script.starts or self.fault or self.word in _ENDS - {DONE}:
            return False
        return self.ingest_word not in (COMPLETE, FAILED, REJECTED)

    @property
    def has_sip(self) -> bool:
        """Whether its SIP has been made."""
        return self.word == DONE


class Store:
    """The Storage Service's packages, each a bag on disk."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.location = str(uuid.uuid4())
        self.packages: dict[str, dict[str, Any]] = {}
        self.folders: dict[str, Path] = {}

    def add(self, identifier: str, name: str, source: Path, script: Script) -> None:
        """Keep a bundle as an AIP, with its replicas."""
        folder = self.root / f"{name}-{identifier}"
        shutil.copytree(source, folder)
        make_bag(folder)
        if script.damaged:
            victim = next(path for path in sorted((folder / "data" / "objects").rglob("*")) if path.is_file())
            victim.write_bytes(victim.read_bytes() + b"!")
        replicas = [self._record(str(uuid.uuid4()), folder, script, place) for place in script.replicas]
        self._record(identifier, folder, script, self.location, replicas)

    def _record(
        self, identifier: str, folder: Path, script: Script, location: str, replicas: list[str] | None = None
    ) -> str:
        moment = datetime.now(UTC).replace(tzinfo=None).isoformat() if script.dated else None
        self.folders[identifier] = folder
        self.packages[identifier] = {
            "uuid": identifier,
            "package_type": "AIP",
            "status": script.status,
            "size": sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()),
            "stored_date": moment,
            "current_path": folder.name,
            "current_full_path": str(folder),
            "current_location": f"/api/v2/location/{location}/",
            "replicas": [f"/api/v2/file/{one}/" for one in replicas or []],
            "replicated_package": None,
            "encrypted": False,
            "misc_attributes": {},
            "related_packages": [],
            "resource_uri": f"/api/v2/file/{identifier}/",
        }
        return identifier

    def check(self, identifier: str) -> dict[str, Any]:
        """Read the bag again and compare; the Storage Service's report."""
        failures = compare_bag(self.folders[identifier])
        damaged = ", ".join(f"{len(found)} {kind}" for kind, found in failures.items() if found)
        return {
            "success": not damaged,
            "message": f"Bag validation failed: {damaged}" if damaged else "",
            "failures": {"files": failures},
            "timestamp": None,
        }


def make_bag(folder: Path) -> None:
    """Make a folder the payload of a bag (RFC 8493) in its place."""
    payload = folder.with_name(f".{folder.name}.payload")
    folder.rename(payload)
    folder.mkdir()
    payload.rename(folder / "data")
    (folder / "bagit.txt").write_text("BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n")
    lines = [b"%s  %s\n" % (digest.encode(), _written(path)) for path, digest in _payload(folder)]
    (folder / "manifest-sha256.txt").write_bytes(b"".join(lines))


def _payload(folder: Path) -> Iterator[tuple[bytes, str]]:
    for path in sorted((folder / "data").rglob("*")):
        if path.is_file():
            name = os.fsencode(path.relative_to(folder))
            yield name, hashlib.sha256(path.read_bytes()).hexdigest()


def _written(path: bytes) -> bytes:
    return path.replace(b"\n", b"%0A").replace(b"\r", b"%0D")


def compare_bag(folder: Path) -> dict[str, list[dict[str, str]]]:
    """What of a bag's payload is missing, changed or untracked, as the Storage Service reports it."""
    lines = (folder / "manifest-sha256.txt").read_bytes().splitlines()
    listed = {path: digest.decode() for digest, path in (line.split(b"  ", 1) for line in lines)}
    there = {_written(path): digest for path, digest in _payload(folder)}
    found = {
        "missing": listed.keys() - there.keys(),
        "changed": {path for path in listed.keys() & there.keys() if listed[path] != there[path]},
        "untracked": there.keys() - listed.keys(),
    }
    return {
        kind: [
            {"path": os.fsdecode(path), "message": f"{os.fsdecode(path)} is {kind}"} for path in sorted(paths)
        ]
        for kind, paths in found.items()
    }


class State:
    """All of it, behind one lock."""

    def __init__(self, root: Path, source: Path) -> None:
        self.root, self.source = root, source
        self.lock = threading.RLock()
        self.transfers: dict[str, Transfer] = {}
        self.keys: dict[str, tuple[dict[str, Any], str]] = {}
        self.scripts: list[tuple[re.Pattern[str], Script]] = []
        self.default = Script()
        self.most_inside = 0
        self.processing = root / "shared"
        (self.processing / "currentlyProcessing").mkdir(parents=True)
        (root / "aips").mkdir()
        self.store = Store(root / "aips")

    def script_for(self, name: str) -> Script:
        """The first script whose pattern is found in a transfer's name."""
        return next((script for pattern, script in self.scripts if pattern.search(name)), self.default)

    def begin(self, body: dict[str, Any], path: str) -> Transfer:
        """Take a package: copy it from the transfer source and look at it."""
        transfer = Transfer(
            uuid=str(uuid.uuid4()),
            name=str(body["name"]),
            type=str(body.get("type", "standard")),
            path=path,
            processing_config=str(body.get("processing_config", "default")),
            script=self.script_for(str(body["name"])),
            body=body,
        )
        self.transfers[transfer.uuid] = transfer
        origin = (self.source / path.lstrip("/")).resolve()
        if not origin.is_relative_to(self.source.resolve()) or not origin.exists():
            # As the real one: accepted, and then nothing happens.
            transfer.script = Script(starts=False)
        if transfer.script.starts:
            self._copy(transfer, origin)
        self.most_inside = max(self.most_inside, self.inside())
        return transfer

    def _copy(self, transfer: Transfer, origin: Path) -> None:
        folder = self.folder(transfer)
        if origin.is_file():
            folder.mkdir()
            shutil.copy(origin, folder)
            return
        shutil.copytree(origin, folder, symlinks=True)
        if transfer.type == "standard":
            transfer.fault = look_at(folder)

    def folder(self, transfer: Transfer) -> Path:
        """Where a transfer lies while it is processed."""
        return self.processing / "currentlyProcessing" / f"{transfer.name}-{transfer.uuid}"

    def inside(self) -> int:
        """How many transfers take up room."""
        return sum(transfer.is_inside for transfer in self.transfers.values())

    def ask_transfer(self, identifier: str) -> Transfer | None:
        """Somebody asks for a transfer's status: it moves on by a word of its script."""
        transfer = self.transfers.get(identifier)
        if transfer is not None:
            transfer.asked += 1
            if transfer.word in (FAILED, REJECTED, BACKLOG):
                shutil.rmtree(self.folder(transfer), ignore_errors=True)
        return transfer

    def ask_ingest(self, identifier: str) -> Transfer | None:
        """Somebody asks for a SIP's status. The AIP is stored as the ingest ends."""
        transfer = next(
            (one for one in self.transfers.values() if one.sip == identifier and one.has_sip), None
        )
        if transfer is None:
            return None
        transfer.ingest_asked += 1
        if transfer.ingest_word in (COMPLETE, FAILED, REJECTED) and self.folder(transfer).exists():
            if transfer.script.stored:
                self.store.add(transfer.sip, transfer.name, self.folder(transfer), transfer.script)
            shutil.rmtree(self.folder(transfer))
        return transfer

    def directories(self, path: str) -> list[str] | None:
        """The folders at a path of the currently-processing location."""
        folder = (self.processing / path.lstrip("/")).resolve()
        if not folder.is_relative_to(self.processing.resolve()) or not folder.is_dir():
            return None
        return sorted(entry.name for entry in folder.iterdir() if entry.is_dir())


def look_at(folder: Path) -> str:
    """Prepare a standard transfer as Archivematica does; why it fails, or ""."""
    for path in sorted(folder.rglob("*"), reverse=True):
        rubbish = path.name.endswith("~") or path.name in _JUNK
        if path.name.startswith(".") or (rubbish and path.is_file()):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
    objects = folder / "objects"
    files = {os.fsencode(path.relative_to(objects)) for path in objects.rglob("*") if path.is_file()}
    if not files:
        return "The transfer has no objects."
    for algorithm in ("md5", "sha1", "sha256", "sha512"):
        listing = folder / "metadata" / f"checksum.{algorithm}"
        if listing.is_file():
            fault = _verify(objects, files, algorithm, listing.read_bytes())
            if fault:
                return fault
    return ""


def _verify(objects: Path, files: set[bytes], algorithm: str, listing: bytes) -> str:
    listed = dict(_lines(listing))
    if set(listed) != files or len(listing.splitlines()) != len(files):
        return f"checksum.{algorithm} lists other files than there are: {sorted(set(listed) ^ files)[:3]}"
    for path, digest in listed.items():
        found = hashlib.new(algorithm, (objects / os.fsdecode(path)).read_bytes()).hexdigest()
        if found != digest:
            return f"checksum.{algorithm}: {path!r} FAILED"
    return ""


def _lines(listing: bytes) -> Iterator[tuple[bytes, str]]:
    for line in listing.splitlines():
        escaped = line.startswith(b"\\")
        digest, _, path = line.removeprefix(b"\\").partition(b"  ")
        yield (path.replace(b"\\n", b"\n").replace(b"\\\\", b"\\") if escaped else path), digest.decode()
