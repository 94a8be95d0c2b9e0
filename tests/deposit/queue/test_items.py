"""Work is asked for once, claimed by one, ended by whoever holds it, and looked at again without a worker."""

from typing import Any

import pytest
from django.db import transaction
from django.db.models.functions import Now

from deposit.models import WorkItem
from deposit.queue import items, registry
from deposit.queue.claims import Claim, LeaseLost
from deposit.queue.dispatcher import release_passed_leases, round_of_work
from deposit.queue.policies import POLL
from deposit.queue.registry import Kind, Later, Taking, UnknownKind

pytestmark = pytest.mark.django_db

TOLD: list[tuple[Any, ...]] = []


def kind(**hooks: Any) -> Kind:
    return Kind(name="errand", task="tests.errand", queue="errands", policy=POLL, **hooks)


@pytest.fixture(autouse=True)
def _errand(monkeypatch: pytest.MonkeyPatch) -> None:
    TOLD.clear()
    monkeypatch.setitem(registry._kinds, "errand", kind())


def hooked(monkeypatch: pytest.MonkeyPatch, **hooks: Any) -> None:
    monkeypatch.setitem(registry._kinds, "errand", kind(**hooks))


def claimed(key: str = "a") -> Claim:
    claim = items.claim("errand", key, worker="worker")
    assert claim is not None
    return claim


def item() -> WorkItem:
    return WorkItem.objects.get()


def due_in() -> float:
    """Seconds until the one piece of work is due."""
    row = WorkItem.objects.annotate(db_now=Now()).get()
    return float((row.due_at - row.db_now).total_seconds())


def test_work_is_asked_for_and_done() -> None:
    items.ask("errand", "a", share=7, arguments={"to": "market"})
    assert (item().queue, item().share, item().heavy) == ("errands", 7, False)
    claim = claimed()
    assert (claim.key, claim.attempt, claim.share, claim.arguments) == ("a", 1, 7, {"to": "market"})
    items.finish(claim)
    assert not WorkItem.objects.exists()
    assert items.claim("errand", "a", worker="worker") is None


def test_work_that_nobody_has_registered_is_not_asked_for() -> None:
    with pytest.raises(UnknownKind):
        items.ask("journey", "a")


def test_a_kind_is_registered_once() -> None:
    assert registry.register(kind()) == kind()
    with pytest.raises(ValueError, match="another kind"):
        registry.register(kind(yields=True))


def test_asked_twice_it_is_done_once_at_the_earlier_time() -> None:
    items.ask("errand", "a", due_in=3600, arguments={"first": 1})
    assert items.claim("errand", "a", worker="early") is None
    items.ask("errand", "a", due_in=60, arguments={"second": 2})
    assert 50 < due_in() <= 60
    items.ask("errand", "a", due_in=7200)
    assert 50 < due_in() <= 60
    items.ask("errand", "a")
    assert claimed().arguments == {"first": 1, "second": 2}


def test_what_is_asked_for_while_a_worker_has_it_is_not_put_off() -> None:
    items.ask("errand", "a")
    claim = claimed()
    items.ask("errand", "a")
    items.again(claim, after_seconds=3600)
    assert due_in() <= 0
    items.again(claimed(), after_seconds=3600)
    assert due_in() > 3000


def test_what_is_asked_for_while_a_worker_has_it_is_done_again() -> None:
    """Whoever asks has seen something that the worker may not have seen."""
    items.ask("errand", "a")
    claim = claimed()
    items.ask("errand", "a")
    items.finish(claim)
    again = claimed()
    assert (again.attempt, again.token > claim.token) == (1, True)
    items.finish(again)
    assert not WorkItem.objects.exists()


def test_work_that_is_looked_at_again_holds_no_worker_and_counts_no_attempt() -> None:
    items.ask("errand", "a")
    first = claimed()
    items.again(first, after_seconds=60, arguments={"seen": 1})
    assert (item().lease_expires_at, item().attempts, item().sent_at) == (None, 0, None)
    assert 50 < due_in() <= 60
    assert items.claim("errand", "a", worker="early") is None
    assert items.make_due("errand", "a") is True
    assert claimed().arguments == {"seen": 1}


@pytest.mark.parametrize(
    "act",
    [
        items.finish,
        items.put_off,
        items.require_lease,
        lambda claim: items.again(claim, after_seconds=1),
    ],
    ids=["finish", "put off", "require", "again"],
)
def test_a_passed_lease_opens_nothing(act: Any) -> None:
    items.ask("errand", "a")
    claim = claimed()
    WorkItem.objects.update(lease_expires_at=Now())
    with pytest.raises(LeaseLost), transaction.atomic():
        act(claim)
    assert items.renew(claim) is False
    assert items.give_back(claim, reason="", after_seconds=0, counts=True) is False
    assert item().lease_token == claim.token


def test_cancelled_work_is_nobodys() -> None:
    items.ask("errand", "a")
    claim = claimed()
    assert items.cancel("errand", "a") is True
    assert items.cancel("errand", "a") is False
    with pytest.raises(LeaseLost), transaction.atomic():
        items.finish(claim)


def test_work_in_the_hands_of_a_worker_is_not_made_due() -> None:
    items.ask("errand", "a")
    claim = claimed()
    assert items.make_due("errand", "a") is False
    items.give_back(claim, reason="OSError: disk", after_seconds=3600, counts=True)
    assert (item().attempts, item().last_fault) == (1, "OSError: disk")
    assert items.make_due("errand", "a") is True
    assert item().attempts == 0


def test_a_kind_may_have_no_use_for_work_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    hooked(monkeypatch, claimed=lambda claim: Taking.GONE)
    items.ask("errand", "a")
    assert items.claim("errand", "a", worker="worker") is None
    assert not WorkItem.objects.exists()


def test_a_kind_may_put_a_claim_off(monkeypatch: pytest.MonkeyPatch) -> None:
    hooked(monkeypatch, claimed=lambda claim: Later(60))
    items.ask("errand", "a")
    assert items.claim("errand", "a", worker="worker") is None
    assert (item().attempts, item().lease_expires_at, 50 < due_in() <= 60) == (0, None, True)


def test_a_kind_hears_of_silent_workers_and_of_used_up_attempts(monkeypatch: pytest.MonkeyPatch) -> None:
    hooked(
        monkeypatch,
        released=lambda item: TOLD.append(("released", item.key, item.lease_owner)),
        exhausted=lambda item: TOLD.append(("exhausted", item.key, item.attempts)),
    )
    items.ask("errand", "a")
    claimed()
    WorkItem.objects.update(lease_expires_at=Now())
    assert release_passed_leases() == 1
    assert claimed().attempt == 2
    WorkItem.objects.update(lease_expires_at=Now(), attempts=POLL.attempts)
    assert release_passed_leases() == 1
    assert [("released", "a", "worker"), ("exhausted", "a", POLL.attempts)] == TOLD
    assert not WorkItem.objects.exists()


def test_work_of_another_version_is_left_alone() -> None:
    WorkItem.objects.create(kind="unheard of", key="a", queue="errands")
    sent: list[str] = []
    round_of_work(lambda kind, key: sent.append(key))
    assert sent == []
    assert item().sent_at is None
