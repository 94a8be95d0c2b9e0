"""What is sent to Software Heritage's storage: all of it, once, from the ground up; through faults and kills."""

import os
import random
import re
import resource
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client as HttpClient

from archive.identifiers import SWHID
from archive.ingest import Ingest
from archive.reading import Packs
from archive.tree import Tree
from checker.checking import check
from dashboard.deliveries import deliveries_of
from deposit.models import Collection, Delivery, Deposit, Status, WorkItem
from deposit.queue.dispatcher import release_passed_leases
from loader.destinations.software_heritage.archived import ArchivedTree
from loader.destinations.software_heritage.rpc import Rpc
from loader.destinations.software_heritage.sending import Sender
from loader.workflow import destination_named, load
from tests.loader.test_killed import load_in_child
from tests.support.factories import new_client, new_collection
from tests.support.lifecycle_fixtures import pass_lease, sent
from tests.support.samples import make_tar
from tests.support.software_heritage_storage import Storage, storage_server

pytestmark = pytest.mark.django_db(transaction=True)

BOTH = ["archive", "software_heritage"]
ALONE = ["software_heritage"]


@pytest.fixture
def storage(tmp_path: Path, settings: Any) -> Iterator[Storage]:
    settings.STAGING_ROOT = str(tmp_path / "staging")
    settings.ARCHIVE_ROOT = str(tmp_path / "archive")
    with storage_server() as storage:
        settings.SOFTWARE_HERITAGE_STORAGE_URL = storage.url
        yield storage


def verified(
    destinations: list[str], *, files: int = 40, origin: str = "one", version: str | None = None
) -> Deposit:
    collection = new_collection()
    Collection.objects.filter(pk=collection.pk).update(destinations=destinations)
    tree = {f"top/{n % 7}/{n % 3}/file{n}": b"%d" % n + os.urandom(20) for n in range(files)}
    client = new_client(collection)
    url = f"https://hal.example.org/{origin}"
    deposit = sent(make_tar(tree), who=(client, collection), origin=url, version=version)
    check(deposit.pk, worker="checker")
    return deposit


def loaded(deposit: Deposit) -> Deposit:
    load(deposit.pk, worker="loader")
    deposit.refresh_from_db()
    return deposit


def delivery_of(deposit: Deposit) -> Delivery:
    return Delivery.objects.get(deposit=deposit, destination="software_heritage", current=True)


def assert_whole(storage: Storage, deposit: Deposit) -> None:
    assert (deposit.status, delivery_of(deposit).error) == (Status.DONE, "")
    assert storage.dangling == []
    assert SWHID.parse(deposit.swhid or "").hash in storage.objects["directory"]
    visits = [visit for visit in storage.visits if visit["origin"] == deposit.origin_url]
    statuses = [status for status in storage.statuses.values() if status["origin"] == deposit.origin_url]
    assert (len(visits), [status["status"] for status in statuses]) == (1, ["full"])
    assert [each["format"] for each in storage.documents.values()].count("sword-v2-atom-codemeta-v2") == 2


@pytest.mark.parametrize("destinations", [BOTH, ALONE])
def test_all_of_a_deposit_goes_there(storage: Storage, destinations: list[str]) -> None:
    deposit = loaded(verified(destinations))
    assert_whole(storage, deposit)
    assert destination_named("software_heritage").inspect is not None
    found = destination_named("software_heritage").inspect(delivery_of(deposit))  # type: ignore[misc]
    assert (found["stored"], found["complete"]) == ("objects and visit", True)


def test_metrics_and_page_tell_what_was_new_there(storage: Storage) -> None:
    deposit = loaded(verified(BOTH))
    told = HttpClient().get("/metrics").content.decode()
    to = 'destination="software_heritage"'
    assert f'deposit_deliveries_ended{{{to},outcome="done"}} 1.0' in told
    assert f'deposit_delivery_sent{{{to},what="contents"}} 40.0' in told
    assert re.search(f'deposit_delivery_sent{{{to},what="bytes"}} [0-9]+', told)
    (seconds,) = re.findall(f'deposit_delivery_seconds_sum{{{to},outcome="done"}} ([0-9.]+)', told)
    assert float(seconds) > 0
    (line,) = (one for one in deliveries_of(deposit, faults=False) if one.destination == "software_heritage")
    sent = delivery_of(deposit).activities.get(name="send the objects").result["sent"]
    assert line.steps[0].sent == (
        f"New there: files 40 ({sent['bytes']} bytes), folders {sent['directories']}. There already: files 0."
    )
    assert [step.sent for step in line.steps[1:]] == ["", ""]


@pytest.mark.parametrize("destinations", [BOTH, ALONE])
def test_a_snapshot_names_all_versions(storage: Storage, destinations: list[str]) -> None:
    first = loaded(verified(destinations, version="1.0"))
    collection, client = first.collection, first.client
    document = sent(
        make_tar({"a/b": b"second"}), who=(client, collection), origin=first.origin_url or "", version="2.0"
    )
    check(document.pk, worker="checker")
    second = loaded(document)
    snapshot = SWHID.parse(delivery_of(second).activities.get(name="send the objects").result["snapshot"])
    branches = storage.objects["snapshot"][snapshot.hash]["branches"]
    assert sorted(branches) == [b"HEAD", b"deposit/1.0", b"deposit/2.0"]
    assert branches[b"HEAD"]["target"] == b"deposit/2.0"
    assert storage.dangling == []


