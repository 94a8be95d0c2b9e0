"""The destination software_heritage against swh-storage and swh-objstorage, and beside their own deposit loader."""

import os
import tarfile
import uuid
from collections.abc import Iterator
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from checker.checking import check
from deposit import lifecycle
from deposit.models import Collection, Delivery, Deposit, EventName, Identifier
from loader.destinations.archive.extrinsic import FETCHER
from loader.workflow import load
from tests.interop import rows
from tests.interop.packages import Tree, directory_swhid
from tests.interop.software_heritage import DepositPeer, SoftwareHeritage
from tests.support.factories import new_client, new_collection
from tests.support.lifecycle_fixtures import sent

pytestmark = pytest.mark.django_db(transaction=True)

PROVIDER = "https://loader.example.org"
# A second load is another visit, and its status.
OBJECTS = [table for table in rows.TABLES if not table.startswith("origin_visit")]

# Rows that deposits share.
KNOWN = ("metadata_authority", "fetchers")


@pytest.fixture(autouse=True)
def _places(tmp_path: Path, settings: Any) -> None:
    settings.STAGING_ROOT = str(tmp_path / "staging")
    settings.ARCHIVE_ROOT = str(tmp_path / "archive")


@pytest.fixture(scope="module")
def ours(software_heritage: SoftwareHeritage) -> Iterator[SoftwareHeritage]:
    """Another storage of the same kind, for what we send."""
    with software_heritage.another("ours") as storage:
        yield storage


def package_of(path: Path, tree: Tree) -> Path:
    with tarfile.open(path, "w") as package:
        for name, content in tree.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            package.addfile(member, BytesIO(content))
    return path


def many_files(number: int, size: int) -> Tree:
    return {
        f"top/dir{n % 97}/sub{n % 7}/file{n}": n.to_bytes(8, "big") + os.urandom(size) for n in range(number)
    }


def arrived(collection: Collection, tree: Tree, folder: Path, **fields: Any) -> Deposit:
    client = new_client(collection, provider_url=f"{PROVIDER}/")
    package = package_of(folder / "package.tar", tree)
    origin = f"{PROVIDER}/{uuid.uuid4().hex}"
    return sent(package.read_bytes(), who=(client, collection), origin=origin, **fields)


@pytest.mark.parametrize("destinations", [["archive", "software_heritage"], ["software_heritage"]])
@pytest.mark.parametrize("directly", [False, True])
def test_a_deposit_goes_there_whole_and_once(
    ours: SoftwareHeritage, settings: Any, tmp_path: Path, destinations: list[str], directly: bool
) -> None:
    settings.SOFTWARE_HERITAGE_STORAGE_URL = ours.storage_url
    settings.SOFTWARE_HERITAGE_OBJSTORAGE_URL = ours.objects_url if directly else ""
    settings.SOFTWARE_HERITAGE_MAX_CONTENT = 4 * 1024**2
    collection = new_collection()
    Collection.objects.filter(pk=collection.pk).update(destinations=destinations)
    big, large = os.urandom(5 * 1024**2), os.urandom(2 * 1024**2)
    tree = {**many_files(50, 100), "top/big": big, "top/large": large, "top/empty": b""}
    deposit = arrived(collection, tree, tmp_path)
    check(deposit.pk, worker="checker")
    load(deposit.pk, worker="loader")
    deposit.refresh_from_db()
    delivery = Delivery.objects.get(deposit=deposit, destination="software_heritage")
    assert (deposit.status, delivery.error) == ("done", "")
    assert deposit.swhid == directory_swhid(tree)
    counts = delivery.activities.get(name="send the objects").result["sent"]
    # The empty file may be there from another test.
    assert (counts["contents"] + counts["known"], counts["skipped"]) == (52, 1)
    ((snapshot,),) = ours.query(
        "SELECT s.snapshot FROM origin_visit_status s JOIN origin o ON o.id = s.origin "  # noqa: S608
        f"WHERE o.url = '{deposit.origin_url}' AND s.status = 'full'",
    )
    told = Identifier.objects.get(deposit=deposit, scheme="software-heritage").value
    assert f"visit=swh:1:snp:{bytes(snapshot).hex()}" in told
    statement = f"SELECT format, id FROM raw_extrinsic_metadata WHERE target = '{deposit.swhid}'"  # noqa: S608
    documents = ours.query(statement)
    assert sorted(form for form, _ in documents) == ["original-artifacts-json", "sword-v2-atom-codemeta-v2"]
    # Again: nothing is new.
    before = {table: len(rows.read(ours, table)) for table in OBJECTS}
    lifecycle.fire(EventName.RESCHEDULE, deposit.pk, actor="operator")
    load(deposit.pk, worker="loader")
    deposit.refresh_from_db()
    assert deposit.status == "done"
    again = Delivery.objects.filter(deposit=deposit, destination="software_heritage").latest("pk")
    assert again.activities.get(name="send the objects").result["sent"]["contents"] == 0
    assert {table: len(rows.read(ours, table)) for table in OBJECTS} == before


