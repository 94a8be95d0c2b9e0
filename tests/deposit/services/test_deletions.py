"""Withdrawing takes two people; the database itself says so."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.db.models.functions import Now
from pytest_django.fixtures import Settings

from deposit.actors import Actor, Channel, Scope, system_actor
from deposit.lifecycle import TransitionRefused
from deposit.models import (
    Curatorship,
    DeletionKind,
    DeletionRequest,
    DeletionState,
    Deposit,
    Event,
    EventName,
    Status,
    Withdrawal,
)
from deposit.permissions import Operation, deposits_for, visible_deposit
from deposit.refusals import Kind, Refusal, Withdrawn
from deposit.services import deletions, operations
from tests.support.factories import new_client
from tests.support.lifecycle_fixtures import in_status

REASON = "The publisher asks for it: the data name people."


class People:
    """A deposit that is done, its depositor, and two who curate its collection."""

    def __init__(self) -> None:
        self.deposit = in_status(Status.DONE)
        self.depositor = self.deposit.client.user
        self.curators = [self.curator("cora"), self.curator("carl")]

    def curator(self, name: str) -> User:
        user = User.objects.create_user(name)
        Curatorship.objects.create(user=user, collection=self.deposit.collection)
        return user

    def ask(self, user: User | None = None, kind: DeletionKind = DeletionKind.WITHDRAW) -> DeletionRequest:
        actor = acting(user or self.depositor)
        return deletions.request(actor=actor, deposit_id=self.deposit.pk, kind=kind, reason=REASON)

    def withdraw(self) -> DeletionRequest:
        return deletions.approve(actor=acting(self.curators[0]), request_id=self.ask().pk)


def acting(user: User) -> Actor:
    return Actor(user=user, channel=Channel.DASHBOARD)


@pytest.fixture
def people(db: None) -> People:
    return People()


def test_one_asks_another_approves_and_the_deposit_is_hidden(people: People) -> None:
    asked = people.ask()
    assert (asked.state, asked.reviewer) == (DeletionState.REQUESTED, None)
    done = deletions.approve(
        actor=acting(people.curators[0]), request_id=asked.pk, note="I have seen the letter."
    )
    assert (done.state, done.reviewer, done.note) == (
        "approved",
        people.curators[0],
        "I have seen the letter.",
    )
    row = Withdrawal.objects.get()
    assert (row.deposit, row.reason, row.decided_by) == (people.deposit, REASON, "cora")
    with pytest.raises(Withdrawn) as refused:
        visible_deposit(acting(people.depositor), people.deposit.pk)
    assert refused.value.tombstone == {
        "deposit": people.deposit.pk,
        "citation": f"Deposit {people.deposit.pk}. {people.deposit.swhid}",
        "reason": REASON,
        "decided_by": "cora",
        "withdrawn_at": f"{row.at:%Y-%m-%dT%H:%M:%SZ}",
    }
    # Its row is as it was.
    assert Deposit.objects.get(pk=people.deposit.pk).status == Status.DONE


def test_who_decides_still_sees_it_and_can_restore_it(people: People) -> None:
    people.withdraw()
    carl = acting(people.curators[1])
    assert visible_deposit(carl, people.deposit.pk) == people.deposit
    assert list(deposits_for(carl, Operation.READ_ARCHIVED)) == [people.deposit]
    asked = people.ask(kind=DeletionKind.RESTORE)
    deletions.approve(actor=carl, request_id=asked.pk)
    assert not Withdrawal.objects.exists()
    assert visible_deposit(acting(people.depositor), people.deposit.pk) == people.deposit
    told = Event.objects.filter(deposit=people.deposit, xact__isnull=False).values_list("name", flat=True)
    assert list(told) == ["finish", "withdraw"]
    lines = Event.objects.filter(deposit=people.deposit).order_by("-id").values_list("name", flat=True)[:4]
    assert list(lines) == ["restore", "request-deletion", "withdraw", "request-deletion"]


def test_who_asks_does_not_decide(people: People) -> None:
    cora = people.curators[0]
    asked = people.ask(cora)
    with pytest.raises(Refusal) as refused:
        deletions.approve(actor=acting(cora), request_id=asked.pk)
    assert (refused.value.kind, refused.value.code) == (Kind.FORBIDDEN, "deletion.same_person")
    assert not deletions.may_review(acting(cora), asked)
    assert deletions.may_review(acting(people.curators[1]), asked)


def test_the_depositor_and_strangers_do_not_decide(people: People) -> None:
    asked = people.ask(people.curators[0])
    with pytest.raises(Refusal) as refused:
        deletions.approve(actor=acting(people.depositor), request_id=asked.pk)
    assert refused.value.code == "auth.role"
    with pytest.raises(Refusal) as refused:
        deletions.approve(actor=acting(new_client().user), request_id=asked.pk)
    assert refused.value.code == "deletion.unknown"
    assert list(deletions.requests_for(acting(new_client().user))) == []


def test_nobody_without_a_name_takes_part(people: People) -> None:
    console = system_actor(Channel.COMMAND)
    with pytest.raises(Refusal) as refused:
        deletions.request(
            actor=console, deposit_id=people.deposit.pk, kind=DeletionKind.WITHDRAW, reason=REASON
        )
    assert refused.value.code == "deletion.nobody"
    asked = people.ask()
    with pytest.raises(Refusal):
        deletions.approve(actor=console, request_id=asked.pk)


def test_a_token_asks_and_never_decides(people: People) -> None:
    user = people.curators[0]
    asked = people.ask()
    for scope in Scope:
        token = Actor(user=user, channel=Channel.API, token_id=1, scopes=frozenset({scope}))
        with pytest.raises(Refusal):
            deletions.approve(actor=token, request_id=asked.pk)
    assert DeletionRequest.objects.get().state == DeletionState.REQUESTED


@pytest.mark.parametrize(
    ("values", "constraint"),
    [
        ({"state": "approved", "ended_at": Now()}, "deletion_request_is_decided_by_its_reviewer"),
        ({"state": "cancelled"}, "deletion_request_ends_once"),
        ({"reason": "too short"}, "deletion_request_has_a_reason"),
        ({"reason": "x" * 2001}, "deletion_request_has_a_reason"),
        ({"kind": "burn"}, "deletion_request_kind_is_known"),
    ],
)
def test_the_database_refuses(people: People, values: dict[str, Any], constraint: str) -> None:
    asked = people.ask()
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        DeletionRequest.objects.filter(pk=asked.pk).update(**values)


def test_the_database_refuses_a_reviewer_who_asked_a_bare_rejection_and_a_second_request(
    people: People,
) -> None:
    asked = people.ask()
    rows = DeletionRequest.objects.filter(pk=asked.pk)
    with pytest.raises(IntegrityError, match="deletion_request_takes_two_people"), transaction.atomic():
        rows.update(state="approved", reviewer=people.depositor, ended_at=Now())
    with (
        pytest.raises(IntegrityError, match="deletion_request_is_rejected_with_a_reason"),
        transaction.atomic(),
    ):
        rows.update(state="rejected", reviewer=people.curators[0], ended_at=Now(), note="no")
    again = DeletionRequest(
        deposit=people.deposit,
        kind="withdraw",
        requester=people.curators[0],
        reason=REASON,
        expires_at=asked.expires_at,
    )
    with pytest.raises(IntegrityError, match="deletion_request_is_the_only_open_one"), transaction.atomic():
        again.save()


@pytest.mark.parametrize("reason", ["", "  short   ", "x" * 2001])
def test_a_reason_is_needed(people: People, reason: str) -> None:
    with pytest.raises(Refusal) as refused:
        deletions.request(
            actor=acting(people.depositor),
            deposit_id=people.deposit.pk,
            kind=DeletionKind.WITHDRAW,
            reason=reason,
        )
    assert refused.value.code == "deletion.reason"


def test_rejecting_takes_a_reason_and_changes_nothing(people: People) -> None:
    asked = people.ask()
    cora = acting(people.curators[0])
    with pytest.raises(Refusal):
        deletions.reject(actor=cora, request_id=asked.pk, note="no")
    ended = deletions.reject(actor=cora, request_id=asked.pk, note="The data are public elsewhere.")
    assert (ended.state, Withdrawal.objects.count()) == ("rejected", 0)
    for late in (deletions.approve, deletions.reject):
        with pytest.raises(TransitionRefused):
            late(actor=cora, request_id=asked.pk, note="Once more, for good.")
    # The way is free for another.
    assert people.ask().state == "requested"


def test_a_request_is_cancelled_by_who_asked_alone(people: People) -> None:
    asked = people.ask()
    with pytest.raises(Refusal) as refused:
        deletions.cancel(actor=acting(people.curators[0]), request_id=asked.pk)
    assert refused.value.code == "deletion.foreign"
    assert deletions.cancel(actor=acting(people.depositor), request_id=asked.pk).state == "cancelled"


def test_what_nobody_reviews_expires(people: People, settings: Settings) -> None:
    settings.DELETION_REVIEW_DAYS = 3
    asked = people.ask()
    assert asked.expires_at - asked.requested_at == timedelta(days=3)
    assert deletions.expire_old() == 0
    DeletionRequest.objects.update(expires_at=Now() - timedelta(seconds=1))
    with pytest.raises(TransitionRefused, match="expired"):
        deletions.approve(actor=acting(people.curators[0]), request_id=asked.pk)
    assert (deletions.expire_old(), deletions.expire_old()) == (1, 0)
    assert DeletionRequest.objects.get().state == "expired"
    assert Event.objects.filter(deposit=people.deposit, name=EventName.EXPIRE_DELETION).count() == 1


def test_what_is_not_done_or_in_that_state_already_is_refused(people: People) -> None:
    with pytest.raises(TransitionRefused, match="not withdrawn"):
        people.ask(kind=DeletionKind.RESTORE)
    people.ask()
    with pytest.raises(TransitionRefused, match="already"):
        people.ask(people.curators[1])
    failed = in_status(Status.FAILED)
    with pytest.raises(TransitionRefused, match="only what is done"):
        deletions.request(
            actor=acting(failed.client.user), deposit_id=failed.pk, kind=DeletionKind.WITHDRAW, reason=REASON
        )


def test_a_withdrawn_deposit_is_not_loaded_again(people: People) -> None:
    people.withdraw()
    with pytest.raises(TransitionRefused, match="is withdrawn"):
        operations.reschedule(deposit_id=people.deposit.pk, actor=system_actor(Channel.COMMAND))
    with pytest.raises(TransitionRefused, match="withdrawn already"):
        people.ask()


def test_the_command_takes_two_names(people: People, capsys: pytest.CaptureFixture[str]) -> None:
    number = str(people.deposit.pk)
    ask = ["deletion", "request", "--user", "cora", "--deposit-id", number, "--reason", REASON]
    call_command(*ask)
    asked = DeletionRequest.objects.get()
    with pytest.raises(CommandError, match="does not decide"):
        call_command("deletion", "approve", "--user", "cora", "--id", str(asked.pk))
    with pytest.raises(CommandError, match="no active user"):
        call_command("deletion", "approve", "--user", "nobody", "--id", str(asked.pk))
    call_command("deletion", "approve", "--user", "carl", "--id", str(asked.pk))
    assert Withdrawal.objects.get().decided_by == "carl"
    capsys.readouterr()
    call_command("deletion", "list", "--state", "approved")
    assert "carl" in capsys.readouterr().out
    call_command("deletion", "show", "--id", str(asked.pk))
    assert REASON in capsys.readouterr().out


@pytest.mark.django_db(transaction=True)
def test_two_reviewers_at_once_decide_once() -> None:
    people = People()
    asked = people.ask()
    outcomes: list[str] = []

    def decide(act: Callable[..., DeletionRequest], user: User) -> None:
        try:
            outcomes.append(act(actor=acting(user), request_id=asked.pk, note="Decided by me, here.").state)
        except TransitionRefused:
            outcomes.append("late")
        finally:
            connection.close()

    acts: list[Callable[..., DeletionRequest]] = [deletions.approve, deletions.reject]
    threads = [
        threading.Thread(target=decide, args=(act, user))
        for act, user in zip(acts, people.curators, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) in (["approved", "late"], ["late", "rejected"])
    assert Withdrawal.objects.count() == ("approved" in outcomes)
