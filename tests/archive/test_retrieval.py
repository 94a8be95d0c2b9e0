"""What is archived comes back: contents, directories as tar, paths, snapshots, and where an object occurs."""

import os
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction
from swh.model import from_disk

from archive import places, retrieval, tar
from archive.errors import Damaged, NotFound
from archive.identifiers import SWHID, ObjectType, content_id, origin_id
from archive.index import bytea_array
from archive.ingest import Ingest
from archive.models import Object, Visit
from archive.objects import DIRECTORY, FILE, SYMLINK, Alias, Entry, Metadata, Release, Snapshot, Timestamp
from archive.storage import FileStorage
from archive.tree import Tree
from tests.archive.conftest import Load, Package

PACKAGE: Package = {
    b"README": b"Read me.\n",
    b"src/main.c": b"int main() { return 0; }\n",
    b"src/deep/er/configure": ("x", b"#!/bin/sh\n"),
    b"src/link": ("l", b"main.c"),
    b"src/far": ("l", b"../" * 60 + b"x"),
    b"empty": b"",
    b"nothing/here": None,
    b"na\xc3\xafve/\xff\xfe": b"odd name",
    b"d" * 90 + b"/" + b"e" * 90 + b"/" + b"f" * 101: b"long name",
    b"g" * 250: b"long single name",
    b"big": b"0123456789abcdef" * 100_000,
}


def test_a_directory_comes_back_as_a_tar_with_the_same_tree(load: Load, tmp_path: Path) -> None:
    root, _ = load(PACKAGE)
    archive = tmp_path / "out.tar"
    archive.write_bytes(b"".join(tar.stream_tar(root)))
    out = tmp_path / "out"
    out.mkdir()
    subprocess.run(["tar", "-xf", archive, "-C", out], check=True)
    assert from_disk.Directory.from_disk(path=os.fsencode(out), max_content_length=None).hash == root


def test_a_tar_is_the_same_every_time_and_read_by_pythons_own_reader(load: Load) -> None:
    root, _ = load(PACKAGE)
    data = b"".join(tar.stream_tar(root, prefix=b"top/"))
    assert b"".join(tar.stream_tar(root, prefix=b"top/")) == data
    with tarfile.open(fileobj=BytesIO(data)) as archive:
        names = [os.fsencode(member.name) for member in archive]
        main = archive.getmember("top/src/main.c")
        assert (main.mode, main.mtime, main.uid, main.uname) == (0o644, 0, 0, "root")
        assert archive.getmember("top/src/deep/er/configure").mode == 0o755
        assert archive.getmember("top/src/far").linkname == "../" * 60 + "x"
    assert set(names) >= {b"top/" + path for path in PACKAGE}
    assert len(names) == len(set(names))


def test_a_member_of_eight_gigabytes_has_its_size_in_a_pax_header() -> None:
    length = 8 * 1024**3
    with tarfile.open(fileobj=BytesIO(tar.header(b"huge", length, FILE))) as reader:
        member = reader.next()
    assert member is not None
    assert (member.name, member.size) == ("huge", length)


def test_a_wide_and_deep_directory_is_walked_in_order(load: Load) -> None:
    package: dict[bytes, bytes] = {b"%03d/%02d/f%d" % (n % 40, n % 7, n): b"%d" % n for n in range(3000)}
    root, _ = load(package)
    with tarfile.open(fileobj=BytesIO(b"".join(tar.stream_tar(root)))) as archive:
        files = [member for member in archive if member.isfile()]
        found = {member.name.encode(): archive.extractfile(member).read() for member in files}  # type: ignore[union-attr]
    assert found == package
    assert [member.name for member in files] == sorted(member.name for member in files)


def test_a_missing_directory_is_told_before_the_first_byte(storage: FileStorage, db: None) -> None:
    with pytest.raises(NotFound):
        next(tar.stream_tar(bytes(20)))


def test_an_identifier_of_another_kind_is_not_found(load: Load) -> None:
    root, _ = load(PACKAGE)
    assert places.find(SWHID(ObjectType.DIRECTORY, root)) is not None
    assert places.find(SWHID(ObjectType.CONTENT, root)) is None


