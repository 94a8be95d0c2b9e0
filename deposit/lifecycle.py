"""The life of a deposit: the one table of its events, and the only place that changes a status.

An event that makes work due asks for it in its own transaction (``deposit.queue``); one that ends work carries the
fencing token of the worker's claim and ends both. What a claim means for a deposit is in ``deposit.services.work``.
"""

import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Field
from django.db.models.functions import Now

from deposit.actors import request_context
from deposit.models import Delivery, Deposit, EventName, Identifier, NoticeType, Status, Withdrawal, WorkItem
from deposit.models.compiled import Compiled
from deposit.queue import items
from deposit.queue.claims import LeaseLost

logger = logging.getLogger(__name__)


class Work(StrEnum):
    """The kinds of work that deposits ask for."""

    CHECK = "check"
    LOAD = "load"


class Lease(StrEnum):
    """What an event has to do with the lease on a deposit."""

    NONE = "none"
    TAKES = "takes it"
    NEEDS = "needs it"
    PASSED = "only after it has passed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """One row of the table: from where to where an event leads, by whom, and what it means for the lease.

    ``tells``: what those are told who have asked for notices (``deposit.notices``); None: nobody is.
    """

    sources: frozenset[Status]
    target: Status | None  # None: the status stays
    who: str
    lease: Lease = Lease.NONE
    asks: Work | None = None
    tells: NoticeType | None = None


def _rule(
    *sources: Status,
    to: Status | None,
    who: str,
    lease: Lease = Lease.NONE,
    asks: Work | None = None,
    tells: NoticeType | None = None,
) -> Rule:
    return Rule(sources=frozenset(sources), target=to, who=who, lease=lease, asks=asks, tells=tells)


S = Status
E = EventName
N = NoticeType
TABLE: Mapping[EventName, Rule] = {
    # event      from                                to
    E.COMPLETE: _rule(S.PARTIAL, to=S.DEPOSITED, who="client", asks=Work.CHECK),
    # Metadata only: judged at reception, nothing to load.
    E.ACCEPT: _rule(S.PARTIAL, to=S.DONE, who="client", tells=N.DONE),
    E.EXPIRE: _rule(S.PARTIAL, to=S.EXPIRED, who="scheduler, operator", tells=N.EXPIRED),
    E.CHECK: _rule(S.DEPOSITED, to=None, who="checker", lease=Lease.TAKES),
    E.VERIFY: _rule(S.DEPOSITED, to=S.VERIFIED, who="checker", lease=Lease.NEEDS, asks=Work.LOAD),
    # It has warnings, and waits for its depositor: confirmed as it is, or changed and completed once more.
    E.HOLD: _rule(S.DEPOSITED, to=S.PARTIAL, who="checker", lease=Lease.NEEDS, tells=N.HELD),
    E.CONFIRM: _rule(S.PARTIAL, to=S.DEPOSITED, who="client", asks=Work.CHECK),
    E.REJECT: _rule(S.DEPOSITED, to=S.REJECTED, who="checker", lease=Lease.NEEDS, tells=N.REJECTED),
    E.RECHECK: _rule(S.REJECTED, S.FAILED, to=S.DEPOSITED, who="operator", asks=Work.CHECK),
    E.START: _rule(S.VERIFIED, to=S.LOADING, who="loader", lease=Lease.TAKES),
    E.FINISH: _rule(S.LOADING, to=S.DONE, who="loader", lease=Lease.NEEDS, tells=N.DONE),
    E.FAIL: _rule(S.LOADING, to=S.FAILED, who="loader", lease=Lease.NEEDS, tells=N.FAILED),
    E.RELEASE: _rule(S.LOADING, to=S.VERIFIED, who="dispatcher", lease=Lease.PASSED, asks=Work.LOAD),
    E.QUARANTINE: _rule(
        S.DEPOSITED,
        S.VERIFIED,
        S.LOADING,
        to=S.FAILED,
        who="dispatcher",
        lease=Lease.PASSED,
        tells=N.FAILED,
    ),
    E.RESCHEDULE: _rule(S.FAILED, S.DONE, to=S.VERIFIED, who="operator", asks=Work.LOAD),
    # What is withdrawn keeps its status: only who may read it changes.
    E.WITHDRAW: _rule(S.DONE, to=None, who="two people", tells=N.WITHDRAWN),
    E.RESTORE: _rule(S.DONE, to=None, who="two people"),
    # Of what is erased the record keeps identifiers and its history; it cannot be taken back.
    E.ERASE: _rule(S.DONE, to=None, who="two people", tells=N.WITHDRAWN),
}
# Lines of the history that change no status and are told all the same.
_TOLD_BESIDES: Mapping[EventName, NoticeType] = {E.TELL_OF_EXPIRY: N.EXPIRING, E.ASK: N.ASKING}
WAITING: Mapping[Status, Work] = {S.DEPOSITED: Work.CHECK, S.VERIFIED: Work.LOAD}
# Whose lease an event needs.
_ENDS: Mapping[EventName, Work] = {
    E.VERIFY: Work.CHECK,
    E.HOLD: Work.CHECK,
    E.REJECT: Work.CHECK,
    E.FINISH: Work.LOAD,
    E.FAIL: Work.LOAD,
}

# The columns of identifiers, and the scheme of each as an `Identifier`.
IDENTIFIERS = {
    "swhid": "swhid-directory",
    "release_swhid": "swhid-release",
    "snapshot_swhid": "swhid-snapshot",
}


# In plain SQL: every step of every deposit writes one, and Django takes longer to word it than PostgreSQL to do it.
_RECORD = """
INSERT INTO deposit_event (deposit_id, name, from_status, to_status, actor, detail, via)
VALUES (%s, %s, %s, %s, %s, %s, %s)
"""
_RECORD_AND_TELL = """
INSERT INTO deposit_event (deposit_id, name, from_status, to_status, actor, detail, via, xact)
VALUES (%s, %s, %s, %s, %s, %s, %s, pg_current_xact_id()::text::bigint)
"""
_locked = Compiled(
    lambda number: Deposit.objects.select_for_update().annotate(db_now=Now()).filter(pk=number), 2_000_000_011
)


class TransitionRefused(Exception):
    """The table has no such event for the deposit as it stands; ``str()`` says why."""


def notice_of(name: str) -> NoticeType | None:
    """What is told of an event, by its name; None: nothing."""
    rule = TABLE.get(EventName(name))
    return rule.tells if rule else _TOLD_BESIDES.get(EventName(name))


def record(
    deposit: Deposit, name: EventName, *, actor: str, source: str = "", target: str = "", **detail: Any
) -> None:
    """Append one line to a deposit's history. One that asks for a notice is found by its transaction's number."""
    with connection.cursor() as cursor:
        cursor.execute(*_line(deposit.pk, name, actor, source, target, detail))


Values = list[Any]


def _line(
    deposit_id: int, name: EventName, actor: str, source: str, target: str, detail: Mapping[str, Any]
) -> tuple[str, Values]:
    """The statement that appends a line to a history, and its values."""
    told = json.dumps(dict(detail)), json.dumps(request_context())
    statement = _RECORD_AND_TELL if notice_of(name) else _RECORD
    return statement, [deposit_id, str(name), str(source), str(target), actor, *told]


def _change(deposit: Deposit, names: Iterable[str]) -> tuple[str, Values]:
    """The statement that writes fields of a deposit, and its values."""
    fields: list[Field[Any, Any]] = [Deposit._meta.get_field(name) for name in names]  # type: ignore[misc]
    written = ", ".join(f'"{field.column}" = %s' for field in fields)
    values = [field.get_db_prep_save(getattr(deposit, field.attname), connection) for field in fields]
    return f"UPDATE deposit_deposit SET {written} WHERE id = %s", [*values, deposit.pk]  # noqa: S608


def fire_within(
    event: EventName,
    deposit_id: int,
    *,
    actor: str,
    token: int | None = None,
    detail: Mapping[str, Any] | None = None,
    changes: Mapping[str, Any] | None = None,
) -> Deposit:
    """Take a deposit through one event: row lock, table, new status, history, and the work that ends and begins.

    ``changes`` are further fields written with the status. Raises `TransitionRefused` when the table forbids it,
    `LeaseLost` when the event needs a lease that ``token`` does not hold. It makes no savepoint: the caller's
    transaction must end when this raises.
    """
    rule = TABLE[event]
    # Before the deposit, as whoever claims work does.
    ended = items.end(_ENDS[event], deposit_id, token=token) if event in _ENDS else None
    deposit = _locked.first(deposit_id)
    if deposit is None:
        raise Deposit.DoesNotExist(f"There is no deposit {deposit_id}.")
    _guard(event, rule, deposit, held=ended is not None)
    source = Status(deposit.status)
    target = rule.target or source
    fields = _written(event, target, deposit) | dict(changes or {})
    for name, value in fields.items():
        setattr(deposit, name, value)
    change, changed = _change(deposit, fields)
    line, told = _line(deposit_id, event, actor, source, target, detail or {})
    with connection.cursor() as cursor:
        # One round trip for both.
        cursor.execute(f"{change}; {line}", changed + told)
    if event == E.RESCHEDULE and source is S.DONE:
        # It goes to all its destinations once more; one that failed goes to those that lack it.
        Delivery.objects.filter(deposit=deposit_id, current=True).update(current=False)
    if event in (E.RESCHEDULE, E.RECHECK):
        _keep_identifiers(deposit)
    _settle_work(event, rule, deposit, heavy=ended.heavy if ended else None)
    transaction.on_commit(
        lambda: logger.info("deposit=%s event=%s status=%s actor=%r", deposit_id, event, target, actor)
    )
    return deposit


# The same in one transaction of its own, or in a savepoint of the caller's.
fire = transaction.atomic(fire_within)


def take_over(deposit: Deposit, *, source: str, actor: str, **detail: Any) -> None:
    """Bring a deposit to the status (and the other ``detail``) that another server gave it, outside of the table.

    For moving in alone (``deposit.operations.swh_deposit``). ``deposit``: as it is to be, its new status in it;
    ``source``: its status here until now, "" for one that is new. In the caller's transaction.
    """
    Deposit.objects.filter(pk=deposit.pk).update(status=deposit.status, revision=deposit.revision)
    record(deposit, EventName.IMPORT, actor=actor, source=source, target=deposit.status, **detail)


def _keep_identifiers(deposit: Deposit) -> None:
    """What a deposit is known by stays its own until another load ends, and findable ever after.

    Deposits that were loaded before identifiers had rows of their own get them now.
    """
    Identifier.objects.bulk_create(
        [
            Identifier(deposit=deposit, scheme=scheme, value=value)
            for column, scheme in IDENTIFIERS.items()
            if (value := getattr(deposit, column)) is not None
        ],
        ignore_conflicts=True,
    )


def _settle_work(event: EventName, rule: Rule, deposit: Deposit, *, heavy: bool | None) -> None:
    if event in (E.RECHECK, E.RESCHEDULE, E.QUARANTINE):
        # Attempts begin anew; and what was set aside is nobody's work.
        WorkItem.objects.filter(deposit=deposit, kind__in=Work).delete()
    if rule.asks:
        items.ask(rule.asks, deposit.pk, deposit_id=deposit.pk, share=deposit.client_id, heavy=heavy)


def _written(event: EventName, target: Status, deposit: Any) -> dict[str, Any]:
    """The fields that an event writes besides those of its caller; ``deposit`` is locked and knows ``db_now``."""
    fields: dict[str, Any] = {
        "status": target,
        "revision": deposit.revision + 1,
        "status_changed_at": deposit.db_now,
    }
    if event in (E.COMPLETE, E.ACCEPT, E.CONFIRM):
        fields["complete_date"] = deposit.db_now
    if event == E.HOLD:
        fields["complete_date"] = None
    if event == E.VERIFY:
        fields["verified_date"] = deposit.db_now
    if event == E.RECHECK:
        fields["verified_date"] = None
    return fields


def _guard(event: EventName, rule: Rule, deposit: Any, *, held: bool) -> None:
    if deposit.status not in rule.sources:
        allowed = ", ".join(sorted(rule.sources))
        # Whoever worked on it has been overtaken: for a worker that is a lease like any other that passed.
        refusal = LeaseLost if rule.lease is Lease.NEEDS else TransitionRefused
        raise refusal(
            f"Deposit {deposit.pk} has status '{deposit.status}'; '{event}' needs status {allowed}."
        )
    if rule.lease is Lease.TAKES:
        raise TransitionRefused(f"'{event}' is claimed with items.claim(), not fired.")
    if rule.lease is Lease.NEEDS and not held:
        raise LeaseLost(f"The lease on deposit {deposit.pk} has passed to another worker.")
    if rule.lease is Lease.PASSED:
        _guard_work(event, deposit)
    if event == E.RESCHEDULE and deposit.verified_date is None:
        raise TransitionRefused(
            f"Deposit {deposit.pk} never passed its checks: use recheck, which checks it again before loading."
        )
    if event == E.RESCHEDULE and deposit.type != "code":
        raise TransitionRefused(f"Deposit {deposit.pk} is metadata only: there is nothing to load again.")
    if event in (E.RESCHEDULE, E.WITHDRAW, E.RESTORE, E.ERASE):
        _guard_withdrawal(event, deposit)


def _guard_withdrawal(event: EventName, deposit: Any) -> None:
    row = Withdrawal.objects.filter(deposit=deposit).first()
    if row is not None and row.erased:
        raise TransitionRefused(f"Deposit {deposit.pk} is erased: '{event}' has nothing to do there.")
    if event != E.ERASE and (row is not None) is not (event == E.RESTORE):
        now = "not withdrawn" if event == E.RESTORE else "withdrawn"
        raise TransitionRefused(f"Deposit {deposit.pk} is {now}: '{event}' has nothing to do there.")


def _guard_work(event: EventName, deposit: Any) -> None:
    """Whoever looked the work up may have been slow: since then another may have claimed it."""
    work = WorkItem.objects.filter(deposit=deposit, kind__in=Work).order_by("-attempts").first()
    if work and work.lease_expires_at and work.lease_expires_at > deposit.db_now:
        raise TransitionRefused(f"Deposit {deposit.pk} is being worked on by {work.lease_owner}.")
    if event == E.QUARANTINE and (work is None or work.attempts < settings.MAX_ATTEMPTS):
        raise TransitionRefused(f"Deposit {deposit.pk} has attempts left.")
