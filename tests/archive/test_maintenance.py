"""The index can be thrown away, compared with the packs, and cleaned of what dead loads left."""

import json
import os
import random
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from archive import maintenance, retrieval, tar
from archive.identifiers import SWHID, ObjectType
from archive.ingest import Ingest
from archive.models import Object, Origin, Pack, Visit
from archive.objects import Alias, Metadata, Release, Snapshot, Timestamp
from archive.packs import LARGE
from archive.storage import FileStorage
from tests.archive.conftest import Load, Package, add_package

DATE = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)
ORIGIN = "https://archive.example/one"
PACKAGES: list[Package] = [
    {b"a/one": b"1", b"a/two": b"2", b"b": ("x", b"#!"), b"c": ("l", b"b"), b"e": None},
    {b"a/one": b"1", b"z/two": b"2", b"large": random.Random(3).randbytes(3 * LARGE)},
]


def deposit(storage: FileStorage, package: Package, number: int) -> dict[str, bytes]:
    """Everything that a deposit brings, loaded and published."""
    with Ingest(storage) as ingest:
        root = add_package(ingest, package)
        target = SWHID(ObjectType.DIRECTORY, root)
        release = ingest.add_release(
            Release(name=b"%d" % number, target=target, author=b"A <a>", date=Timestamp.of(DATE))
        )
        target = SWHID(ObjectType.RELEASE, release)
        snapshot = ingest.add_snapshot(Snapshot({b"HEAD": Alias(b"1"), b"1": target}))
        ingest.add_visit(ORIGIN, snapshot=snapshot, date=DATE + timedelta(days=number))
        document = Metadata(
            target=SWHID(ObjectType.DIRECTORY, root),
            format="f",
            document=b"<entry/>",
            authority=("deposit_client", "https://a.example/"),
            fetcher=("x", "1"),
            discovery_date=DATE,
        )
        metadata = ingest.add_metadata(document)
        ingest.seal()
        with transaction.atomic():
            ingest.publish()
    return {"dir": root, "rel": release, "snp": snapshot, "emd": metadata}


def answers(deposits: list[dict[str, bytes]]) -> list[object]:
    """What the archive says about deposits, byte for byte."""
    found: list[object] = [[(v.date, bytes(v.snapshot), v.type) for v in retrieval.visits(ORIGIN)]]
    for one in deposits:
        found += [retrieval.release(one["rel"]), retrieval.snapshot(one["snp"])]
        found += [b"".join(tar.stream_tar(one["dir"]))]
        found += [retrieval.metadata_of(SWHID(ObjectType.DIRECTORY, one["dir"]))]
    return found


