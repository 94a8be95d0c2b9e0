"""Small archives whose packs are written anew, and what must then be true of them."""

import hashlib
import random
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.db import transaction

from archive import erasure, fixity, maintenance, retrieval
from archive.errors import ObjectErased
from archive.identifiers import SWHID, ObjectType, content_id, object_id
from archive.ingest import Ingest
from archive.models import KINDS, Object, Outcome, Pack
from archive.objects import Alias, Release, Snapshot
from archive.packs import LARGE, PackReader
from archive.rewriting import merging, retiring
from archive.storage import FileStorage, Storage
from tests.archive.conftest import Package, add_package

DATE = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)
GIT_TYPES = {"cnt": "blob", "dir": "tree", "rel": "tag", "snp": "snapshot", "emd": "raw_extrinsic_metadata"}


def origin(number: int) -> str:
    return f"https://archive.example/{number}"


def package(number: int, *, large: bool = False) -> Package:
    """What a small deposit brings; one content of it is in all of them."""
    source = random.Random(number)
    files: Package = {
        b"README": b"deposit %d" % number,
        b"data/random": source.randbytes(500 + number % 700),
        b"data/licence": b"the same for all",
    }
    return {**files, b"data/large": source.randbytes(LARGE + 5 + number)} if large else files


def content(number: int) -> SWHID:
    """The README of a small deposit."""
    return SWHID(ObjectType.CONTENT, content_id(b"deposit %d" % number))


def deposit(storage: Storage, number: int, *, large: bool = False) -> bytes:
    """Archive a small deposit in a pack of its own; returns its root."""
    with Ingest(storage) as ingest:
        root = add_package(ingest, package(number, large=large))
        release = ingest.add_release(Release(name=b"%d" % number, target=SWHID(ObjectType.DIRECTORY, root)))
        target = SWHID(ObjectType.RELEASE, release)
        snapshot = ingest.add_snapshot(Snapshot({b"HEAD": Alias(b"1"), b"1": target}))
        ingest.add_visit(origin(number), snapshot=snapshot, date=DATE + timedelta(days=number))
        ingest.seal()
        with transaction.atomic():
            ingest.publish()
    return root


def deposits(storage: Storage, count: int, *, first: int = 0, large: frozenset[int] = frozenset()) -> None:
    """Archive so many of them."""
    for number in range(first, first + count):
        deposit(storage, number, large=number in large)


def mark(*swhids: SWHID) -> int:
    with transaction.atomic():
        return erasure.mark_erased(swhids, "decision 7")


def merge(storage: Storage) -> list[merging.Merged]:
    return list(merging.merge(storage, everything=True))


def retire(storage: Storage, replica: Storage | None = None) -> list[str]:
    """Remove what was replaced without waiting; what held it up."""
    Pack.objects.filter(remove_at__isnull=False).update(remove_at=datetime.now(UTC))
    return [problem for _, problem in retiring.retire(storage, replica) if problem]


def everything() -> dict[str, str]:
    """All that the index names, read, each with the SHA-256 of its bytes; and the visits."""
    kinds = {number: kind for kind, number in KINDS.items()}
    swhids = [SWHID(kinds[row.kind], bytes(row.sha1_git)) for row in Object.objects.all()]
    found: dict[str, str] = {}
    for swhid in sorted(swhids):
        data = retrieval.read_object(swhid)
        assert object_id(swhid.type, data) == swhid.hash
        found[str(swhid)] = hashlib.sha256(data).hexdigest()
    for number in range(100):
        for visit in retrieval.visits(origin(number)):
            found[f"{origin(number)} {visit.date}"] = bytes(visit.snapshot).hex()
    return found


def packed(storage: Storage) -> list[str]:
    """The names of all objects that are in the packs, whether or not the index knows them."""
    names: list[str] = []
    for pack in storage.packs():
        reader = PackReader(storage.open(pack.name))
        names += [row.name for row in reader.rows() if row.name.startswith("swh:")]
        reader.close()
    return sorted(names)


def assert_clean(storage: Storage) -> None:
    """Index and packs agree, and every pack and object is what its name says."""
    differences = [(one.reason, one.examples) for one in maintenance.verify(storage) if one is not None]
    assert differences == []
    checks = list(fixity.audit(fixity.due(), storage, thorough=True))
    assert {check.outcome for check in checks} <= {Outcome.SOUND}
    assert len(checks) == Pack.objects.in_storage().count()


def assert_erased(swhid: SWHID, *storages: FileStorage) -> None:
    """Neither the index nor any file holds it."""
    for storage in storages:
        assert str(swhid) not in packed(storage)
    try:
        retrieval.read_object(swhid)
    except ObjectErased:
        return
    raise AssertionError(f"{swhid} is read")


def assert_readable_by_others(storage: FileStorage, out: Path) -> int:
    """``zstd`` and ``tar`` open every pack, and git computes each object's name; returns how many there are."""
    found = 0
    for number, pack in enumerate(storage.packs()):
        folder = out / str(number)
        folder.mkdir(parents=True)
        command = 'zstd -dc "$0" | tar -xf - -C "$1"'
        subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command, storage.path(pack.name), folder], check=True
        )
        for kind, git_type in GIT_TYPES.items():
            names = sorted(path.name for path in folder.glob(f"swh:1:{kind}:*"))
            done = subprocess.run(
                ["git", "hash-object", "-t", git_type, "--literally", "--no-filters", "--stdin-paths"],
                input="\n".join(names),
                cwd=folder,
                check=True,
                capture_output=True,
                text=True,
            )
            assert done.stdout.split() == [name.split(":")[3] for name in names]
            found += len(names)
    return found