def test_directories_list_and_paths_resolve(load: Load) -> None:
    root, _ = load(PACKAGE)
    assert retrieval.resolve(root, b"") == Entry(b"", DIRECTORY, root)
    main = retrieval.resolve(root, b"/src/main.c")
    assert main == Entry(b"main.c", FILE, content_id(b"int main() { return 0; }\n"))
    source = retrieval.resolve(root, b"src/")
    names = [(entry.name, entry.mode) for entry in retrieval.directory_page(source.target).entries]
    assert names == [(b"deep", DIRECTORY), (b"far", SYMLINK), (b"link", SYMLINK), (b"main.c", FILE)]


@pytest.mark.parametrize("path", [b"none", b"README/x", b"src/none/x"])
def test_a_path_that_leads_nowhere_is_not_found(load: Load, path: bytes) -> None:
    root, _ = load(PACKAGE)
    with pytest.raises(NotFound):
        retrieval.resolve(root, path)


def test_known_answers_for_many_kinds_at_once(load: Load) -> None:
    root, _ = load(PACKAGE)
    here = {SWHID(ObjectType.DIRECTORY, root), SWHID(ObjectType.CONTENT, content_id(b""))}
    assert (
        retrieval.known(here | {SWHID(ObjectType.CONTENT, root), SWHID(ObjectType.ORIGIN, bytes(20))}) == here
    )


def test_a_content_is_found_by_its_sha256(load: Load) -> None:
    load(PACKAGE)
    empty = bytes.fromhex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    assert retrieval.find_by_sha256(empty) == SWHID(ObjectType.CONTENT, content_id(b""))
    assert retrieval.find_by_sha256(bytes(32)) is None


def test_release_snapshot_visit_and_metadata_come_back(storage: FileStorage, db: None) -> None:
    date = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
    with Ingest(storage) as ingest:
        root = SWHID(ObjectType.DIRECTORY, ingest.add_tree(Tree()))
        release = Release(name=b"1.0", target=root, author=b"A <a@b>", date=Timestamp.of(date), message=b"m")
        rel = ingest.add_release(release)
        snapshot = Snapshot({b"HEAD": Alias(b"r"), b"r": SWHID(ObjectType.RELEASE, rel)})
        snp = ingest.add_snapshot(snapshot)
        ingest.add_visit("https://a.example/x", snapshot=snp, date=date)
        ingest.add_visit("https://a.example/x", snapshot=snp, date=date)
        metadata = Metadata(
            target=root,
            format="f",
            document=b"<x/>",
            authority=("deposit_client", "https://a.example/"),
            fetcher=("s", "1"),
            discovery_date=date.replace(microsecond=0),
        )
        ingest.add_metadata(metadata)
        ingest.seal()
        with transaction.atomic():
            ingest.publish()
    assert retrieval.release(rel) == release
    assert retrieval.snapshot(snp) == snapshot
    assert retrieval.metadata_of(root) == [metadata]
    (visit,) = retrieval.visits("https://a.example/x")
    assert (bytes(visit.snapshot), visit.date, visit.type) == (snp, date, "deposit")
    assert Visit.objects.count() == 1
    assert retrieval.known([SWHID(ObjectType.ORIGIN, origin_id("https://a.example/x"))]) != set()
    assert retrieval.occurrences(root.hash) == [SWHID(ObjectType.RELEASE, rel)]
    assert retrieval.contains([snp], root.hash)


def test_contains_sees_what_is_below_a_directory_and_nothing_else(load: Load) -> None:
    root, _ = load(PACKAGE)
    other, _ = load({b"x/y": b"other", b"empty": b""})
    deep = content_id(b"#!/bin/sh\n")
    assert retrieval.contains([root], deep)
    assert retrieval.contains([other, root], deep)
    assert not retrieval.contains([other], deep)
    assert not retrieval.contains([], deep)
    assert not retrieval.contains([root], content_id(b"other"))
    assert retrieval.contains([other], content_id(b""))
    assert retrieval.contains([root], root)


