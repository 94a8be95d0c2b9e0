"""Why is a deposit not done? One sentence, the same on its page, in the API and on the command line."""

from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.db.models.functions import Now
from django.test import Client as HttpClient

from deposit.lifecycle import Work
from deposit.models import AdvisoryLock, Delivery, Deposit, Heartbeat, Status, WorkItem
from deposit.monitoring import heartbeats
from deposit.monitoring.waiting import why_not_done
from tests.support.lifecycle_fixtures import claimed, in_status, pass_lease

pytestmark = pytest.mark.django_db


def told(deposit: Deposit, *, faults: bool = False) -> str:
    deposit.refresh_from_db()
    return why_not_done(deposit, faults=faults)


def verified(before: int = 0) -> Deposit:
    """A deposit that waits for a loader, with so many before it."""
    for _ in range(before):
        in_status(Status.VERIFIED)
    WorkItem.objects.update(due_at=Now() - timedelta(minutes=1))
    return in_status(Status.VERIFIED)


def heard(ago: timedelta, queue: str = "load") -> datetime:
    """A worker of the queue was heard so long ago."""
    heartbeats.beat(f"{queue}@here", queue, begins=True)
    Heartbeat.objects.update(beat_at=Now() - ago)
    return Heartbeat.objects.get(name=f"{queue}@here").beat_at


def lead() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [AdvisoryLock.DISPATCHER])


def test_it_waits_for_a_worker_that_is_not_there() -> None:
    deposit = verified(before=14)
    assert told(deposit) == "It waits for a loader: none is alive; 14 are before it."
    moment = heard(timedelta(minutes=2)).astimezone(UTC)
    clock = f"{moment:%H:%M}" if moment.date() == datetime.now(UTC).date() else f"{moment:%Y-%m-%d %H:%M}"
    assert told(deposit) == f"It waits for a loader: none is alive since {clock} UTC; 14 are before it."
    moment = heard(timedelta(days=3)).astimezone(UTC)
    assert (
        told(deposit)
        == f"It waits for a loader: none is alive since {moment:%Y-%m-%d %H:%M} UTC; 14 are before it."
    )


def test_it_waits_for_a_dispatcher_or_for_its_turn() -> None:
    deposit = verified(before=2)
    heard(timedelta())
    assert told(deposit) == "It waits for a loader: no dispatcher runs; 2 are before it."
    lead()
    assert told(deposit) == "It waits for a loader; 2 are before it."


def test_a_worker_is_at_work_or_fell_silent() -> None:
    deposit = in_status(Status.DEPOSITED)
    claimed(Work.CHECK, deposit)
    assert told(deposit) == "A worker is at work on it."
    pass_lease(deposit)
    assert told(deposit) == "Whoever was at work on it fell silent; another takes it up within minutes."


def test_what_failed_is_tried_again_and_operators_are_told_the_cause() -> None:
    deposit = in_status(Status.VERIFIED)
    WorkItem.objects.update(
        due_at=Now() + timedelta(days=2), attempts=3, last_fault="OSError: disk full", sent_at=None
    )
    moment = f"{WorkItem.objects.get().due_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    assert told(deposit, faults=True) == f"Attempt 3 failed (OSError: disk full); the next is at {moment}."
    assert told(deposit) == f"An attempt failed, for no reason of its depositor's; the next is at {moment}."
    WorkItem.objects.update(last_fault="")
    assert told(deposit) == f"It is looked at again at {moment}."


def test_a_delivery_that_asks_and_work_that_is_not_open_are_told() -> None:
    deposit = in_status(Status.VERIFIED)
    WorkItem.objects.all().delete()
    assert told(deposit) == "No work is open for it; the dispatcher asks for it within minutes."
    Delivery.objects.create(deposit=deposit, destination="archivematica", state="asking")
    assert told(deposit) == "Its delivery to archivematica waits for somebody's decision."


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        (Status.PARTIAL, "It is partial: it waits for its client to complete it."),
        (Status.EXPIRED, "It was never completed, and has expired."),
        (Status.REJECTED, "It was rejected: no finding says why"),
        (Status.FAILED, "It failed, for no reason of its depositor's: no finding says why"),
        (Status.DONE, ""),
    ],
)
def test_every_status_has_its_sentence(status: Status, sentence: str) -> None:
    assert told(in_status(status)) == sentence


def test_page_api_and_command_say_the_same(client: HttpClient) -> None:
    deposit = verified(before=3)
    sentence = "It waits for a loader: none is alive; 3 are before it."
    client.force_login(User.objects.create_superuser("root"))
    assert client.get(f"/api/deposits/{deposit.pk}/").json()["why_not_done"] == sentence
    assert f'<span id="why">{sentence}</span>' in client.get(f"/deposits/{deposit.pk}/").text
    shown = StringIO()
    call_command("deposit", "show", "--deposit-id", str(deposit.pk), stdout=shown)
    assert sentence in shown.getvalue()
