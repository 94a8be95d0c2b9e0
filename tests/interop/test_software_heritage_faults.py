"""The destination software_heritage against the real servers while loaders and servers are killed and answers lost.

In the short form some instants are tried, spread over the delivery; ``TEST_FAULTS=1`` tries all.
"""

import os
import signal
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from checker.checking import check
from deposit.models import Collection, Deposit, Event, Status, WorkItem
from deposit.queue.dispatcher import release_passed_leases
from loader.destinations.software_heritage.rpc import Rpc
from loader.steps import Transient
from loader.workflow import load
from tests.deposit.sword.test_metadata_only import on_object
from tests.deposit.sword.test_views import ENTRY
from tests.interop.software_heritage import SoftwareHeritage
from tests.loader.test_killed import load_in_child
from tests.support.describing import describe_all, describe_all_elsewhere
from tests.support.factories import http_client, new_client, new_collection
from tests.support.faulty_front import Front, Lost, Moment, front_of
from tests.support.lifecycle_fixtures import pass_lease, sent
from tests.support.samples import make_tar

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(3600)]

PROVIDER = "https://faults.example.org"
ALL = "TEST_FAULTS" in os.environ
DESTINATIONS = [["archive", "software_heritage"], ["software_heritage"]]
# What points at something that is not there. Contents are looked for in the object storage too.
DANGLING = {
    "directories of directories": "SELECT e.target FROM directory_entry_dir e "
    "LEFT JOIN directory d ON d.id = e.target WHERE d.id IS NULL",
    "contents of directories": "SELECT e.target FROM directory_entry_file e "
    "LEFT JOIN content c ON c.sha1_git = e.target LEFT JOIN skipped_content s ON s.sha1_git = e.target "
    "WHERE c.sha1_git IS NULL AND s.sha1_git IS NULL",
    "directories of releases": "SELECT r.target FROM release r "
    "LEFT JOIN directory d ON d.id = r.target WHERE d.id IS NULL",
    "releases of snapshots": "SELECT b.target FROM snapshot_branch b "
    "LEFT JOIN release r ON r.id = b.target WHERE b.target_type = 'release' AND r.id IS NULL",
    "snapshots of visits": "SELECT v.snapshot FROM origin_visit_status v "
    "LEFT JOIN snapshot s ON s.id = v.snapshot WHERE v.snapshot IS NOT NULL AND s.id IS NULL",
}


@pytest.fixture(scope="module")
def storage(software_heritage: SoftwareHeritage) -> Iterator[SoftwareHeritage]:
    """A storage of this file's own."""
    with software_heritage.another("faults") as storage:
        yield storage


@pytest.fixture
def fronts(storage: SoftwareHeritage, tmp_path: Path, settings: Any) -> Iterator[list[Front]]:
    """The way to storage and object storage."""
    settings.STAGING_ROOT = str(tmp_path / "staging")
    settings.ARCHIVE_ROOT = str(tmp_path / "archive")
    settings.MAX_ATTEMPTS = 1000
    with ExitStack() as stack:
        found = [stack.enter_context(front_of(url)) for url in (storage.storage_url, storage.objects_url)]
        settings.SOFTWARE_HERITAGE_STORAGE_URL, settings.SOFTWARE_HERITAGE_OBJSTORAGE_URL = (
            front.url for front in found
        )
        yield found


def verified(destinations: list[str]) -> Deposit:
    collection = new_collection()
    Collection.objects.filter(pk=collection.pk).update(destinations=destinations)
    tree = {f"top/{n % 7}/{n % 3}/file{n}": b"%d" % n + os.urandom(20) for n in range(30)}
    client = new_client(collection, provider_url=f"{PROVIDER}/")
    deposit = sent(
        make_tar(tree), who=(client, collection), origin=f"{PROVIDER}/{uuid.uuid4().hex}", version="1"
    )
    check(deposit.pk, worker="checker")
    return deposit


def let_go_on(deposit: Deposit) -> None:
    """What a dispatcher does in time: a lease that has passed is taken back, and what waits is due."""
    deposit.refresh_from_db()
    if WorkItem.objects.filter(deposit=deposit, lease_expires_at__isnull=False).exists():
        pass_lease(deposit)
        release_passed_leases()
    WorkItem.objects.filter(deposit=deposit).update(due_at="2000-01-01T00:00Z")


def loaded(deposit: Deposit, attempts: int = 40) -> int:
    """Load until it is done; after how many attempts."""
    for attempt in range(1, attempts + 1):
        load(deposit.pk, worker="loader")
        deposit.refresh_from_db()
        if deposit.status != Status.LOADING:
            return attempt
        let_go_on(deposit)
    raise AssertionError(list(deposit.deliveries.values("destination", "state", "activities__fault")))


