"""One harm at a time, with the real thing, and what a depositor sees of it."""

import contextlib
import http.client
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.depositing import Depositors, credentials, deposit_id, multipart, post
from tests.faults.oracle import judge, story
from tests.faults.service import Service

pytestmark = [
    pytest.mark.timeout(240),
    pytest.mark.skipif("TEST_FAULTS" not in os.environ, reason="takes a minute: set TEST_FAULTS=1"),
]

# Files of a package whose check and load take long enough to be caught in the middle.
MANY = 6000


def deposit(service: Service, number: int, files: int = 3) -> int:
    """A deposit that must be taken in, and in less than a second: nothing that is away may hold it up."""
    body, bad = multipart(number * 7, files)
    assert not bad
    begun = time.monotonic()
    status, answer = post(service.port, body)
    assert (status, time.monotonic() - begun < 3) == (201, True), answer
    return deposit_id(answer)


def status_of(service: Service, number: int) -> str:
    return str(service.query("SELECT status FROM deposit_deposit WHERE id = %s", number)[0][0])


def until(service: Service, number: int, *statuses: str, seconds: float = 60) -> str:
    deadline = time.monotonic() + seconds
    while (status := status_of(service, number)) not in statuses:
        assert time.monotonic() < deadline, f"deposit {number} stays {status}: {story(service, number)}"
        time.sleep(0.02)
    return status


def events(service: Service, number: int) -> list[str]:
    rows = service.query("SELECT name FROM deposit_event WHERE deposit_id = %s ORDER BY id", number)
    return [name for (name,) in rows]


@pytest.fixture(autouse=True)
def _whole_afterwards(service: Service) -> Iterator[None]:
    yield
    for member in service.members.values():
        member.send(signal.SIGCONT)
    assert not set(service.settle(60).values()) & {"deposited", "verified", "loading"}
    assert service.doctor() == []


def test_a_deposit_is_taken_in_while_the_broker_is_away_and_loaded_when_it_is_back(service: Service) -> None:
    away = threading.Thread(target=service.broker.kill, args=(3,))
    away.start()
    time.sleep(0.3)
    number = deposit(service, 1)
    time.sleep(1)
    assert status_of(service, number) == "deposited"
    away.join()
    assert until(service, number, "done") == "done"


def test_a_deposit_is_taken_in_while_the_broker_is_frozen(service: Service) -> None:
    frozen = threading.Thread(target=service.broker.freeze, args=(3,))
    frozen.start()
    time.sleep(0.3)
    number = deposit(service, 2)
    frozen.join()
    until(service, number, "done")


def test_lost_messages_are_sent_again(service: Service) -> None:
    with service.members["checker0"].frozen():
        number = deposit(service, 3)
        time.sleep(0.5)
        service.broker.lose_messages()
    until(service, number, "done")
    assert events(service, number).count("finish") == 1


def holders(service: Service, role: str) -> list[int]:
    """The processes of a role that do the work."""
    return service.members[role].pids()[1:]


@pytest.mark.parametrize(("role", "status"), [("checker0", "deposited"), ("loader0", "loading")])
def test_a_worker_that_is_killed_at_work_costs_nothing(service: Service, role: str, status: str) -> None:
    number = deposit(service, 4 if role == "checker0" else 5, files=MANY)
    claimed = (
        "SELECT w.lease_expires_at IS NOT NULL FROM deposit_deposit d JOIN deposit_workitem w ON w.deposit_id = d.id"
        " WHERE d.id = %s AND status = %s"
    )
    deadline = time.monotonic() + 60
    while service.query(claimed, number, status) != [(True,)]:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    with service.members[role].frozen():
        # What it had said already, the database does.
        time.sleep(0.1)
        assert status_of(service, number) == status
        service.members[role].send(signal.SIGKILL)
    until(service, number, "done", seconds=120)
    told = events(service, number)
    assert (told.count("verify"), told.count("finish")) == (1, 1)
    assert told.count("check" if role == "checker0" else "start") == 2


# The turn on an origin (`loader.destinations.archive.origin_lock`), and a transaction that has changed something.
IN_TURN = "SELECT count(*) > 0 FROM pg_locks WHERE locktype = 'advisory' AND classid = 1582104578"
IN_TRANSACTION = (
    "SELECT count(*) > 0 FROM pg_stat_activity"
    " WHERE application_name LIKE 'claim %%' AND backend_xid IS NOT NULL AND state = 'idle in transaction'"
)


@pytest.mark.parametrize(
    ("number", "moment"),
    [(6, "SELECT true"), (12, IN_TURN), (18, IN_TRANSACTION)],
    ids=["reading", "in its turn", "in its transaction"],
)
def test_a_loader_that_comes_back_after_its_lease_cannot_finish(
    service: Service, number: int, moment: str
) -> None:
    """Frozen in the middle of a load; another loads it; thawed, it finds its token worth nothing."""
    number = deposit(service, number, files=MANY)
    until(service, number, "loading")
    deadline = time.monotonic() + 60
    while service.query(moment) != [(True,)]:
        assert time.monotonic() < deadline
    loader = service.members["loader0"]
    frozen = loader.pids()
    for pid in frozen:
        os.kill(pid, signal.SIGSTOP)
    try:
        service.start("loader", 9)
        until(service, number, "done", seconds=120)
        told = events(service, number)
    finally:
        for pid in frozen:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
    time.sleep(2)
    service.members.pop("loader9").stop()
    assert told.count("start") == 2
    assert events(service, number) == told
    visits = service.query(
        "SELECT count(*) FROM archive_visit v JOIN archive_origin o ON o.id = v.origin_id "
        "JOIN deposit_deposit d ON d.origin_url = o.url WHERE d.id = %s",
        number,
    )
    assert visits == [(1,)]


