"""Done deposits of the other server are loaded into our archive, a few at a time, by the workers that run anyway."""

import time
from collections.abc import Iterable

from django.db import transaction
from django.db.models import QuerySet

from deposit import lifecycle
from deposit.lifecycle import TransitionRefused
from deposit.metadata.entry import read_entry
from deposit.metadata.errors import MetadataError
from deposit.models import (
    Deposit,
    DepositType,
    EventName,
    Finding,
    MovedDeposit,
    Part,
    PartKind,
    Status,
)
from deposit.operations.swh_deposit.deposits import ACTOR, put_back
from deposit.operations.swh_deposit.report import Report
from deposit.queue import items
from deposit.services.work import DESCRIBE

# So many are on their way at once: new deposits of the same clients wait for no more than these.
_AT_ONCE = 50
_POLL_SECONDS = 0.5
# Documents that came without a package are asked for in one transaction each so many.
_DESCRIBED_AT_ONCE = 500
# Nothing ended for so long: no worker runs.
_PATIENCE_SECONDS = 600.0


def reload_done(source: str, report: Report) -> None:
    """Load what is done and only recorded. It may be stopped and begun again; needs a dispatcher and a loader."""
    under_way: set[int] = set(
        _moved(source)
        .filter(deposit__status__in=["verified", "loading"], deposit__swhid__gt="")
        .values_list("pk", flat=True)
    )
    _describe(source, report)
    waiting = iter(
        _moved(source)
        .filter(
            deposit__status=Status.DONE,
            deposit__type=DepositType.CODE,
            lacking=[],
            deposit__release_swhid=None,
        )
        .order_by("pk")
        .values_list("pk", flat=True)
    )
    _settle(_moved(source).filter(deposit__release_swhid__isnull=False).values_list("pk", flat=True), report)
    moving = time.monotonic()
    while True:
        under_way |= _ordered(waiting, _AT_ONCE - len(under_way))
        if not under_way:
            return
        ended = set(
            Deposit.objects.filter(pk__in=under_way)
            .exclude(status__in=["verified", "loading"])
            .values_list("pk", flat=True)
        )
        _settle(ended, report)
        under_way -= ended
        if ended:
            moving = time.monotonic()
        elif time.monotonic() - moving > _PATIENCE_SECONDS:
            report.refuse("load", min(under_way), "No load has ended for ten minutes: do the workers run?")
            return
        else:
            time.sleep(_POLL_SECONDS)


def _describe(source: str, report: Report) -> None:
    """Ask for the archiving of the documents of metadata-only deposits; the workers do it when they come to it."""
    waiting = _moved(source).filter(deposit__status=Status.DONE, deposit__type=DepositType.META, lacking=[])
    while numbers := list(waiting.order_by("pk").values_list("pk", flat=True)[:_DESCRIBED_AT_ONCE]):
        with transaction.atomic():
            parts = Part.objects.select_related("deposit").filter(deposit__in=numbers, kind=PartKind.METADATA)
            for part in parts.order_by("pk"):
                _ask_for_description(part, report)
            MovedDeposit.objects.filter(pk__in=numbers).update(loaded=True)


def _ask_for_description(part: Part, report: Report) -> None:
    try:
        reference = read_entry(bytes(part.document or b"")).reference
        lacks = "" if reference else "It refers to nothing."
    except MetadataError as error:
        lacks = str(error)
    if lacks:
        report.remark("deposit", part.deposit_id, f"A metadata document is recorded only: {lacks}")
        return
    items.ask(DESCRIBE.name, part.pk, deposit_id=part.deposit_id, share=part.deposit.client_id)
    report.count("metadata documents on their way to the archive")


def _moved(source: str) -> QuerySet[MovedDeposit]:
    return MovedDeposit.objects.filter(source=source, loaded=False)


def _ordered(waiting: Iterable[int], most: int) -> set[int]:
    """Order the next loads."""
    ordered: set[int] = set()
    for number in waiting:
        try:
            lifecycle.fire(EventName.RESCHEDULE, number, actor=ACTOR)
        except TransitionRefused:
            continue  # it was changed since
        ordered.add(number)
        if len(ordered) >= most:
            break
    return ordered


def _settle(ended: Iterable[int], report: Report) -> None:
    """Compare what a load has made with what the other server told."""
    for moved in MovedDeposit.objects.filter(pk__in=list(ended)).select_related("deposit"):
        deposit = moved.deposit
        if deposit.status == Status.DONE and deposit.release_swhid:
            MovedDeposit.objects.filter(pk=moved.pk).update(loaded=True, revision=deposit.revision)
            report.count("deposits loaded")
            if moved.swhid and deposit.swhid != moved.swhid:
                report.remark(
                    "deposit",
                    moved.pk,
                    f"The other server told {moved.swhid}; its packages make {deposit.swhid}.",
                )
        elif deposit.status == Status.FAILED:
            reason = " ".join(
                Finding.objects.filter(deposit=deposit, area="loading").values_list("message", flat=True)
            )
            put_back(moved.pk, reason=reason)
            report.remark("deposit", moved.pk, f"It could not be loaded and is recorded only: {reason}")