def assert_nothing_dangles(storage: SoftwareHeritage) -> None:
    for what, statement in DANGLING.items():
        assert storage.query(statement) == [], what


def assert_done_once(storage: SoftwareHeritage, deposit: Deposit) -> None:
    """Done, by one visit with its statuses and four documents."""
    assert (deposit.status, Event.objects.filter(deposit=deposit, name="finish").count()) == ("done", 1)
    assert_nothing_dangles(storage)
    of_origin = f"FROM origin o JOIN {{}} ON v.origin = o.id WHERE o.url = '{deposit.origin_url}'"
    visits = storage.query("SELECT v.visit " + of_origin.format("origin_visit v"))
    statuses = storage.query(
        "SELECT v.status " + of_origin.format("origin_visit_status v") + " ORDER BY v.date"
    )
    assert (len(visits), [status for (status,) in statuses]) == (1, ["created", "full"])
    about = (
        "SELECT count(*) FROM raw_extrinsic_metadata m JOIN metadata_authority a ON a.id = m.authority_id "  # noqa: S608
        f"WHERE m.origin = '{deposit.origin_url}' OR m.target = "
        f"'swh:1:ori:' || encode(digest('{deposit.origin_url}', 'sha1'), 'hex')"
    )
    assert storage.query(about) == [(4,)]


def assert_whole_bytes(storage: SoftwareHeritage) -> None:
    """The object storage reads every content again and compares its hashes."""
    names = ("sha1", "sha1_git", "sha256", "blake2s256")
    rows = storage.query(f"SELECT {', '.join(names)} FROM content")  # noqa: S608
    with Rpc(storage.objects_url, name="The object storage", timeout=60) as objects:
        for row in rows:
            objects.call("content/check", obj_id=dict(zip(names, map(bytes, row), strict=True)))


def step_in(fronts: list[Front], step: Callable[[str, Moment], None]) -> None:
    for front in fronts:
        front.step = step


def usual_calls(fronts: list[Front], destinations: list[str]) -> list[str]:
    """The calls of a delivery that nothing disturbs, in their order."""
    calls: list[str] = []

    def note(method: str, moment: Moment) -> None:
        if moment is Moment.BEFORE:
            calls.append(method)

    step_in(fronts, note)
    deposit = verified(destinations)
    assert loaded(deposit) == 1
    assert len(calls) > 12
    return calls


class AtThe:
    """Does something at one moment of one call (from 0), once; ``done``: how often it did."""

    def __init__(self, number: int, moment: Moment, do: Callable[[], None]) -> None:
        self._number, self._moment, self._do = number, moment, do
        self._lock, self._seen = threading.Lock(), 0
        self.done = 0

    def __call__(self, method: str, now: Moment) -> None:
        with self._lock:
            hit = now is self._moment and self._seen == self._number
            self._seen += now is self._moment
        if hit:
            try:
                self._do()
            finally:
                self.done += 1


Instant = tuple[list[str], int, Moment]


