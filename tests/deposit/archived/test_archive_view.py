"""From a deposit over SWORD, through checker and loader, and back out of the archive."""

import subprocess
from pathlib import Path

import pytest
from django.db import transaction
from django.test import Client as HttpClient
from swh.model.from_disk import Directory

from archive.identifiers import SWHID, ObjectType
from archive.ingest import Ingest
from archive.objects import Release, Snapshot
from checker.checking import check
from deposit import lifecycle
from deposit.lifecycle import Work
from deposit.models import Client, Collection, Deposit, EventName, Finding, Identifier
from loader.workflow import load
from tests.deposit.sword.test_views import multipart
from tests.support.factories import http_client, logged_in, new_client
from tests.support.lifecycle_fixtures import claimed
from tests.support.samples import atom_entry, create_origin, make_tar, make_zip

FILES = {"pkg/readme.txt": b"hello\n", "pkg/src/main.py": b"print('hello')\n", "pkg/empty": b""}


def deposit_package(
    http: HttpClient, package: bytes, origin: str = "https://hal.example.org/soft"
) -> Deposit:
    body, kind = multipart(atom_entry(create_origin(origin)), package)
    response = http.post("/1/hal/", body, content_type=kind)
    assert response.status_code == 201, response.content
    deposit = Deposit.objects.latest("id")
    check(deposit.pk, worker="test")
    load(deposit.pk, worker="test")
    deposit.refresh_from_db()
    return deposit


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("package", [make_zip(FILES), make_tar(FILES), make_tar(FILES, "w:xz")])
def test_a_deposit_comes_back_byte_for_byte(http: HttpClient, tmp_path: Path, package: bytes) -> None:
    deposit = deposit_package(http, package)
    assert list(Finding.objects.filter(severity="error").values_list("message", flat=True)) == []
    assert deposit.status == "done"
    answer = http.get(f"/archive/{deposit.swhid}/")
    assert answer.status_code == 200
    subprocess.run(["tar", "-xf", "-", "-C", tmp_path], check=True, input=answer.getvalue())
    assert {name: (tmp_path / name).read_bytes() for name in FILES} == FILES
    assert str(Directory.from_disk(path=bytes(tmp_path), max_content_length=None).swhid()) == deposit.swhid


@pytest.mark.django_db(transaction=True)
def test_only_the_depositor_reads_its_objects(
    http: HttpClient, collection: Collection, depositor: Client
) -> None:
    deposit = deposit_package(http, make_zip(FILES))
    with_content = "swh:1:cnt:ce013625030ba8dba906f756967f9e9ca394464a"
    assert http.get(f"/archive/{with_content}/").getvalue() == b"hello\n"
    assert http.get(f"/archive/{deposit.snapshot_swhid}/").status_code == 200
    neighbour = http_client(new_client(collection, username="neighbour"))
    foreign = neighbour.get(f"/archive/{deposit.swhid}/")
    missing = neighbour.get("/archive/swh:1:dir:" + "0" * 40 + "/")
    assert (foreign.status_code, missing.status_code) == (404, 404)
    assert neighbour.get(f"/archive/{with_content}/").status_code == 404


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("public", [False, True])
def test_what_was_handed_out_is_found_while_and_after_it_is_loaded_again(
    http: HttpClient, collection: Collection, public: bool
) -> None:
    deposit = deposit_package(http, make_zip(FILES))
    # An earlier load, by other rules, had given it another release and another snapshot of the same directory.
    earlier = other_release_of(deposit)
    Collection.objects.filter(pk=collection.pk).update(public=public)
    reader = HttpClient() if public else http
    told = [deposit.swhid, deposit.release_swhid, deposit.snapshot_swhid, *earlier]

    def found() -> list[int]:
        return [reader.get(f"/archive/{swhid}/").status_code for swhid in told]

    assert found() == [200] * 5
    lifecycle.fire(EventName.RESCHEDULE, deposit.pk, actor="operator")
    assert found() == [200] * 5
    claim = claimed(Work.LOAD, deposit)
    assert found() == [200] * 5
    lifecycle.fire(EventName.FAIL, deposit.pk, actor="loader", token=claim.token)
    assert found() == [200] * 5
    lifecycle.fire(EventName.RESCHEDULE, deposit.pk, actor="operator")
    load(deposit.pk, worker="test")
    assert found() == [200] * 5
    neighbour = http_client(new_client(collection, username="neighbour"))
    foreign = [neighbour.get(f"/archive/{swhid}/").status_code for swhid in told]
    assert foreign == ([200] * 5 if public else [404] * 5)


@pytest.mark.django_db(transaction=True)
def test_identifiers_that_were_superseded_are_told_as_such(http: HttpClient, depositor: Client) -> None:
    deposit = deposit_package(http, make_zip(FILES))
    earlier = other_release_of(deposit)
    known = http.post("/api/archive/known/", {"swhids": earlier}, content_type="application/json").json()
    assert known == {swhid: {"known": True} for swhid in earlier}
    rows = http.get(f"/api/deposits/{deposit.pk}/").json()["identifiers"]
    assert {row["value"] for row in rows if row["superseded"]} == set(earlier)
    assert {row["value"] for row in rows if not row["superseded"]} == {
        deposit.swhid, deposit.release_swhid, deposit.snapshot_swhid,
    }  # fmt: skip
    page = logged_in(depositor.user).get(f"/deposits/{deposit.pk}/").content.decode()
    assert "Superseded" in page
    assert all(swhid in page for swhid in earlier)


def other_release_of(deposit: Deposit) -> list[str]:
    """A release and a snapshot of the same directory that the deposit was known by before."""
    target = SWHID.parse(deposit.swhid or "")
    with Ingest() as ingest:
        release = ingest.add_release(
            Release(name=b"0", target=target, message=b"Before.\n", author=b"x <x@y.z>", date=None)
        )
        snapshot = ingest.add_snapshot(Snapshot({b"HEAD": SWHID(ObjectType.RELEASE, release)}))
        ingest.seal()
        with transaction.atomic():
            ingest.publish()
    told = [str(SWHID(ObjectType.RELEASE, release)), str(SWHID(ObjectType.SNAPSHOT, snapshot))]
    for scheme, value in zip(("swhid-release", "swhid-snapshot"), told, strict=True):
        Identifier.objects.create(deposit=deposit, scheme=scheme, value=value)
    return told
