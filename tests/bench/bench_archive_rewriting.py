"""Merging the packs of many small deposits, and erasing in the archive that they are.

    .venv/bin/python tests/bench/bench_archive_rewriting.py [--deposits 5000] [--folder FOLDER]

Makes an archive of small deposits, each in a pack of its own (20 files, 3 directories, release, snapshot and visit: 25
objects), merges them, removes the old files, erases one content, then all contents of 20 deposits, and has `archive
verify` compare everything. 40,000 deposits are 10^6 objects. Limits: fewer packs than a hundredth; no row of an object
changed by merging; nothing of what was erased is in any pack; verify finds no difference; git computes the name of
every object that it is given.
"""

import argparse
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.bench.archive_setup import archive

if TYPE_CHECKING:
    from archive.identifiers import SWHID
    from archive.storage import FileStorage

FILES = 20
BATCH = 500
ERASED_DEPOSITS = 20
DATE = datetime(2026, 1, 1, tzinfo=UTC)


def contents(number: int) -> list[bytes]:
    """The files of one deposit."""
    source = random.Random(number)
    return [source.randbytes(source.randrange(100, 600)) for _ in range(FILES)]


def content_ids(number: int) -> "list[SWHID]":
    """Their identifiers."""
    from archive.identifiers import SWHID, ObjectType, content_id  # noqa: PLC0415 - settings exist only now

    return [SWHID(ObjectType.CONTENT, content_id(data)) for data in contents(number)]


def write_pack(storage: "FileStorage", number: int) -> str:
    """The pack of one deposit, not synced; returns its name."""
    import hashlib  # noqa: PLC0415

    from archive.identifiers import SWHID, ObjectType, content_id, object_id  # noqa: PLC0415
    from archive.objects import Alias, Release, Snapshot  # noqa: PLC0415
    from archive.packs import PackWriter  # noqa: PLC0415
    from archive.tree import Tree  # noqa: PLC0415
    from archive.visits import VisitRecord  # noqa: PLC0415

    writer = PackWriter(storage.workspace() / f"{uuid4()}.part")
    tree = Tree()
    for place, data in enumerate(contents(number)):
        identifier = content_id(data)
        tree.add_file(b"%d/%d" % (place % 2, place), identifier)
        writer.put(SWHID(ObjectType.CONTENT, identifier), data, hashlib.sha256(data).digest())
    root = b""
    for root, manifest in tree.directories():
        writer.put(SWHID(ObjectType.DIRECTORY, root), manifest)
    release = Release(name=b"%d" % number, target=SWHID(ObjectType.DIRECTORY, root)).manifest()
    named = SWHID(ObjectType.RELEASE, object_id(ObjectType.RELEASE, release))
    writer.put(named, release)
    snapshot = Snapshot({b"HEAD": Alias(b"1"), b"1": named}).manifest()
    seen = SWHID(ObjectType.SNAPSHOT, object_id(ObjectType.SNAPSHOT, snapshot))
    writer.put(seen, snapshot)
    visit = VisitRecord(f"https://example.org/{number}", DATE, seen, "deposit")
    writer.put_visit(visit.name, visit.document())
    name = writer.finish()
    target = storage.path(name)
    target.parent.mkdir(parents=True, exist_ok=True)
    writer.path.rename(target)
    return name


@contextmanager
def not_synced() -> Iterator[None]:
    """What is prepared need not survive."""
    was, os.fsync = os.fsync, lambda fd: None
    try:
        yield
    finally:
        os.fsync = was


def prepare(storage: "FileStorage", deposits: int) -> None:
    """Write the packs, and publish them many at a time."""
    from django.db import connection, transaction  # noqa: PLC0415

    from archive import index  # noqa: PLC0415
    from archive.identifiers import origin_id  # noqa: PLC0415
    from archive.models import Origin, Pack, Visit  # noqa: PLC0415
    from archive.packs import PackReader  # noqa: PLC0415
    from archive.stage import stage  # noqa: PLC0415

    for first in range(0, deposits, BATCH):
        names = [write_pack(storage, number) for number in range(first, min(first + BATCH, deposits))]
        with transaction.atomic(), connection.cursor() as cursor:
            sizes = [storage.path(name).stat().st_size for name in names]
            packs = Pack.objects.bulk_create(
                Pack(sha256=bytes.fromhex(name), size=size, copies=False)
                for name, size in zip(names, sizes, strict=True)
            )
            visits = []
            for pack in packs:
                with closing(PackReader(storage.open(pack.name))) as reader:
                    visits += [(pack, visit) for visit in stage(cursor, reader, reader.rows(), pack.id)[0]]
            cursor.execute("SET LOCAL work_mem = '64MB'")
            cursor.execute(index._MERGE)
            cursor.execute("TRUNCATE archive_stage")
            origins = Origin.objects.bulk_create(
                Origin(sha1=origin_id(visit.origin), url=visit.origin) for _, visit in visits
            )
            Visit.objects.bulk_create(
                Visit(origin=origin, pack=pack, date=one.date, snapshot=one.snapshot.hash, type=one.type)
                for origin, (pack, one) in zip(origins, visits, strict=True)
            )
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE archive_object")
        cursor.execute("VACUUM ANALYZE archive_pack")