def test_a_deposit_that_kills_its_loader_each_time_is_set_aside_with_the_reason(service: Service) -> None:
    """The killer stands for a package that crashes the interpreter."""
    stop = threading.Event()
    number = deposit(service, 7, files=MANY)

    def kill_whoever_loads_it() -> None:
        while not stop.wait(0.02):
            with contextlib.suppress(Exception):
                if status_of(service, number) == "loading":
                    service.members["loader0"].send(signal.SIGKILL)

    killer = threading.Thread(target=kill_whoever_loads_it)
    killer.start()
    try:
        assert until(service, number, "failed", "done", seconds=120) == "failed"
    finally:
        stop.set()
        killer.join()
    told = events(service, number)
    assert (told.count("start"), told[-1]) == (3, "quarantine")
    findings = service.query(
        "SELECT code FROM deposit_finding WHERE deposit_id = %s AND severity = 'error'", number
    )
    assert findings == [("loading.quarantined",)]
    service.manage("deposit", "reschedule", "--deposit-id", str(number))
    until(service, number, "done", seconds=60)


def test_a_frozen_dispatcher_is_replaced(service: Service) -> None:
    """Killed it is back at once; frozen, another must depose it, which is tested with the dispatcher itself."""
    service.members["dispatcher0"].send(signal.SIGKILL)
    number = deposit(service, 9)
    until(service, number, "done", seconds=20)


def test_two_dispatchers_do_nothing_twice(service: Service) -> None:
    service.start("dispatcher", 9)
    try:
        before = len(service.statuses())
        depositors = Depositors(service, count=20, threads=2)
        verdict = judge(service, depositors.join(), settled_within=60, before=before)
        assert verdict.broken == []
    finally:
        service.members.pop("dispatcher9").stop()


def test_a_database_that_is_killed_under_load_costs_no_deposit(service: Service) -> None:
    before = len(service.statuses())
    depositors = Depositors(service, count=60, threads=4)
    time.sleep(1)
    service.kill_postgres(2)
    told = depositors.join(120)
    statuses = service.settle(60)
    assert told.wrong == []
    assert {number: statuses[number] for number in told.accepted} == told.accepted
    assert 60 <= len(statuses) - before <= 60 + told.unsure + told.busy


def test_without_a_database_the_client_is_told_to_come_back(service: Service) -> None:
    killed = threading.Thread(target=service.kill_postgres, args=(3,))
    killed.start()
    time.sleep(1)
    body, _ = multipart(70)
    status, answer = post(service.port, body)
    killed.join()
    assert status == 503
    assert b"Database backend maintenance" in answer
    assert b"Service temporarily unavailable, try again later." in answer


def test_a_web_server_that_is_told_to_begin_anew_fails_no_request(service: Service) -> None:
    """SIGHUP: new workers with new code; the old ones finish what they have begun."""
    before = len(service.statuses())
    depositors = Depositors(service, count=120, threads=4)
    for _ in range(3):
        time.sleep(1)
        os.kill(service.members["web0"].process.pid, signal.SIGHUP)
    told = depositors.join(120)
    assert (told.wrong, told.unsure, told.busy, told.refused) == ([], 0, 0, 0)
    assert len(service.statuses()) - before == 120


def test_a_web_server_that_is_stopped_and_started_breaks_off_no_request(service: Service) -> None:
    """SIGTERM: whoever comes finds nobody and tries again; what has begun, a slow upload too, is ended."""
    before = len(service.statuses())
    depositors = Depositors(service, count=200, threads=4, pause=0.3)
    for turn in range(3):
        time.sleep(1)
        answer = slowly(
            service, 90 + turn, lambda: os.kill(service.members["web0"].process.pid, signal.SIGTERM)
        )
        assert answer == 201
        service.await_web()
    told = depositors.join(120)
    assert (told.wrong, told.unsure, told.busy) == ([], 0, 0)
    assert told.refused > 0
    assert len(service.statuses()) - before == 200 + 3


def slowly(service: Service, number: int, meanwhile: Callable[[], None]) -> int:
    """Deposit with a body that takes two seconds to arrive; in the middle of it, ``meanwhile`` is called."""
    body, bad = multipart(number * 7)
    assert not bad
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=30)

    def pieces() -> Iterator[bytes]:
        for n in range(20):
            if n == 10:
                meanwhile()
            yield body[len(body) * n // 20 : len(body) * (n + 1) // 20]
            time.sleep(0.1)

    with contextlib.closing(connection):
        headers = {"Content-Length": str(len(body)), **credentials()}
        connection.request("POST", "/1/faults/", pieces(), headers)
        return connection.getresponse().status


def test_nothing_is_left_in_the_staging_area_by_all_this(service: Service) -> None:
    stored = {
        name for (name,) in service.query("SELECT stored_as FROM deposit_part WHERE stored_as IS NOT NULL")
    }
    staging = service.folder / "staging"
    found = {str(path.relative_to(staging)) for path in (staging / "packages").rglob("*") if path.is_file()}
    assert stored <= found
    assert Path(staging / "trash").exists() is False
