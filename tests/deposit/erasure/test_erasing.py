"""A deposit is erased: its objects, its packages, what the record says of it; and nothing else."""

import io
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import zstandard
from django.conf import settings as in_force
from django.db import connection

from archive import erasure
from archive.errors import ObjectErased
from archive.identifiers import SWHID
from archive.maintenance import verify
from archive.retrieval import known, read_object, resolve
from archive.storage import default_storage
from checker.checking import check
from deposit.erasure import work
from deposit.metadata.entry import read_entry
from deposit.models import Deposit, Event, Finding, Part, Withdrawal, WorkItem
from deposit.services import deposits
from deposit.services.parts import Submission
from deposit.staging.files import path_of
from loader.destinations.archive.describing import describe
from loader.workflow import load
from tests.support.erasing import FILES, Institution
from tests.support.factories import acting_as
from tests.support.samples import atom_entry

MARKS = (b"Marker", b"marker-file", b"marker-package")


@pytest.fixture
def institution(db: None, settings: Any, tmp_path: Path) -> Institution:
    """Its folders are its own: what other tests have left is not searched."""
    settings.STAGING_ROOT = str(tmp_path / "staging")
    settings.ARCHIVE_ROOT = str(tmp_path / "archive")
    return Institution()


def content(deposit: Deposit, path: bytes) -> SWHID:
    assert deposit.swhid is not None
    return resolve(SWHID.parse(deposit.swhid).hash, path).swhid


def _about(deposit: Deposit) -> bytes:
    told = f'<swh:deposit><swh:reference><swh:object swhid="{deposit.swhid}"/></swh:reference></swh:deposit>'
    return atom_entry(told, title="Marker-Alone")


def in_database(mark: str) -> dict[str, int]:
    """Tables in which any row has a text."""
    found = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(
                f'SELECT count(*) FROM "{table}" t WHERE strpos(t::text, %s) > 0 OR strpos(t::text, %s) > 0',  # noqa: S608
                [mark, mark.encode().hex()],
            )
            if number := cursor.fetchone()[0]:
                found[table] = number
    return found


def on_disk(mark: bytes) -> list[Path]:
    """Files below the service's folders that hold some bytes as they are, in zip and zstd frames, too."""
    found = []
    for root in (in_force.STAGING_ROOT, in_force.ARCHIVE_ROOT):
        for path in Path(root).rglob("*"):
            if not path.is_file():
                continue
            data = path.read_bytes()
            try:
                with zipfile.ZipFile(io.BytesIO(data)) as package:
                    data += b"".join(package.read(name) for name in package.namelist())
            except zipfile.BadZipFile:
                at = data.find(b"\x28\xb5\x2f\xfd")
                while at >= 0:
                    with suppress(zstandard.ZstdError):
                        data += zstandard.ZstdDecompressor().decompressobj().decompress(data[at:])
                    at = data.find(b"\x28\xb5\x2f\xfd", at + 1, at + 10**6)
            if mark in data:
                found.append(path)
    return found


def test_all_that_only_it_brought_is_gone(institution: Institution) -> None:
    deposit = institution.archived(FILES)
    own = content(deposit, b"pkg/marker-file.txt")
    assert in_database("Marker-Title")
    assert on_disk(b"Marker-Content")
    asked = institution.erase(deposit)
    assert asked.erased_at is not None
    for mark in MARKS:
        assert (mark, in_database(mark.decode()), on_disk(mark)) == (mark, {}, [])
    assert deposit.swhid is not None
    with pytest.raises(ObjectErased):
        read_object(own)
    assert all(found is None for found in verify(default_storage()))
    assert erasure.packs_to_erase() == 0
    deposit.refresh_from_db()
    assert (deposit.status, deposit.title, str(deposit.swhid)[:10]) == ("done", "", "swh:1:dir:")
    assert [model.objects.count() for model in (Part, Finding, WorkItem)] == [0, 0, 0]
    names = Event.objects.filter(deposit=deposit).order_by("-id").values_list("name", flat=True)
    assert list(names[:3]) == ["erased", "erase", "request-deletion"]
    assert Event.objects.filter(deposit=deposit, name="finish").get().detail == {"swhid": deposit.swhid}
    assert Withdrawal.objects.get().erased


