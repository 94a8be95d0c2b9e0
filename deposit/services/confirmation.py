"""Warnings that the depositor confirms before a package is archived.

Where a collection demands it, or the depositor has asked for it, a package that is whole but has warnings is not
loaded: the deposit becomes partial again, with its warnings as findings. Completing it once more as it is confirms
them; with another package it is judged anew. Whoever does neither is told in time, and the deposit expires as partial
ones do.
"""

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import transaction

from deposit import lifecycle
from deposit.actors import Actor, acting
from deposit.findings import Area, Finding, Severity
from deposit.lifecycle import TransitionRefused
from deposit.membership import require_member
from deposit.models import Deposit, EventName, Part, PartKind, Status, SubmissionKey
from deposit.permissions import Operation, require, unknown_deposit

CODE = "package.confirm"
# Warnings on metadata are swh-deposit's, nearly every deposit has one, and what they speak of can be mended later.
_OF_PACKAGES = "package.warning."


def fingerprint(deposit: Deposit) -> str:
    """What the packages of a deposit are, and how their names are read: the same while nothing of it changes."""
    parts = Part.objects.filter(deposit=deposit, kind=PartKind.PACKAGE).order_by("id")
    told = [f"{sha256} {name}" for sha256, name in parts.values_list("sha256", "name")]
    return hashlib.sha256("\n".join([deposit.name_encoding, *told]).encode()).hexdigest()


def is_held(deposit: Deposit) -> bool:
    """Whether a deposit waits for its depositor's word on the packages that it has."""
    held = deposit.status == Status.PARTIAL and bool(deposit.held_packages)
    return held and deposit.held_packages == fingerprint(deposit)


def must_wait(deposit: Deposit, found: Iterable[Finding]) -> bool:
    """Whether a deposit with these findings, none of them an error, has to wait for its depositor's word."""
    asked = deposit.confirm_warnings or deposit.collection.confirm_warnings
    if not asked or not any(each.code.startswith(_OF_PACKAGES) for each in found):
        return False
    if SubmissionKey.objects.filter(deposit=deposit).exists():
        # What a source or a batch brought has nobody who would answer; its report tells the warnings.
        return False
    return deposit.held_packages != fingerprint(deposit)


def expires(deposit: Deposit) -> datetime:
    """When a partial deposit is given up: counted from the day on which its depositor was asked, if ever."""
    since = deposit.status_changed_at if deposit.held_packages else deposit.reception_date
    return since + timedelta(days=settings.PARTIAL_EXPIRES_DAYS)


def question(found: Iterable[Finding]) -> Finding:
    """The finding that asks for the depositor's word on the warnings among ``found``."""
    number = sum(each.code.startswith(_OF_PACKAGES) for each in found)
    until = datetime.now(UTC) + timedelta(days=settings.PARTIAL_EXPIRES_DAYS)
    return Finding(
        code="package.confirm",
        area=Area.ARCHIVE,
        subject="",
        severity=Severity.WARNING,
        message=f"The package is whole and is not archived yet: please look at the {_many(number)} below, and "
        "confirm if it is meant so: on the page of the deposit, with `deposit confirm`, by the action confirm of "
        "the API, or by completing the deposit again (In-Progress: false). Or replace the package first. "
        f"The deposit waits until {until:%Y-%m-%d}.",
    )


def _many(number: int) -> str:
    return f"{number} warnings" if number > 1 else "warning"


def confirm(*, deposit_id: int, actor: Actor) -> Deposit:
    """Let a deposit that waits for its depositor's word go on as it is. Raises `Refusal`, `TransitionRefused`."""
    with acting(actor), transaction.atomic():
        deposit = Deposit.objects.select_for_update().filter(pk=deposit_id).first()
        if deposit is None:
            raise unknown_deposit(deposit_id)
        require(actor, Operation.CHANGE, deposit)
        require_member(actor, deposit.collection_id)
        if not is_held(deposit):
            raise TransitionRefused(
                f"Deposit {deposit.pk} has status '{deposit.status}' and does not wait for a confirmation."
            )
        return lifecycle.fire_within(EventName.CONFIRM, deposit.pk, actor=actor.as_depositor)