def all_rows(storage: SoftwareHeritage) -> dict[str, list[rows.Row]]:
    found = {table: rows.read(storage, table) for table in rows.TABLES}
    return {**found, "metadata": rows.metadata(storage), "fetchers": rows.fetchers(storage)}


def compare(
    before: tuple[dict[str, list[rows.Row]], ...], after: tuple[dict[str, list[rows.Row]], ...]
) -> None:
    """All rows are the same, but for who fetched the metadata."""
    theirs, mine = (
        {table: rows.new(early[table], late[table]) for table in early if table not in KNOWN}
        for early, late in zip(before, after, strict=True)
    )
    assert {table for table, found in mine.items() if not found} == {"skipped_content"}
    for table in mine:
        assert mine[table] == theirs[table], table
    # Another test may have written these before; which authority tells of a document is compared with it.
    known, ours = (each["metadata_authority"] for each in after)
    assert {(kind, url) for _, _, _, kind, url, *_ in theirs["metadata"]} <= {*known} & {*ours}
    assert ({name for name, _ in after[0]["fetchers"]}, after[1]["fetchers"]) == ({"swh-deposit"}, [FETCHER])


def test_their_loader_and_ours_write_the_same_rows(
    ours: SoftwareHeritage,
    software_heritage: SoftwareHeritage,
    deposit_peer: DepositPeer,
    settings: Any,
    tmp_path: Path,
) -> None:
    settings.SOFTWARE_HERITAGE_STORAGE_URL = ours.storage_url
    settings.SOFTWARE_HERITAGE_OBJSTORAGE_URL = ours.objects_url
    # Who signs releases, and who tells of packages: then their identifiers are the same too.
    settings.RELEASE_AUTHOR, settings.AUTHORITY_URL = "Software Heritage", "https://softwareheritage.org/"
    who: dict[str, Any] = {
        "provider_url": f"{PROVIDER}/",
        "domain": "loader.example.org",
        "last_name": "Loader",
    }
    deposit_peer.do("user", username="loader", password="loader", collections=["loader"], **who)
    number = int(os.environ.get("SOFTWARE_HERITAGE_FILES", "1100"))
    package = package_of(
        tmp_path / "same.tar", {**many_files(number, 3000), "top/run": b"#!/bin/sh\n", "top/\xe9": b"x"}
    )
    pk = deposit_peer.do(
        "deposit", username="loader", collection="loader", package=str(package), origin=f"{PROVIDER}/same"
    )
    before = all_rows(software_heritage), all_rows(ours)
    deposit_peer.do("check", id=pk, collection="loader")
    theirs = deposit_peer.do("load", id=pk)
    assert theirs["status"] == "eventful"
    words = ("--database", deposit_peer.database, "--uploads", str(deposit_peer.media))
    call_command("swh_deposit_import", *words, "--collection", "loader", stdout=StringIO(), stderr=StringIO())
    Collection.objects.filter(name="loader").update(destinations=["archive", "software_heritage"])
    lifecycle.fire(EventName.RESCHEDULE, pk, actor="operator")
    load(pk, worker="loader")
    deposit = Deposit.objects.get(pk=pk)
    assert deposit.status == "done", list(Delivery.objects.values("destination", "error"))
    compare(before, (all_rows(software_heritage), all_rows(ours)))
    seconds = {
        step.name: (step.ended_at - step.started_at).total_seconds()
        for delivery in Delivery.objects.filter(deposit=pk)
        for step in delivery.activities.all()
        if step.ended_at is not None
    }
    told = ", ".join(f"{name} {each:.1f} s" for name, each in seconds.items())
    print(f"\n{number} files: their loader {theirs['seconds']:.1f} s; ours: {told}")  # noqa: T201