def test_what_others_brought_too_stays(institution: Institution) -> None:
    deposit = institution.archived(FILES)
    other = institution.archived(
        {"pkg/shared.txt": FILES["pkg/shared.txt"], "pkg/sub/inner": FILES["pkg/sub/inner"]},
        origin="elsewhere",
    )
    shared, below = content(other, b"pkg/shared.txt"), content(other, b"pkg/sub/inner")
    alone = content(deposit, b"pkg/marker-file.txt")
    asked = institution.ask(deposit)
    assert asked.plan is not None
    # Two files and the folder sub, which both have; ours are the file, two folders, release, snapshot, two documents.
    assert asked.plan["stays"] == {"files": 2, "directories": 1, "bytes": asked.plan["stays"]["bytes"]}
    goes = {name: number for name, number in asked.plan["goes"].items() if name != "bytes"}
    assert goes == {"files": 1, "directories": 2, "releases": 1, "snapshots": 1, "documents": 2}
    assert asked.plan["shared_with"] == [other.pk]
    assert asked.plan["packs"]["number"] == 1
    assert asked.plan["staged"]["packages"] == 1
    institution.approve(asked)
    work.erase(asked.pk, worker="eraser@test")
    assert known([shared, below, alone]) == {shared, below}
    assert read_object(shared) == FILES["pkg/shared.txt"]
    assert all(found is None for found in verify(default_storage()))


def test_a_later_version_of_the_same_origin_does_not_hold_the_earlier_one(institution: Institution) -> None:
    deposit = institution.archived(FILES)
    later = institution.archived({"pkg/new": b"new"}, version="2.0")
    institution.erase(deposit)
    gone = [SWHID.parse(str(text)) for text in (deposit.release_swhid, deposit.swhid)]
    stays = [SWHID.parse(str(text)) for text in (later.release_swhid, later.snapshot_swhid)]
    assert known(gone + stays) == set(stays)
    # A third version names only what is there.
    third = institution.archived({"pkg/new": b"newer"}, version="3.0")
    assert gone[0].hash not in read_object(SWHID.parse(str(third.snapshot_swhid)))


def test_the_same_package_deposited_twice_stays_with_the_other(institution: Institution) -> None:
    first = institution.archived(FILES)
    second = institution.archived(FILES, origin="elsewhere")
    own = content(first, b"pkg/marker-file.txt")
    institution.erase(first)
    assert known([own]) == {own}
    assert second.swhid is not None
    institution.erase(second)
    assert known([own]) == set()


def test_only_named_files_are_erased_and_the_deposit_stays(institution: Institution) -> None:
    deposit = institution.archived(FILES)
    other = institution.archived({"x": FILES["pkg/marker-file.txt"]}, origin="elsewhere")
    own, kept = content(deposit, b"pkg/marker-file.txt"), content(deposit, b"pkg/shared.txt")
    asked = institution.ask(deposit, str(own))
    assert asked.plan is not None
    assert (asked.plan["goes"]["files"], asked.plan["shared_with"]) == (1, [other.pk])
    institution.approve(asked)
    work.erase(asked.pk, worker="eraser@test")
    assert known([own, kept]) == {kept}
    assert not Withdrawal.objects.exists()
    # The other deposit's package, as it was sent, is that deposit's.
    assert on_disk(b"Marker-Content of a file") == [path_of(str(other.parts.get(kind="package").stored_as))]
    deposit.refresh_from_db()
    assert deposit.title == "Marker-Title"


def test_what_is_erased_while_it_waits_for_the_loader_is_not_loaded(institution: Institution) -> None:
    deposit = institution.archived(FILES)
    again = institution.sent({"other": FILES["pkg/marker-file.txt"], "new": b"new"}, origin="again")
    check(again.pk, worker="checker@test")
    institution.erase(deposit)
    load(again.pk, worker="loader@test")
    again.refresh_from_db()
    assert again.status == "failed"
    finding = Finding.objects.get(deposit=again, code="loading.erased")
    assert "deposit the rest anew" in finding.message


def test_metadata_alone_are_erased(institution: Institution) -> None:
    deposit = institution.archived(FILES)
    described = deposits.create(
        actor=acting_as(institution.depositor),
        collection=institution.collection,
        submission=Submission(entry=read_entry(_about(deposit))),
        in_progress=False,
        slug=None,
    )
    describe(Part.objects.get(deposit=described).pk, worker="loader@test")
    assert described.status == "done"
    asked = institution.ask(described)
    assert asked.plan is not None
    assert asked.plan["goes"]["documents"] == 2
    institution.approve(asked)
    work.erase(asked.pk, worker="eraser@test")
    assert (in_database("Marker-Alone"), on_disk(b"Marker-Alone")) == ({}, [])
    assert known([SWHID.parse(str(deposit.swhid))])


def test_what_was_erased_is_not_deposited_again(institution: Institution) -> None:
    deposit = institution.archived(FILES)
    institution.erase(deposit)
    again = institution.sent({"other/name.txt": FILES["pkg/marker-file.txt"]}, origin="again")
    check(again.pk, worker="checker@test")
    again.refresh_from_db()
    assert again.status == "rejected"
    finding = Finding.objects.get(deposit=again, severity="error")
    assert (finding.code, finding.subject) == ("package.erased", "other/name.txt")