def objects() -> list[tuple[object, ...]]:
    """The index's rows about objects, but for the numbers of packs."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT encode(sha1_git, 'hex'), kind, length, encode(o.sha256, 'hex'), targets::text, branching,"
            " \"offset\", stored, position, encode(p.sha256, 'hex')"
            " FROM archive_object o JOIN archive_pack p ON p.id = pack_id ORDER BY 1"
        )
        return list(cursor.fetchall())


def forget_the_index() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for model in (Object, Visit, Origin, Pack):
            cursor.execute(f"DELETE FROM {model._meta.db_table}")  # noqa: S608


def run(*arguments: str) -> list[str]:
    out = StringIO()
    call_command("archive", *arguments, stdout=out)
    return out.getvalue().splitlines()


def test_a_rebuilt_index_gives_the_same_answers(storage: FileStorage, db: None) -> None:
    deposits = [deposit(storage, package, number) for number, package in enumerate(PACKAGES)]
    before, rows = answers(deposits), objects()
    forget_the_index()
    assert Object.objects.count() == 0
    assert run("rebuild")[-1] == f"2 packs, {len(rows)} objects, 2 visits of 1 origins"
    assert answers(deposits) == before
    assert objects() == rows
    assert run("verify") == ["2 packs agree, 0 differences"]


def test_a_rebuild_refuses_an_index_that_is_not_empty(load: Load) -> None:
    load(PACKAGES[0])
    with pytest.raises(CommandError, match="not empty"):
        run("rebuild")
    assert len(run("rebuild", "--resume")) == 1


def test_a_rebuild_takes_what_is_whole_in_a_torn_pack(storage: FileStorage, db: None) -> None:
    first = deposit(storage, PACKAGES[0], 0)
    deposit(storage, PACKAGES[1], 1)
    pack = Pack.objects.order_by("id")[1]
    before = answers([first])[1:]
    forget_the_index()
    os.truncate(storage.path(pack.name), pack.size - 100)
    with pytest.raises(CommandError, match="1 packs are damaged"):
        run("rebuild")
    assert answers([first])[1:] == before
    assert Pack.objects.exclude(damaged_at=None).get().name == pack.name
    large = next(row for row in Object.objects.filter(kind=0, length__gt=LARGE))
    assert large.pack.name == pack.name


def test_verify_finds_an_object_that_the_index_lost(load: Load) -> None:
    root, _ = load(PACKAGES[0])
    Object.objects.filter(sha1_git=root).delete()
    with pytest.raises(CommandError, match="1 differences"):
        run("verify")
    (difference,) = [one for one in maintenance.verify(FileStorage(Path(default_root()))) if one is not None]
    assert (difference.count, difference.examples) == (1, [SWHID(ObjectType.DIRECTORY, root)])


def default_root() -> str:
    from django.conf import settings  # noqa: PLC0415 - the fixture has changed it

    return str(settings.ARCHIVE_ROOT)


def test_verify_finds_an_object_with_a_wrong_place(load: Load) -> None:
    root, _ = load(PACKAGES[0])
    Object.objects.filter(sha1_git=root).update(offset=7)
    out = StringIO()
    with pytest.raises(CommandError):
        call_command("archive", "verify", "--json", stdout=out)
    first = json.loads(out.getvalue().splitlines()[0])
    assert first["reason"] == "objects of the index are not where it says in the pack"
    assert first["examples"] == [f"swh:1:dir:{root.hex()}"]


def test_verify_finds_objects_of_a_pack_that_the_index_does_not_know(load: Load) -> None:
    root, _ = load(PACKAGES[0])
    Object.objects.filter(sha1_git=root).update(pack=77)
    out = StringIO()
    with pytest.raises(CommandError, match="1 differences"):
        call_command("archive", "verify", stdout=out)
    told = (
        f"pack number 77: 1 objects of the index are in a pack that it does not know swh:1:dir:{root.hex()}"
    )
    assert told in out.getvalue().splitlines()


def test_verify_finds_a_missing_and_a_shortened_pack(load: Load, storage: FileStorage) -> None:
    load(PACKAGES[0])
    load(PACKAGES[1])
    one, two = Pack.objects.order_by("id")
    storage.delete(one.name)
    os.truncate(storage.path(two.name), 100)
    found = [difference for difference in maintenance.verify(storage) if difference is not None]
    assert [difference.pack for difference in found] == [one.name, two.name]


@pytest.mark.parametrize("at_once", [1, 2, 500])
def test_of_packs_that_are_compared_together_each_is_told_what_is_wrong_with_it(
    load: Load, storage: FileStorage, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(maintenance, "_PACKS_AT_ONCE", at_once)
    roots = [load({b"name": b"%d" % number})[0] for number in range(5)]
    packs = list(Pack.objects.order_by("id"))
    Object.objects.filter(sha1_git=roots[0]).delete()
    Object.objects.filter(sha1_git=roots[1]).update(position=99999)
    torn = storage.path(packs[3].name)
    torn.chmod(0o600)
    torn.write_bytes(bytes(packs[3].size))
    found = list(maintenance.verify(storage))
    assert [one and one.pack for one in found] == [packs[0].name, packs[1].name, None, packs[3].name, None]
    assert found[0] is not None
    assert found[1] is not None
    assert found[0].examples == [SWHID(ObjectType.DIRECTORY, roots[0])]
    assert (found[1].count, found[1].examples) == (1, [SWHID(ObjectType.DIRECTORY, roots[1])])


def orphan(storage: FileStorage) -> str:
    """A pack whose load died between sealing and publishing."""
    with Ingest(storage) as ingest:
        ingest.add_content(b"orphan")
        ingest.seal()
        ingest._published = True
    return ingest._packing.names[0]


def test_an_orphan_is_found_once_it_is_old(storage: FileStorage, db: None) -> None:
    name = orphan(storage)
    assert maintenance.orphans(storage) == []
    assert [pack.name for pack in maintenance.orphans(storage, age=timedelta(0))] == [name]
    assert run("packs", "--hours", "0") == [
        f"{name} {storage.path(name).stat().st_size} orphan",
        "0 packs, 0 bytes",
    ]


def test_orphans_are_removed_and_published_packs_stay(storage: FileStorage, load: Load) -> None:
    load(PACKAGES[0])
    name = orphan(storage)
    stale = storage.workspace() / "dead.part"
    stale.write_bytes(b"x")
    run("packs", "--remove-orphans", "--hours", "0")
    assert not storage.path(name).exists()
    assert not stale.exists()
    assert [pack.name for pack in storage.packs()] == [Pack.objects.get().name]


def test_orphans_are_adopted(storage: FileStorage, db: None) -> None:
    name = orphan(storage)
    run("packs", "--adopt-orphans", "--hours", "0")
    assert Pack.objects.get().name == name
    assert run("verify") == ["1 packs agree, 0 differences"]