def test_contains_finds_popular_contents_from_above(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retrieval, "_POPULAR", 10)
    root, _ = load({b"%d/%d" % (n, n): b"" for n in range(40)} | {b"0/unique": b"unique"})
    other, _ = load({b"a/b/c": b"", b"a/b/d": b"1"})
    elsewhere, _ = load({b"a/b/d": b"1"})
    assert retrieval.contains([root], content_id(b""))
    assert retrieval.contains([other], content_id(b""))
    assert not retrieval.contains([elsewhere], content_id(b""))


def test_two_readers_do_not_disturb_each_other(load: Load) -> None:
    data = os.urandom(3 * 1024**2)
    load({b"a": data, b"b": data[::-1]})
    first = retrieval.open_content(SWHID(ObjectType.CONTENT, content_id(data)))[1]
    second = retrieval.open_content(SWHID(ObjectType.CONTENT, content_id(data[::-1])))[1]
    parts = list(zip(first, second, strict=True))
    assert b"".join(part[0] for part in parts) == data
    assert b"".join(part[1] for part in parts) == data[::-1]


def test_bytes_that_are_not_what_the_name_says_are_never_given_out(load: Load) -> None:
    first, second = b"a" * 100, b"b" * 100
    large, other = os.urandom(2 * 1024**2), os.urandom(2 * 1024**2)
    load({b"1": first, b"2": second, b"3": large, b"4": other})
    for here, there in ((first, second), (large, other)):
        place = places.find(SWHID(ObjectType.CONTENT, content_id(there)))
        assert place is not None
        Object.objects.filter(sha1_git=content_id(here)).update(
            offset=place.row.offset, stored=place.row.stored, position=place.row.position
        )
        given: list[bytes] = []
        _, chunks = retrieval.open_content(SWHID(ObjectType.CONTENT, content_id(here)))
        with pytest.raises(Damaged):
            given.extend(chunks)
        assert sum(map(len, given)) < len(here)


def test_questions_by_target_are_answered_from_the_index(load: Load) -> None:
    root, _ = load(PACKAGE)
    with retrieval._by_target() as ask:
        some = bytea_array([root])
        plan = ask.rows("EXPLAIN " + retrieval._PARENTS, [some, [1, 3, 5], 2000, 2000])
    assert "object_by_targets" in "\n".join(line for (line,) in plan)
    with connection.cursor() as cursor:
        cursor.execute("SHOW enable_seqscan")
        assert cursor.fetchone() == ("on",)


def test_a_walk_asks_for_hundreds_of_entries_at_once(
    load: Load, django_assert_max_num_queries: Callable[[int], AbstractContextManager[object]]
) -> None:
    root, _ = load({b"%d/%d" % (n % 50, n): b"%d" % n for n in range(1000)})
    with django_assert_max_num_queries(8):
        assert len(b"".join(tar.stream_tar(root))) > 1_000_000


def test_a_parent_is_found_without_unfolding_what_it_holds(load: Load) -> None:
    """Of a folder with 5,000 entries one row is looked at, as of one with a single entry."""
    assert [rows_looked_at_for_a_parent(load, entries) for entries in (1, 5000)] == [1, 1]


def rows_looked_at_for_a_parent(load: Load, entries: int) -> int:
    load({b"file-%07d" % number: b"%d of %d" % (number, entries) for number in range(entries)})
    asked: list[tuple[str, Any]] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        asked.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        assert len(retrieval.parents_of([content_id(b"0 of %d" % entries)], 10)) == 1
    sql, params = next(each for each in asked if "LATERAL" in each[0])
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}", params)
        return max(rows_of(cursor.fetchone()[0][0]["Plan"]))


def rows_of(plan: dict[str, Any]) -> Iterator[int]:
    """How many rows each step of a plan gave."""
    yield int(plan["Actual Rows"])
    for step in plan.get("Plans", ()):
        yield from rows_of(step)
