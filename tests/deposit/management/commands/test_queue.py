"""``manage.py queue``: what is open is shown, tried at once, struck."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from deposit.lifecycle import Work
from deposit.models import AuditRecord, Status, WorkItem
from deposit.queue import items
from tests.support.lifecycle_fixtures import claimed, in_status, work_of

pytestmark = pytest.mark.django_db


def queue(*words: str) -> Any:
    out = StringIO()
    call_command("queue", *words, "--json", stdout=out)
    return json.loads(out.getvalue())


def test_what_is_open_is_listed_by_kind_and_state() -> None:
    at_work, waiting = in_status(Status.LOADING), in_status(Status.DEPOSITED)
    later = in_status(Status.DEPOSITED)
    items.give_back(claimed(Work.CHECK, later), reason="OSError: disk", after_seconds=600, counts=True)
    assert [(row["deposit"], row["kind"], row["state"]) for row in queue("list")] == [
        (at_work.pk, "load", "working"),
        (waiting.pk, "check", "waiting"),
        (later.pk, "check", "later"),
    ]
    assert [row["deposit"] for row in queue("list", "--kind", "load")] == [at_work.pk]
    assert [row["deposit"] for row in queue("list", "--state", "waiting")] == [waiting.pk]
    assert [row["last_fault"] for row in queue("list", "--failed")] == ["OSError: disk"]
    assert [row["kind"] for row in queue("list", "--deposit-id", str(waiting.pk))] == ["check"]
    counts = {row["kind"]: (row["open"], row["working"], row["later"]) for row in queue("summary")}
    assert (counts["check"], counts["load"], counts["fetch"]) == ((2, 0, 1), (1, 1, 0), (0, 0, 0))


def test_work_is_tried_at_once() -> None:
    deposit = in_status(Status.DEPOSITED)
    items.give_back(claimed(Work.CHECK, deposit), reason="x", after_seconds=600, counts=True)
    told = queue("retry", "--id", str(work_of(deposit).pk))
    assert (told["state"], told["attempts"]) == ("waiting", 0)
    assert claimed(Work.CHECK, deposit).attempt == 1
    assert AuditRecord.objects.get().operation == "queue.retry"
    with pytest.raises(CommandError, match="in the hands of worker"):
        queue("retry", "--id", str(work_of(deposit).pk))


def test_work_is_struck_unless_a_deposit_would_wait_for_ever() -> None:
    deposit = in_status(Status.DEPOSITED)
    with pytest.raises(CommandError, match="cannot be cancelled"):
        queue("cancel", "--id", str(work_of(deposit).pk))
    items.ask("cleanup", "7")
    number = str(WorkItem.objects.get(kind="cleanup").pk)
    assert queue("show", "--id", number)["queue"] == "load"
    assert queue("cancel", "--id", number)["kind"] == "cleanup"
    with pytest.raises(CommandError, match="no open work"):
        queue("cancel", "--id", number)
    assert AuditRecord.objects.get().operation == "queue.cancel"
