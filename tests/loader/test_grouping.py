"""Small deposits that wait together are loaded together; one that is bad falls out alone."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.db.models.functions import Now

from archive.identifiers import SWHID
from archive.models import Pack
from archive.retrieval import metadata_of, snapshot
from checker.checking import check
from deposit.actors import Channel, SystemActor
from deposit.models import AdvisoryLock, Deposit, Status, WorkItem
from deposit.queue.dispatcher import release_passed_leases, round_of_work
from deposit.services.operations import reschedule
from loader.destinations.archive.together import archive_together
from loader.workflow import load
from tests.loader.test_killed import load_in_child
from tests.support.lifecycle_fixtures import depositor, pass_lease, sent
from tests.support.samples import atom_entry, create_origin, make_zip

pytestmark = pytest.mark.django_db(transaction=True)

Waiting = Callable[..., list[Deposit]]


def origin(number: int) -> str:
    return f"https://hal.example.org/group/{number}"


@pytest.fixture
def waiting(transactional_db: None) -> Waiting:
    """So many deposits that are checked, and whose messages to the loader are out."""

    def run(number: int, *, same_origin: bool = False, destinations: tuple[str, ...] = ("archive",)) -> Any:
        who = depositor()
        who[1].destinations = list(destinations)
        who[1].save()
        deposits = [
            sent(
                make_zip({f"p/{n}": b"%d" % n, "p/same": b"the same in all"}),
                entry=atom_entry(create_origin(origin(0 if same_origin else n))),
                who=who,
            )
            for n in range(number)
        ]
        for deposit in deposits:
            check(deposit.pk, worker="checker")
        round_of_work(lambda kind, key: None)
        return deposits

    return run


def statuses(deposits: list[Deposit]) -> list[str]:
    return [Deposit.objects.get(pk=deposit.pk).status for deposit in deposits]


def test_they_make_one_pack_and_each_its_own_record(waiting: Waiting) -> None:
    deposits = waiting(5)
    packs = Pack.objects.count()
    load(deposits[2].pk, worker="loader")
    assert statuses(deposits) == [Status.DONE] * 5
    assert Pack.objects.count() == packs + 1
    assert WorkItem.objects.count() == 0
    for deposit in Deposit.objects.all():
        assert deposit.swhid == deposit.directory_swhid
        assert [(one.destination, one.state) for one in deposit.deliveries.all()] == [("archive", "done")]
        assert list(deposit.events.order_by("id").values_list("name", flat=True))[-2:] == ["start", "finish"]
        branches = snapshot(SWHID.parse(deposit.snapshot_swhid or "").hash).branches
        assert str(branches[b"deposit/1"]) == deposit.release_swhid
        assert len(list(metadata_of(SWHID.parse(deposit.swhid or "")))) == 1


def test_they_get_the_identifiers_that_they_would_get_alone(waiting: Waiting) -> None:
    deposits = waiting(2)
    load(deposits[0].pk, worker="loader")
    together = Deposit.objects.get(pk=deposits[1].pk)
    before = (together.swhid, together.release_swhid, together.snapshot_swhid)
    assert all(before)
    Deposit.objects.filter(pk=together.pk).update(release_swhid=None, snapshot_swhid=None)
    reschedule(deposit_id=together.pk, actor=SystemActor(channel=Channel.COMMAND))
    load(together.pk, worker="loader")
    together.refresh_from_db()
    assert (together.swhid, together.release_swhid, together.snapshot_swhid) == before


def test_of_one_origin_one_at_a_time(waiting: Waiting) -> None:
    deposits = waiting(3, same_origin=True)
    for deposit in deposits:
        load(deposit.pk, worker="loader")
    last = Deposit.objects.get(pk=deposits[-1].pk)
    branches = snapshot(SWHID.parse(last.snapshot_swhid or "").hash).branches
    assert sorted(branches) == [b"HEAD", b"deposit/1", b"deposit/2", b"deposit/3"]


def test_a_bad_one_falls_out_alone(waiting: Waiting, settings: Any) -> None:
    deposits = waiting(4)
    bad = deposits[1].parts.get(kind="package")
    Path(settings.STAGING_ROOT, bad.stored_as or "").write_bytes(b"no package")
    packs = Pack.objects.count()
    load(deposits[0].pk, worker="loader")
    # The first went alone; nothing of the group was kept.
    assert statuses(deposits) == [Status.DONE, Status.LOADING, Status.LOADING, Status.LOADING]
    assert Pack.objects.count() == packs + 1
    for deposit in deposits[1:]:
        load(deposit.pk, worker="loader")
    assert statuses(deposits) == [Status.DONE, Status.FAILED, Status.DONE, Status.DONE]


def test_only_what_goes_to_the_archive_alone_is_grouped(waiting: Waiting) -> None:
    deposits = waiting(3, destinations=("archive", "export"))
    load(deposits[0].pk, worker="loader")  # it fails: nothing says where copies go
    assert statuses(deposits) == [Status.FAILED, Status.VERIFIED, Status.VERIFIED]


def test_what_was_tried_before_goes_alone(waiting: Waiting) -> None:
    deposits = waiting(3)
    WorkItem.objects.filter(key=str(deposits[1].pk)).update(attempts=1)
    load(deposits[0].pk, worker="loader")
    assert statuses(deposits) == [Status.DONE, Status.VERIFIED, Status.DONE]


def test_what_was_not_sent_keeps_its_turn(waiting: Waiting) -> None:
    deposits = waiting(3)
    WorkItem.objects.filter(key=str(deposits[2].pk)).update(sent_at=None)
    load(deposits[0].pk, worker="loader")
    assert statuses(deposits) == [Status.DONE, Status.DONE, Status.VERIFIED]


def test_an_origin_that_another_load_has_is_left_to_its_own_turn(waiting: Waiting) -> None:
    deposits = waiting(3)
    held, over = threading.Event(), threading.Event()

    def hold() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s, hashtext(%s))", [AdvisoryLock.ORIGIN, origin(1)])
            held.set()
            over.wait(60)
        connection.close()

    other = threading.Thread(target=hold)
    other.start()
    held.wait(60)
    try:
        load(deposits[0].pk, worker="loader")
        assert statuses(deposits) == [Status.DONE, Status.LOADING, Status.DONE]
    finally:
        over.set()
        other.join()
    load(deposits[1].pk, worker="loader")
    assert statuses(deposits) == [Status.DONE] * 3


def test_a_group_that_lost_one_lease_keeps_nothing(waiting: Waiting, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lease of one passes while the packs are written: whoever has it now decides."""
    deposits = waiting(3)

    def slow(*arguments: Any) -> None:
        WorkItem.objects.filter(key=str(deposits[1].pk)).update(lease_expires_at=Now())
        archive_together(*arguments)

    monkeypatch.setattr("loader.grouping.archive_together", slow)
    load(deposits[0].pk, worker="loader")
    assert statuses(deposits) == [Status.LOADING] * 3
    assert Deposit.objects.filter(swhid__isnull=False).count() == 0


@pytest.mark.parametrize("instant", [0.2, 0.5, 0.8])
def test_a_loader_that_is_killed_leaves_all_or_nothing_of_a_group(waiting: Waiting, instant: float) -> None:
    # How long it takes here and now, so that the instants fall into the work.
    took = load_in_child(waiting(4)[0].pk, None)
    Deposit.objects.all().delete()

    deposits = waiting(4)
    before = Pack.objects.count()
    load_in_child(deposits[0].pk, took * instant)
    seen = statuses(deposits)
    assert set(seen) == {Status.DONE} or Status.DONE not in seen
    assert Pack.objects.count() == before + (seen[0] == Status.DONE)
    for deposit in deposits:
        pass_lease(deposit)
    release_passed_leases()
    for deposit in deposits:
        load(deposit.pk, worker="successor")
    assert statuses(deposits) == [Status.DONE] * 4
    names = [list(deposit.events.values_list("name", flat=True)).count("finish") for deposit in deposits]
    assert names == [1] * 4