def test_versions_that_were_archived_before_go_along(storage: Storage) -> None:
    first = loaded(verified(["archive"], version="1.0"))
    Collection.objects.filter(pk=first.collection_id).update(destinations=BOTH)
    later = sent(
        make_tar({"a/b": b"2"}),
        who=(first.client, first.collection),
        origin=first.origin_url or "",
        version="2",
    )
    check(later.pk, worker="checker")
    assert loaded(later).status == Status.DONE
    assert SWHID.parse(first.release_swhid or "").hash in storage.objects["release"]
    assert storage.dangling == []


@pytest.mark.parametrize("status", [500, 502, 503, 429])
def test_a_fault_there_is_waited_for(storage: Storage, status: int) -> None:
    deposit = verified(BOTH)
    storage.faults = [200, 200, status]
    assert loaded(deposit).status == Status.LOADING
    assert delivery_of(deposit).state == "waiting"
    WorkItem.objects.filter(deposit=deposit).update(due_at="2000-01-01T00:00Z")
    assert_whole(storage, loaded(deposit))


def test_what_is_refused_there_fails_the_delivery(storage: Storage) -> None:
    deposit = verified(BOTH)
    storage.faults = [400]
    assert loaded(deposit).status == Status.FAILED
    assert (delivery_of(deposit).code, delivery_of(deposit).error) == (
        "software_heritage.refused",
        "The storage refuses what was sent: Fault.",
    )


def test_requests_are_made_shorter_where_they_are_too_long(storage: Storage) -> None:
    storage.largest = 6_000
    assert_whole(storage, loaded(verified(BOTH, files=12)))


def test_without_an_address_nothing_is_tried_for_long(storage: Storage, settings: Any) -> None:
    settings.SOFTWARE_HERITAGE_STORAGE_URL = ""
    deposit = loaded(verified(BOTH))
    assert delivery_of(deposit).code == "software_heritage.place"


def test_whoever_is_killed_leaves_nothing_that_points_at_nothing(storage: Storage, settings: Any) -> None:
    settings.MAX_ATTEMPTS = 1000
    chance = random.Random(os.environ.get("PYTEST_SEED", "1"))
    usual = load_in_child(verified(BOTH, files=300, origin="usual").pk, None)
    deposits = [verified(BOTH if n % 2 else ALONE, files=300, origin=str(n)) for n in range(3)]
    for deposit in deposits:
        for _ in range(int(os.environ.get("LOADER_KILLS", "12")) // 3):
            load_in_child(deposit.pk, chance.uniform(0, usual))
            assert storage.dangling == []
            deposit.refresh_from_db()
            if deposit.status == Status.LOADING:
                pass_lease(deposit)
                release_passed_leases()
        for _ in range(5):
            # What takes long lets others go first, and goes on then.
            load_in_child(deposit.pk, None)
            deposit.refresh_from_db()
            if deposit.status == Status.DONE:
                break
        told = list(
            deposit.deliveries.values("destination", "state", "activities__error", "activities__fault")
        )
        assert deposit.status == Status.DONE, told
        assert storage.dangling == []
        assert len([visit for visit in storage.visits if visit["origin"] == deposit.origin_url]) == 1


class _Held:
    def check(self) -> None: ...


def test_a_large_tree_streams(storage: Storage) -> None:
    """``SOFTWARE_HERITAGE_TREE=90000`` for a tree as large as Linux's; the memory is that of a process of its own."""
    number = int(os.environ.get("SOFTWARE_HERITAGE_TREE", "3000"))
    with Ingest() as ingest, closing(Tree()) as tree:
        for n in range(number):
            data = b"%d " % n * (40 if n % 50 else 40_000)
            tree.add_file(b"top/%d/%d/file%d" % (n % 60, n % 5700, n), ingest.add_content(data))
        root = ingest.add_tree(tree)
        ingest.seal()
        with transaction.atomic():
            ingest.publish()
    connection.close()
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        with Rpc(storage.url, name="The storage", timeout=60) as rpc, Packs() as packs:
            sender = Sender(storage=rpc, lease=_Held(), most_bytes=10**8)  # type: ignore[arg-type]
            ArchivedTree(packs, sender).send(root)
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        os.write(write, f"{before} {after} {sender.sent.contents}".encode())
        os._exit(0)
    os.waitpid(child, 0)
    before, after, sent_contents = map(int, os.read(read, 100).split())
    assert sent_contents == number
    assert storage.dangling == []
    print(f"\n{number} files: {after / 1024:.0f} MiB, of which sending took {(after - before) / 1024:.0f}")  # noqa: T201
    # The process has what the test run had; what sending adds is ours.
    assert after - before < 150 * 1024, (before, after)
    os.close(read)
    os.close(write)