class Measured:
    """Seconds, WAL and changed rows of objects of a block."""

    def __init__(self, what: str) -> None:
        self.what = what
        self.changed = 0

    def _ask(self) -> tuple[int, int]:
        from django.db import connection  # noqa: PLC0415

        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_stat_force_next_flush()")
            cursor.execute(
                "SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn, n_tup_ins + n_tup_upd + n_tup_del"
                " FROM pg_stat_user_tables WHERE relname = 'archive_object'"
            )
            wal, changed = cursor.fetchone()
            return int(wal), int(changed)

    def __enter__(self) -> "Measured":
        self._before = self._ask()
        self._started = time.perf_counter()
        return self

    def __exit__(self, *error: object) -> None:
        seconds = time.perf_counter() - self._started
        after = self._ask()
        self.changed = after[1] - self._before[1]
        wal = (after[0] - self._before[0]) / 1e6
        print(f"{self.what}: {seconds:.1f} s, {wal:.1f} MB of WAL, {self.changed} rows of objects changed")


def reads(deposits: int) -> float:
    """Milliseconds for one small content, found and read, in the middle of many."""
    from archive import retrieval  # noqa: PLC0415

    source = random.Random(1)
    wanted = [content_ids(source.randrange(deposits))[0] for _ in range(500)]
    times = []
    for swhid in wanted:
        started = time.perf_counter()
        retrieval.read_object(swhid)
        times.append(time.perf_counter() - started)
    return 1000 * sorted(times)[len(times) // 2]


def erase(storage: "FileStorage", swhids: "list[SWHID]", what: str) -> None:
    """Mark, and take out of the packs; prints figures."""
    from django.db import transaction  # noqa: PLC0415

    from archive import erasure  # noqa: PLC0415

    with Measured(f"marking {what}"), transaction.atomic():
        erasure.mark_erased(swhids, "bench")
    with Measured(f"erasing {what}"):
        done = list(erasure.erase(storage))
    read, written = sum(one.read for one in done) / 1e6, sum(one.written for one in done) / 1e6
    print(f"    {len(done)} packs written anew, {read:.1f} MB read, {written:.1f} MB written")


def held(storage: "FileStorage") -> set[str]:
    """The names of all objects in the packs."""
    from archive.packs import PackReader  # noqa: PLC0415

    names: set[str] = set()
    for pack in storage.packs():
        with closing(PackReader(storage.open(pack.name))) as reader:
            names |= {row.name for row in reader.rows()}
    return names


def git_agrees(storage: "FileStorage", scratch: Path) -> int:
    """How many objects of the smallest pack, at most 2000, have the name that git computes; -1 if one has not."""
    smallest = min(storage.packs(), key=lambda pack: pack.size)
    out = scratch / f"out-{uuid4()}"
    out.mkdir()
    command = 'zstd -dc "$0" | tar -xf - -C "$1" --wildcards "swh:1:cnt:0[0-3]*" "swh:1:dir:0*"'
    subprocess.run(["bash", "-eu", "-c", command, storage.path(smallest.name), out], check=True)
    found = 0
    for kind, git_type in (("cnt", "blob"), ("dir", "tree")):
        names = sorted(path.name for path in out.glob(f"swh:1:{kind}:*"))[:1000]
        done = subprocess.run(
            ["git", "hash-object", "-t", git_type, "--literally", "--no-filters", "--stdin-paths"],
            input="\n".join(names),
            cwd=out,
            check=True,
            capture_output=True,
            text=True,
        )
        if done.stdout.split() != [name.split(":")[3] for name in names]:
            return -1
        found += len(names)
    return found


def run(scratch: Path, deposits: int) -> bool:
    """Print figures; whether the limits are kept."""
    from archive import maintenance  # noqa: PLC0415 - settings exist only now
    from archive.models import Object, Pack  # noqa: PLC0415
    from archive.rewriting import merging, retiring  # noqa: PLC0415
    from archive.storage import FileStorage  # noqa: PLC0415

    storage = FileStorage(scratch / "archive")
    started = time.perf_counter()
    with not_synced():
        prepare(storage, deposits)
    size = sum(pack.size for pack in storage.packs()) / 1e6
    seconds = time.perf_counter() - started
    print(
        f"prepared: {deposits} packs, {Object.objects.count()} objects, {size:.1f} MB, {seconds:.0f} s",
        flush=True,
    )
    print(f"a content is read in {reads(deposits):.2f} ms")
    with Measured(f"merging {deposits} packs") as merged:
        made = list(merging.merge(storage, everything=True))
    print(f"    {len(made)} packs made, {sum(one.size for one in made) / 1e6:.1f} MB")
    Pack.objects.filter(remove_at__isnull=False).update(remove_at=datetime.now(UTC))
    with Measured("removing the old files"):
        held_up = [problem for _, problem in retiring.retire(storage, None) if problem]
    packs = len(list(storage.packs()))
    print(f"    {packs} packs left; a content is read in {reads(deposits):.2f} ms")
    gone = content_ids(deposits // 2)[:1]
    erase(storage, gone, "one content")
    more = [
        swhid
        for number in random.Random(2).sample(range(deposits), ERASED_DEPOSITS)
        for swhid in content_ids(number)
    ]
    erase(storage, more, f"all contents of {ERASED_DEPOSITS} deposits")
    with Measured("verify"):
        differences = [one for one in maintenance.verify(storage) if one is not None]
    agreed = git_agrees(storage, scratch)
    left = {str(swhid) for swhid in (*gone, *more)} & held(storage)
    print(
        f"    {len(differences)} differences; {len(left)} erased objects left; git agrees on {agreed} objects"
    )
    few = packs * 100 <= deposits
    return few and agreed > 0 and not (held_up or merged.changed or differences or left)


def main() -> int:
    """Print figures; 0 when the limits are kept."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--deposits", type=int, default=5000)
    parser.add_argument("--folder", type=Path, help="where the archive is made; gone afterwards")
    options = parser.parse_args()
    with archive(options.folder) as scratch:
        kept = run(scratch, options.deposits)
    print("kept" if kept else "MISSED")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
