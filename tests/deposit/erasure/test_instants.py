"""Whoever approves an erasure, or does its work, dies or fails at every instant: all is as before, or nobody reads it
any more, and running again finishes.

In the short form some instants are tried, spread over the work; ``TEST_FAULTS=1`` tries all.
"""

import os
import threading
import traceback

import pytest
from django.db import connection

from archive import erasure
from archive.identifiers import SWHID
from archive.maintenance import verify
from archive.retrieval import known, read_object, resolve
from archive.storage import default_storage
from deposit.erasure import work
from deposit.models import DeletionRequest, DeletionState, Deposit, Event, Part, Withdrawal, WorkItem
from deposit.queue import items
from deposit.staging.files import path_of
from tests.faults.instants import Nth, die, fail, watched
from tests.support.erasing import Institution
from tests.support.lifecycle_fixtures import fall_silent

pytestmark = pytest.mark.django_db(transaction=True)
TRIED = None if "TEST_FAULTS" in os.environ else 6


class Case:
    """A deposit of its own content, one that shares a file with it, and a request with its plan."""

    def __init__(self, institution: Institution, number: int) -> None:
        self.secret = b"Marker of case %d\n" % number * 20
        self.shared = b"Shared in case %d\n" % number * 20
        files = {"own": self.secret, "shared": self.shared}
        self.deposit = institution.archived(files, origin=f"own-{number}")
        self.other = institution.archived({"x": self.shared}, origin=f"other-{number}")
        self.own, self.kept = self._content(self.deposit, b"own"), self._content(self.other, b"x")
        self.staged = str(self.deposit.parts.get(kind="package").stored_as)
        self.asked = institution.ask(self.deposit)
        self.institution = institution

    @staticmethod
    def _content(deposit: Deposit, path: bytes) -> SWHID:
        return resolve(SWHID.parse(str(deposit.swhid)).hash, path).swhid

    def run(self) -> None:
        """Approve and erase, as far as that is not done."""
        if DeletionRequest.objects.get(pk=self.asked.pk).state == DeletionState.REQUESTED:
            self.institution.approve(self.asked)
        work.erase(self.asked.pk, worker="eraser@test")

    def in_child(self, happen: Nth) -> list[str]:
        """The same in a process of its own; the instants seen, if it lived."""
        connection.close()
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                connection.ensure_connection()
                with watched(happen):
                    self.run()
                os.write(writing, " ".join(happen.seen).encode())
            except Exception:  # noqa: BLE001  the call that was made to fail
                traceback.print_exc()
            finally:
                os._exit(0)
        os.close(writing)
        with os.fdopen(reading) as seen:
            told = seen.read().split()
        os.waitpid(child, 0)
        return told

    def assert_old_or_new(self) -> None:
        """Either nothing has happened, or nobody reads any of it."""
        approved = DeletionRequest.objects.get(pk=self.asked.pk).state == DeletionState.APPROVED
        deposit = Deposit.objects.get(pk=self.deposit.pk)
        told = known([self.own]), deposit.title, Withdrawal.objects.filter(deposit=deposit).exists()
        assert told == ((set(), "", True) if approved else ({self.own}, "Marker-Title", False))
        assert Part.objects.filter(deposit=deposit).exists() is not approved
        if not approved:
            assert read_object(self.own) == self.secret
            assert path_of(self.staged).is_file()
        assert read_object(self.kept) == self.shared

    def finish(self) -> None:
        """Go on as after a worker that fell silent."""
        fall_silent(self.deposit)
        self.run()
        WorkItem.objects.filter(deposit=self.deposit).update(due_at="2020-01-01T00:00:00Z")
        self.run()

    def assert_erased(self) -> None:
        asked = DeletionRequest.objects.get(pk=self.asked.pk)
        assert asked.erased_at is not None
        assert not path_of(self.staged).exists()
        assert (known([self.own, self.kept]), erasure.packs_to_erase()) == ({self.kept}, 0)
        assert read_object(self.kept) == self.shared
        assert [found for found in verify(default_storage()) if found is not None] == []
        names = Event.objects.filter(deposit=self.deposit, name__in=["erase", "erased"]).order_by("id")
        assert list(names.values_list("name", flat=True)) == ["erase", "erased"]
        assert not WorkItem.objects.filter(deposit=self.deposit).exists()


def spread(count: int) -> list[int]:
    if TRIED is None:
        return list(range(1, count + 1))
    return sorted({1 + round(n * (count - 1) / (TRIED - 1)) for n in range(TRIED)})


@pytest.mark.parametrize("act", [die, fail], ids=["killed", "disk or database fails"])
def test_at_every_instant_it_is_old_or_new_and_running_again_finishes(act: object) -> None:
    institution = Institution()
    whole = Case(institution, 0)
    seen = whole.in_child(Nth(0, die))
    assert {"commit", "committed", "sql", "unlink", "fsync", "rename"} <= set(seen)
    whole.assert_erased()
    for number in spread(len(seen)):
        case = Case(institution, number)
        case.in_child(Nth(number, act))  # type: ignore[arg-type]
        case.assert_old_or_new()
        case.finish()
        case.assert_erased()


def test_a_message_that_comes_twice_and_two_workers_at_once_erase_once() -> None:
    institution = Institution()
    case = Case(institution, 1)
    institution.approve(case.asked)
    threads = [threading.Thread(target=_erase, args=(case.asked.pk,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    work.erase(case.asked.pk, worker="late@test")
    work.plan(case.asked.pk, worker="late@test")
    case.assert_erased()


def _erase(request: int) -> None:
    try:
        work.erase(request, worker=f"eraser-{threading.get_ident()}@test")
    finally:
        connection.close()


def test_work_that_was_lost_is_asked_for_again() -> None:
    institution = Institution()
    case = Case(institution, 1)
    asked = institution.approve(case.asked)
    items.cancel(work.ERASE.name, asked.pk)
    assert (work.heal(), work.heal()) == (1, 0)
    work.erase(asked.pk, worker="eraser@test")
    case.assert_erased()
    assert work.heal() == 0