def instants(fronts: list[Front], some: int) -> list[Instant]:
    """Destinations, call, moment: all that a delivery has, or some."""
    all_of_them = [
        (destinations, number, moment)
        for destinations in DESTINATIONS
        for number in range(len(usual_calls(fronts, destinations)))
        for moment in Moment
    ]
    return all_of_them if ALL else all_of_them[:: len(all_of_them) // some]


def test_loaders_that_are_killed_at_any_call_leave_it_to_the_next(
    storage: SoftwareHeritage, fronts: list[Front]
) -> None:
    for destinations, number, moment in instants(fronts, some=7):
        deposit = verified(destinations)
        children: list[int] = []

        def kill(children: list[int] = children) -> None:
            os.kill(children[0], signal.SIGKILL)
            # The dead does not hear the answer.
            raise Lost

        killing = AtThe(number, moment, kill)
        step_in(fronts, killing)
        load_in_child(deposit.pk, None, started=children.append)
        deposit.refresh_from_db()
        # It was killed there, or it would have come to an end.
        assert (killing.done, deposit.status) == (1, Status.LOADING), (destinations, number, moment)
        assert_nothing_dangles(storage)
        step_in(fronts, lambda method, moment: None)
        let_go_on(deposit)
        loaded(deposit)
        assert_done_once(storage, deposit)
    assert_whole_bytes(storage)


@pytest.mark.parametrize("late", [False, True])
def test_answers_that_are_lost_after_the_write_do_no_harm(
    storage: SoftwareHeritage, fronts: list[Front], settings: Any, late: bool
) -> None:
    """Each method's first answer is lost, or comes after nobody waits for it any more."""
    # Those of one kind are as late in the short form as all are in the long one.
    late_ones = set(usual_calls(fronts, DESTINATIONS[0])) if ALL else {"directory/add", "origin/visit/add"}
    settings.SOFTWARE_HERITAGE_TIMEOUT = 2.0 if late else 60.0
    lost: set[str] = set()
    lock = threading.Lock()

    def lose(method: str, moment: Moment) -> None:
        with lock:
            first = moment is Moment.AFTER and method not in lost and (not late or method in late_ones)
            lost.update([method] if first else [])
        if first:
            time.sleep(3.0 if late else 0)
            raise Lost

    step_in(fronts, lose)
    deposit = verified(DESTINATIONS[0])
    # Several requests of one kind are under way together.
    assert loaded(deposit) >= min(len(lost), 3)
    assert len(lost) > (1 if late and not ALL else 10)
    assert_done_once(storage, deposit)
    assert_whole_bytes(storage)


def test_servers_that_are_killed_and_come_back_are_waited_for(
    storage: SoftwareHeritage, fronts: list[Front]
) -> None:
    for destinations, number, moment in instants(fronts, some=7):
        deposit = verified(destinations)
        pids: list[list[int]] = []

        def die(pids: list[list[int]] = pids) -> None:
            pids.append([server.pid for server in storage.servers])
            storage.kill()
            storage.start()
            pids.append([server.pid for server in storage.servers])
            raise Lost

        killing = AtThe(number, moment, die)
        step_in(fronts, killing)
        # The attempt that they are killed in cannot end well.
        assert loaded(deposit) > 1
        assert killing.done == 1, (destinations, number, moment)
        killed, started = pids
        assert not {*killed} & {*started}
        assert_done_once(storage, deposit)
    assert_whole_bytes(storage)


def test_a_server_that_is_away_holds_no_worker_and_counts_for_nothing(
    storage: SoftwareHeritage, fronts: list[Front]
) -> None:
    step_in(fronts, lambda method, moment: _lost())
    deposit = verified(DESTINATIONS[0])
    for _ in range(12):
        load(deposit.pk, worker="loader")
        let_go_on(deposit)
    deposit.refresh_from_db()
    delivery = deposit.deliveries.get(destination="software_heritage")
    assert (deposit.status, delivery.state) == ("loading", "waiting")
    assert [step.attempts for step in delivery.activities.all()] == [0]
    step_in(fronts, lambda method, moment: None)
    assert loaded(deposit) == 1
    assert_done_once(storage, deposit)


def _lost() -> None:
    raise Lost


def test_a_slow_storage_keeps_the_lease(
    storage: SoftwareHeritage, fronts: list[Front], settings: Any
) -> None:
    settings.LEASE_SECONDS = 1
    step_in(fronts, AtThe(4, Moment.BEFORE, lambda: time.sleep(3)))
    deposit = verified(DESTINATIONS[0])
    connection.close()
    assert loaded(deposit) == 1
    assert Event.objects.filter(deposit=deposit, name="release").count() == 0
    assert_done_once(storage, deposit)


def test_metadata_that_come_alone_arrive_once(storage: SoftwareHeritage, fronts: list[Front]) -> None:
    """Though the answer to the first attempt is lost after the write."""
    deposit = verified(DESTINATIONS[0])
    loaded(deposit)
    http = http_client(deposit.client)
    document = on_object(f"{deposit.swhid};origin={deposit.origin_url}")
    answer = http.post(f"/1/{deposit.collection.name}/", document, content_type=ENTRY)
    assert (answer.status_code, describe_all()) == (201, 1)
    # The third call: authorities, the fetcher, the documents.
    step_in(fronts, AtThe(2, Moment.AFTER, _lost))
    with pytest.raises(Transient):
        describe_all_elsewhere()
    WorkItem.objects.update(due_at="2000-01-01T00:00Z")
    assert describe_all_elsewhere() == 1
    found = storage.query(
        "SELECT m.target, m.metadata, d.format "  # noqa: S608
        "FROM raw_extrinsic_metadata m CROSS JOIN raw_extrinsic_metadata d "
        "WHERE m.format = 'sword-v2-atom-codemeta' AND d.format = 'xml-deposit-info' "
        f"AND m.origin = '{deposit.origin_url}' AND d.target = 'swh:1:emd:' || encode(m.id, 'hex')",
    )
    told = [(target, bytes(metadata), form) for target, metadata, form in found]
    assert told == [(deposit.swhid, document, "xml-deposit-info")]
    assert not WorkItem.objects.exists()
