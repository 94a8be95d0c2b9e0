"""What operators do to deposits."""

from pathlib import Path
from typing import Any

import pytest

from deposit.actors import Channel, system_actor
from deposit.lifecycle import TransitionRefused
from deposit.models import Deposit, Event, Finding, Status
from deposit.refusals import Refusal
from deposit.services.operations import clear, expire, recheck, reschedule
from deposit.staging import files
from tests.support.lifecycle_fixtures import in_status, sent

OPERATOR = system_actor(Channel.COMMAND)
SCHEDULER = system_actor(Channel.SCHEDULER)


@pytest.fixture(autouse=True)
def _staging(tmp_path: Path, settings: Any) -> None:
    settings.STAGING_ROOT = str(tmp_path)


def add_finding(deposit: Deposit, area: str) -> None:
    Finding.objects.create(deposit=deposit, area=area, severity="error", code="x", message="x")


def stored(deposit: Deposit) -> list[Path]:
    return [files.path_of(name) for name in deposit.parts.values_list("stored_as", flat=True) if name]


@pytest.mark.django_db
@pytest.mark.parametrize("status", [Status.FAILED, Status.DONE])
def test_reschedule_loads_again_and_forgets_why_it_failed(status: Status) -> None:
    deposit = in_status(status)
    add_finding(deposit, "loading")
    add_finding(deposit, "metadata")
    assert reschedule(deposit_id=deposit.pk, actor=OPERATOR).status == Status.VERIFIED
    assert list(deposit.findings.values_list("area", flat=True)) == ["metadata"]
    assert Event.objects.latest("id").actor == "operator:command"


@pytest.mark.django_db
def test_recheck_starts_without_findings() -> None:
    deposit = in_status(Status.REJECTED)
    add_finding(deposit, "archive")
    assert recheck(deposit_id=deposit.pk, actor=OPERATOR).status == Status.DEPOSITED
    assert not deposit.findings.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("operation", [reschedule, recheck])
def test_a_refused_operation_changes_nothing(operation: Any) -> None:
    deposit = in_status(Status.PARTIAL)
    add_finding(deposit, "loading")
    with pytest.raises(TransitionRefused):
        operation(deposit_id=deposit.pk, actor=OPERATOR)
    deposit.refresh_from_db()
    assert (deposit.status, deposit.findings.count()) == (Status.PARTIAL, 1)


@pytest.mark.django_db(transaction=True)
def test_expire_removes_the_packages_and_keeps_the_metadata() -> None:
    deposit = sent(complete=False)
    (file,) = stored(deposit)
    assert file.exists()
    expire(deposit_id=deposit.pk, actor=OPERATOR)
    deposit.refresh_from_db()
    assert (deposit.status, file.exists()) == (Status.EXPIRED, False)
    assert list(deposit.parts.values_list("kind", flat=True)) == ["metadata"]


@pytest.mark.django_db(transaction=True)
def test_a_deposit_that_is_complete_does_not_expire() -> None:
    deposit = sent()
    with pytest.raises(TransitionRefused):
        expire(deposit_id=deposit.pk, actor=OPERATOR)
    assert expire(deposit_id=deposit.pk, actor=SCHEDULER, quietly=True) is None
    assert expire(deposit_id=10**9, actor=SCHEDULER, quietly=True) is None
    assert [file.exists() for file in stored(deposit)] == [True]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("status", [Status.REJECTED, Status.FAILED])
def test_clearing_removes_packages_and_keeps_what_was_found(status: Status) -> None:
    deposit = in_status(status, sent(complete=False))
    add_finding(deposit, "archive")
    files_before = stored(deposit)
    assert clear(deposit_id=deposit.pk, actor=OPERATOR) == len(files_before) >= 1
    deposit.refresh_from_db()
    assert (deposit.status, deposit.findings.count()) == (status, 1)
    assert [file.exists() for file in files_before] == [False] * len(files_before)
    assert Event.objects.latest("id").name == "clear"
    assert clear(deposit_id=deposit.pk, actor=OPERATOR) == 0
    assert Event.objects.filter(deposit=deposit, name="clear").count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("operation", [reschedule, recheck])
def test_what_was_cleared_is_not_taken_up_again(operation: Any) -> None:
    deposit = in_status(Status.FAILED, sent(complete=False))
    clear(deposit_id=deposit.pk, actor=OPERATOR)
    with pytest.raises(Refusal) as told:
        operation(deposit_id=deposit.pk, actor=OPERATOR)
    assert told.value.code == "deposit.package_removed"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("status", [Status.PARTIAL, Status.DEPOSITED, Status.VERIFIED, Status.DONE])
def test_nothing_else_is_cleared(status: Status) -> None:
    deposit = in_status(status, sent(complete=False))
    with pytest.raises(Refusal):
        clear(deposit_id=deposit.pk, actor=OPERATOR)
    assert all(file.exists() for file in stored(deposit))
