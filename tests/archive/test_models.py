"""The database refuses what the code forbids."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import ProtectedError

from archive.models import FixityCheck, Object, Origin, Pack, Visit

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def pack(db: None) -> Pack:
    return Pack.objects.create(size=10, sha256=b"p" * 32)


def content(pack: Pack, **changes: Any) -> Object:
    fields: dict[str, Any] = {
        "length": 1,
        "offset": 0,
        "stored": 5,
        "pack": pack,
        "position": 512,
        "kind": 0,
        "sha1_git": b"o" * 20,
        "sha256": b"s" * 32,
    }
    return Object(**(fields | changes))


def directory(pack: Pack, **changes: Any) -> Object:
    return content(pack, **({"kind": 1, "sha256": None, "targets": []} | changes))


def refuses(constraint: str, row: Any) -> None:
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        row.save(force_insert=True)


def test_a_content_and_a_directory_are_accepted(pack: Pack) -> None:
    content(pack).save(force_insert=True)
    directory(pack, sha1_git=b"d" * 20).save(force_insert=True)
    assert [str(one) for one in Object.objects.order_by("kind")] == [
        f"swh:1:cnt:{b'o'.hex() * 20}",
        f"swh:1:dir:{b'd'.hex() * 20}",
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {"sha256": None},
        {"sha256": b"short"},
        {"targets": []},
        {"kind": 1},
        {"kind": 2, "sha256": None, "targets": []},
        {"kind": 4, "sha256": None, "targets": []},
        {"kind": 9, "sha256": None, "targets": []},
    ],
)
def test_an_object_is_a_content_or_points_at_others(pack: Pack, changes: dict[str, Any]) -> None:
    refuses("object_is_content_or_points_at_others", content(pack, **changes))


def test_an_identifier_has_twenty_bytes(pack: Pack) -> None:
    refuses("object_sha1_git_has_20_bytes", content(pack, sha1_git=b"x"))


def test_an_identifier_is_there_once(pack: Pack) -> None:
    content(pack).save(force_insert=True)
    refuses("archive_object_pkey", directory(pack))


@pytest.mark.parametrize(
    "changes", [{"length": -1}, {"offset": -1}, {"stored": 0}, {"position": 0}, {"branching": -1}]
)
def test_an_object_has_a_place(pack: Pack, changes: dict[str, int]) -> None:
    refuses("object_has_a_place", content(pack, **changes))


def test_packs_have_a_name_and_bytes(pack: Pack) -> None:
    refuses("pack_sha256_has_32_bytes", Pack(size=1, sha256=b"x"))
    refuses("pack_has_bytes", Pack(size=0, sha256=b"q" * 32))
    refuses("archive_pack_sha256", Pack(size=1, sha256=b"p" * 32))


def test_a_pack_with_objects_or_checks_is_not_deleted(pack: Pack) -> None:
    content(pack).save(force_insert=True)
    with pytest.raises(ProtectedError):
        pack.delete()
    with (
        pytest.raises(IntegrityError, match="cannot be deleted"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("DELETE FROM archive_pack")


def test_packs_are_not_emptied_without_their_objects(pack: Pack) -> None:
    content(pack).save(force_insert=True)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    with (
        pytest.raises(IntegrityError, match="cannot be emptied"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("TRUNCATE archive_pack CASCADE")
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE archive_pack, archive_object CASCADE")
    assert not Pack.objects.exists()


def test_a_pack_without_objects_may_go(pack: Pack) -> None:
    pack.delete()
    assert not Pack.objects.exists()


def test_origins_are_there_once_with_a_url(db: None) -> None:
    Origin.objects.create(sha1=b"o" * 20, url="https://a.example/")
    refuses("archive_origin_sha1", Origin(sha1=b"o" * 20, url="https://b.example/"))
    refuses("origin_sha1_has_20_bytes", Origin(sha1=b"o", url="https://b.example/"))
    refuses("origin_has_a_url", Origin(sha1=b"p" * 20, url=""))


def test_a_visit_is_recorded_once(pack: Pack) -> None:
    origin = Origin.objects.create(sha1=b"o" * 20, url="https://a.example/")
    fields: dict[str, Any] = {"origin": origin, "pack": pack, "date": NOW, "type": "deposit"}
    Visit.objects.create(snapshot=b"s" * 20, **fields)
    refuses("visit_is_recorded_once", Visit(snapshot=b"s" * 20, **fields))
    refuses("visit_snapshot_has_20_bytes", Visit(snapshot=b"s", **fields))


def test_a_fixity_check_has_an_outcome(pack: Pack) -> None:
    check = FixityCheck(pack=pack, read=1, started_at=NOW, thorough=False, outcome="perhaps")
    refuses("fixity_check_has_an_outcome", check)
