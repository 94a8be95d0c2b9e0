"""Deliveries through the double: the whole life, and every way in which it may go wrong."""

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.utils import timezone

from deposit.actors import Channel, system_actor
from deposit.lifecycle import Work
from deposit.models import Finding, Status, WorkItem
from deposit.queue import items
from deposit.services import deliveries
from deposit.services.operations import reschedule
from deposit.services.work import CLEANUP
from loader.cleanup import clean_up
from loader.destinations.archivematica import after, health, services
from loader.destinations.archivematica.models import Pipeline, Transfer
from loader.inspection import inspect
from tests.loader.destinations.archivematica.delivering import (
    Delivering,
    delivery_of,
    make_due,
    steps,
    transfer_of,
)
from tests.loader.destinations.archivematica.pipelines import key_file
from tests.support.archivematica import KEY, Archivematica
from tests.support.archivematica_state import COMPLETE, DONE, PROCESSING, Script
from tests.support.factories import http_client
from tests.support.sftp_server import SftpServer

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def delivering(double: Archivematica, tmp_path: Path) -> Delivering:
    """One pipeline with two places, which is patient for a minute."""
    return Delivering(double, tmp_path, capacity=2, retry_deadline=60)


def inside(delivering: Delivering) -> int:
    """How many places of the pipeline are taken."""
    return Transfer.objects.filter(pipeline=delivering.pipeline, left_at=None).count()


def identifiers(deposit: Any) -> list[tuple[str, str]]:
    """What the deposit is known by in Archivematica."""
    found = deposit.identifiers.filter(scheme__startswith="archivematica").order_by("scheme")
    return list(found.values_list("scheme", "value"))


def impatient(**fields: Any) -> None:
    """Let the patience of all pipelines be over."""
    Pipeline.objects.update(**({"retry_deadline": 1} | fields))
    Transfer.objects.exclude(failing_since=None).update(failing_since="2026-01-01T00:00Z")


def test_a_deposit_goes_through_to_storage(delivering: Delivering, source: Path) -> None:
    deposit = delivering.deposit()

    delivery = delivering.to_its_end(deposit)

    deposit.refresh_from_db()
    [transfer] = delivering.double.transfers
    assert (delivery.state, deposit.status) == ("done", Status.DONE)
    assert identifiers(deposit) == [
        ("archivematica-aip", transfer.sip),
        ("archivematica-transfer", transfer.uuid),
    ]
    assert list(steps(delivery)) == [
        "reconcile",
        "acquire_pipeline",
        "prepare_bundle",
        "publish",
        "start_transfer",
        "poll_transfer",
        "poll_ingest",
        "confirm_stored",
        "check_fixity",
        "release_capacity",
        "hide",
        "clean_up",
    ]
    assert set(steps(delivery).values()) == {"done"}
    assert inside(delivering) == 0
    assert list(source.iterdir()) == []
    assert transfer.hidden == {"transfer", "ingest"}
    stored = delivering.double.state.store.folders[transfer.sip]
    assert (stored / "data" / "objects" / "letters" / "1.txt").read_bytes() == b"Dear Ada"
    assert (stored / "data" / "metadata" / "metadata.csv").exists()
    assert (stored / "data" / "metadata" / "submissionDocumentation" / "metadata-1.xml").exists()


def test_what_is_stored_is_told(delivering: Delivering) -> None:
    deposit = delivering.deposit()

    delivery = delivering.to_its_end(deposit)

    result = delivery.activities.get(name="confirm_stored").result
    [transfer] = delivering.double.transfers
    assert (result["aip"], result["stored"], result["location"]) == (
        transfer.sip,
        "local_complete",
        delivering.double.state.store.location,
    )
    assert {job["state"] for job in delivery.memory["substeps"]["poll_ingest"]} == {"complete"}


def test_files_that_are_left_out_are_told(delivering: Delivering) -> None:
    deposit = delivering.deposit({"a.txt": b"a", ".DS_Store": b"x"})

    delivering.to_its_end(deposit)

    finding = Finding.objects.get(deposit=deposit, code="delivery.left_out")
    assert finding.severity == "warning"
    assert ".DS_Store" in finding.message


def test_a_full_pipeline_is_waited_for(delivering: Delivering) -> None:
    Pipeline.objects.update(capacity=1)
    delivering.double.state.default = Script(transfer=(PROCESSING,))
    first, second = delivering.deposit(), delivering.deposit()
    delivering.look(first, times=3)

    delivery = delivering.look(second)

    assert (delivery.state, steps(delivery)["acquire_pipeline"]) == ("waiting", "waiting")
    assert len(delivering.double.transfers) == 1
    delivering.double.transfers[0].script = Script(transfer=(DONE,), ingest=(COMPLETE,))
    assert delivering.to_its_end(first).state == "done"
    delivering.double.state.default = Script()
    assert delivering.to_its_end(second).state == "done"


@pytest.mark.parametrize("version", ["1.17.0", "1.19.0"])
@pytest.mark.parametrize("fault", [{"drop_after": True}, {"status": 500}, {"drop": True}])
def test_an_answer_that_is_lost_never_makes_a_second_transfer(
    delivering: Delivering, version: str, fault: dict[str, Any]
) -> None:
    double = delivering.double
    double.version = version
    double.fail("POST /api/v2beta/package", **fault)
    deposit = delivering.deposit()

    delivery = delivering.look(deposit, times=6)

    if version == "1.19.0" or "drop_after" in fault:
        assert delivering.to_its_end(deposit).state == "done"
        assert len(double.transfers) == 1
        assert inside(delivering) == 0
    else:
        assert double.count("POST", "package") == 1
        assert steps(delivery)["start_transfer"] == "waiting"


def test_a_transfer_that_cannot_be_found_is_asked_about(delivering: Delivering) -> None:
    delivering.double.fail("POST /api/v2beta/package", status=500)
    deposit = delivering.deposit()
    delivering.look(deposit, times=2)
    Transfer.objects.update(asked_at="2026-01-01T00:00Z")

    delivery = delivering.look(deposit)

    assert (delivery.state, steps(delivery)["start_transfer"]) == ("asking", "asking")
    assert set(delivery.question["options"]) == {"look_again", "start_again", "abandon"}
    assert delivering.double.count("POST", "package") == 1
    assert inside(delivering) == 1


def test_a_person_may_have_it_started_again(delivering: Delivering) -> None:
    delivering.double.fail("POST /api/v2beta/package", status=500)
    deposit = delivering.deposit()
    delivering.look(deposit, times=2)
    Transfer.objects.update(asked_at="2026-01-01T00:00Z")
    delivery = delivering.look(deposit)
    delivery.question["answer"] = "start_again"
    delivery.save()

    assert delivering.to_its_end(deposit).state == "done"

    assert [one.name for one in delivering.double.transfers] == [f"{transfer_of(deposit).name}-2"]


def test_a_transfer_that_is_found_late_ends_the_question(delivering: Delivering) -> None:
    delivering.double.fail("POST /api/v2beta/package", drop_after=True)
    delivering.double.fail("browse", status=500, times=2)
    deposit = delivering.deposit()
    delivering.look(deposit, times=2)
    Transfer.objects.update(asked_at="2026-01-01T00:00Z")
    assert delivering.look(deposit).state == "asking"

    assert delivering.to_its_end(deposit).state == "done"
    assert len(delivering.double.transfers) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
def test_a_clear_no_fails_the_delivery_and_gives_the_place_back(delivering: Delivering, status: int) -> None:
    delivering.double.fail("POST /api/v2beta/package", status=status)
    deposit = delivering.deposit()

    delivery = delivering.to_its_end(deposit)

    deposit.refresh_from_db()
    assert (delivery.state, delivery.code, deposit.status) == ("failed", "archivematica.refused", "failed")
    assert after.look(transfer_of(deposit)) is None
    assert inside(delivering) == 0
    assert list(delivering.double.state.source.iterdir()) == []


def test_nobody_there_is_waited_for_and_then_given_up(delivering: Delivering) -> None:
    deposit = delivering.deposit()
    delivering.double.fail("GET /api/transfer/status", status=503, times=3)
    delivery = delivering.look(deposit, times=3)
    assert (delivery.state, steps(delivery)["poll_transfer"]) == ("waiting", "waiting")
    assert delivering.to_its_end(deposit).state == "done"

    second = delivering.deposit()
    delivering.double.fail("GET /api/transfer/status", status=503, times=99)
    delivering.look(second, times=3)
    impatient()
    delivery = delivering.look(second)

    assert (delivery.state, delivery.code) == ("failed", "archivematica.unavailable")
    assert after.look(transfer_of(second)) is not None
    assert inside(delivering) == 1, "Archivematica is still at work"


def test_errors_that_end_are_forgotten(delivering: Delivering) -> None:
    delivering.double.state.default = Script(transfer=(PROCESSING,) * 3 + (DONE,))
    deposit = delivering.deposit()
    delivering.look(deposit)
    delivering.double.fail("GET /api/transfer/status", status=500, times=1)
    delivering.look(deposit, times=2)

    assert transfer_of(deposit).failing_since is None
    assert delivering.to_its_end(deposit).state == "done"


@pytest.mark.parametrize(
    ("script", "code"),
    [
        (Script(transfer=("FAILED",)), "archivematica.transfer_failed"),
        (Script(transfer=("REJECTED",)), "archivematica.transfer_rejected"),
        (Script(transfer=("BACKLOG",)), "archivematica.backlog"),
        (Script(transfer=(DONE,), ingest=("FAILED",), stored=False), "archivematica.ingest_failed"),
        (Script(transfer=(DONE,), ingest=("REJECTED",), stored=False), "archivematica.ingest_rejected"),
    ],
)
def test_what_ends_badly_in_archivematica_fails(delivering: Delivering, script: Script, code: str) -> None:
    delivering.double.state.default = script
    deposit = delivering.deposit()

    delivery = delivering.to_its_end(deposit)

    assert (delivery.state, delivery.code) == ("failed", code)
    assert after.look(transfer_of(deposit)) is None
    assert inside(delivering) == 0
    assert list(delivering.double.state.source.iterdir()) == []


def test_complete_without_a_sip_is_waited_on(delivering: Delivering) -> None:
    delivering.double.state.default = Script(transfer=(COMPLETE, COMPLETE, DONE), ingest=(COMPLETE,))
    deposit = delivering.deposit()

    assert delivering.to_its_end(deposit).state == "done"


def test_a_202_that_never_starts_is_given_up(delivering: Delivering) -> None:
    delivering.double.state.default = Script(starts=False)
    deposit = delivering.deposit()
    assert delivering.look(deposit, times=3).state == "waiting"
    impatient()

    delivery = delivering.look(deposit)

    assert (delivery.state, delivery.code) == ("failed", "archivematica.never_started")
    assert after.look(transfer_of(deposit)) is not None
    assert (inside(delivering), len(list(delivering.double.state.source.iterdir()))) == (1, 1)
    Transfer.objects.update(held_at="2026-01-01T00:00Z", entered_at="2026-01-01T00:00Z")
    assert after.look(transfer_of(deposit)) is None
    assert (inside(delivering), list(delivering.double.state.source.iterdir())) == (0, [])


def test_a_question_of_archivematica_is_passed_on_until_somebody_answers_it_there(
    delivering: Delivering,
) -> None:
    delivering.double.state.default = Script(
        transfer=("USER_INPUT", "USER_INPUT", DONE), ingest=("USER_INPUT", COMPLETE)
    )
    deposit = delivering.deposit()

    delivery = delivering.look(deposit)

    assert delivery.state == "asking"
    assert set(delivery.question["options"]) == {"keep_waiting", "abandon"}
    assert delivering.to_its_end(deposit).state == "done"


def test_a_question_is_told_once_in_the_history(delivering: Delivering) -> None:
    delivering.double.state.default = Script(
        transfer=("USER_INPUT", "USER_INPUT", "USER_INPUT", DONE), ingest=("USER_INPUT", COMPLETE)
    )
    deposit = delivering.deposit()

    delivery = delivering.to_its_end(deposit)

    told = deposit.events.filter(name="ask").order_by("id")
    assert [one.detail["step"] for one in told] == ["poll_transfer", "poll_ingest"]
    assert told[0].detail["delivery"] == delivery.pk
    assert set(told[0].detail["options"]) == {"keep_waiting", "abandon"}


def meanwhile(delivering: Delivering, act: Callable[[], object]) -> None:
    """Let somebody do something while the next request to Archivematica is answered: in a session of their own."""

    def acting() -> None:
        act()
        connection.close()

    delivering.double.before = acting


@pytest.mark.parametrize("verb", ["cancel", "abandon"])
@pytest.mark.parametrize("word", ["USER_INPUT", PROCESSING])
def test_a_wish_that_comes_while_a_step_runs_is_not_lost(
    delivering: Delivering, verb: str, word: str
) -> None:
    delivering.double.state.default = Script(transfer=(word,))
    deposit = delivering.deposit()
    delivery = delivering.look(deposit)
    actor = system_actor(Channel.COMMAND)
    meanwhile(delivering, lambda: deliveries.VERBS[verb](delivery_id=delivery.pk, actor=actor))

    delivering.look(deposit)

    assert WorkItem.objects.get(deposit=deposit, kind=Work.LOAD).due_at <= timezone.now()
    delivery = delivering.look(deposit)
    assert delivery.state == {"cancel": "cancelled", "abandon": "abandoned"}[verb]


def test_an_answer_that_comes_while_a_step_runs_is_not_lost(delivering: Delivering) -> None:
    delivering.double.fail("POST /api/v2beta/package", drop=True)
    delivering.pipeline.retry_deadline = 1
    delivering.pipeline.save()
    deposit = delivering.deposit()
    delivering.look(deposit)
    Transfer.objects.update(asked_at="2026-01-01T00:00Z")
    delivery = delivering.look(deposit)
    assert delivery.state == "asking"
    actor = system_actor(Channel.COMMAND)
    decide = partial(deliveries.decide, delivery_id=delivery.pk, option="start_again", actor=actor)
    meanwhile(delivering, decide)

    assert delivering.look(deposit).question["answer"] == "start_again"
    assert delivering.to_its_end(deposit).state == "done"
    assert len(delivering.double.transfers) == 1


@pytest.mark.parametrize("word", ["", "WONDERING"])
def test_a_state_that_is_not_known_is_waited_on_for_a_while(delivering: Delivering, word: str) -> None:
    delivering.double.state.default = Script(transfer=(word,))
    deposit = delivering.deposit()
    assert delivering.look(deposit, times=3).state == "waiting"
    impatient()

    delivery = delivering.look(deposit)

    assert (delivery.state, delivery.code) == ("failed", "archivematica.no_state")


def test_the_deadline_ends_what_does_not_end_itself(delivering: Delivering) -> None:
    delivering.double.state.default = Script(transfer=(PROCESSING,))
    deposit = delivering.deposit()
    delivery = delivering.look(deposit, times=2)
    assert delivery.deadline_at is not None
    type(delivery).objects.update(deadline_at="2026-01-01T00:00Z")

    delivery = delivering.look(deposit)

    assert (delivery.state, delivery.code) == ("failed", "delivery.deadline")
    transfer = transfer_of(deposit)
    assert after.look(transfer) is not None
    transfer.refresh_from_db()
    assert (transfer.held_because, inside(delivering)) == ("delivery.deadline", 1)


def test_an_aip_that_is_stored_late_is_recorded_and_found_by_the_next_retry(delivering: Delivering) -> None:
    delivering.double.state.default = Script(transfer=(PROCESSING,))
    deposit = delivering.deposit()
    delivery = delivering.look(deposit, times=2)
    type(delivery).objects.update(deadline_at="2026-01-01T00:00Z")
    delivering.look(deposit)
    assert after.look(transfer_of(deposit)) is not None
    delivering.double.transfers[0].script = Script(transfer=(DONE,), ingest=(COMPLETE,))
    for _ in range(4):
        after.look(transfer_of(deposit))
    [transfer] = delivering.double.transfers
    assert ("archivematica-aip", transfer.sip) in identifiers(deposit)
    assert inside(delivering) == 0

    retry(deposit)

    assert delivering.to_its_end(deposit).state == "done"
    assert len(delivering.double.transfers) == 1


def retry(deposit: Any) -> None:
    """Have a failed deposit delivered again, as an operator does."""
    reschedule(deposit_id=deposit.pk, actor=system_actor(Channel.COMMAND))


def test_a_failed_replica_leaves_an_aip_and_no_retry_makes_a_second(delivering: Delivering) -> None:
    elsewhere = "0b8ab5d6-4c2f-4c7b-a0f5-0a0e0a4a9f60"
    Pipeline.objects.update(required_locations=[delivering.double.state.store.location, elsewhere])
    delivering.double.state.default = Script(transfer=(DONE,), ingest=("FAILED",))
    deposit = delivering.deposit()

    delivery = delivering.to_its_end(deposit)

    assert (delivery.state, delivery.code) == ("failed", "archivematica.replicated_partial")
    assert after.look(transfer_of(deposit)) is None
    retry(deposit)
    delivery = delivering.to_its_end(deposit)
    assert (delivery.state, delivery.code) == ("failed", "archivematica.replicated_partial")
    assert len(delivering.double.transfers) == 1
    Pipeline.objects.update(required_locations=[])
    retry(deposit)
    assert delivering.to_its_end(deposit).state == "done"
    assert len(delivering.double.transfers) == 1


def test_a_failed_ingest_whose_aip_is_stored_is_a_success(delivering: Delivering) -> None:
    delivering.double.state.default = Script(transfer=(DONE,), ingest=("FAILED",))
    deposit = delivering.deposit()

    assert delivering.to_its_end(deposit).state == "done"


def test_replicas_are_waited_for(delivering: Delivering) -> None:
    elsewhere = "0b8ab5d6-4c2f-4c7b-a0f5-0a0e0a4a9f60"
    Pipeline.objects.update(required_locations=[delivering.double.state.store.location, elsewhere])
    delivering.double.state.default = Script(transfer=(DONE,), ingest=(COMPLETE,), replicas=(elsewhere,))
    deposit = delivering.deposit()

    delivery = delivering.to_its_end(deposit)

    assert delivery.activities.get(name="confirm_stored").result["stored"] == "replicated_complete"


def test_complete_is_no_proof_of_storage(delivering: Delivering) -> None:
    delivering.double.state.default = Script(transfer=(DONE,), ingest=(COMPLETE,), stored=False)
    deposit = delivering.deposit()
    assert delivering.look(deposit, times=4).state == "waiting"
    impatient()

    delivery = delivering.look(deposit)

    assert (delivery.state, delivery.code) == ("failed", "archivematica.not_found")


def test_an_aip_without_a_date_is_not_taken_for_stored(delivering: Delivering) -> None:
    delivering.double.state.default = Script(transfer=(DONE,), ingest=(COMPLETE,), dated=False)
    deposit = delivering.deposit()
    assert delivering.look(deposit, times=4).state == "waiting"
    impatient()

    delivery = delivering.look(deposit)

    assert (delivery.state, delivery.code) == ("failed", "archivematica.indeterminate")


@pytest.mark.parametrize("damaged", [False, True])
def test_fixity_is_checked_where_the_pipeline_asks_for_it(delivering: Delivering, damaged: bool) -> None:
    Pipeline.objects.update(fixity=True)
    delivering.double.state.default = Script(transfer=(DONE,), ingest=(COMPLETE,), damaged=damaged)
    deposit = delivering.deposit()

    delivery = delivering.to_its_end(deposit)

    assert (delivery.state, delivery.code) == (
        ("failed", "archivematica.damaged") if damaged else ("done", "")
    )


def test_a_retry_checks_the_fixity_of_what_it_finds(delivering: Delivering) -> None:
    Pipeline.objects.update(fixity=True)
    delivering.double.state.default = Script(transfer=(DONE,), ingest=(COMPLETE,), damaged=True)
    deposit = delivering.deposit()
    delivering.to_its_end(deposit)
    retry(deposit)

    delivery = delivering.to_its_end(deposit)

    assert (delivery.state, delivery.code) == ("failed", "archivematica.damaged")
    assert len(delivering.double.transfers) == 1


def test_a_retry_goes_on_with_a_transfer_that_is_still_at_work(delivering: Delivering) -> None:
    delivering.double.state.default = Script(transfer=(PROCESSING,))
    deposit = delivering.deposit()
    delivering.look(deposit)
    delivering.double.fail("GET /api/transfer/status", status=403)
    assert delivering.look(deposit).code == "archivematica.refused"
    after.look(transfer_of(deposit))
    delivering.double.transfers[0].script = Script(transfer=(DONE,), ingest=(COMPLETE,))

    retry(deposit)

    assert delivering.to_its_end(deposit).state == "done"
    assert (len(delivering.double.transfers), inside(delivering)) == (1, 0)


def test_a_retry_starts_anew_what_came_to_nothing(delivering: Delivering) -> None:
    delivering.double.state.default = Script(transfer=("FAILED",))
    deposit = delivering.deposit()
    delivering.to_its_end(deposit)
    delivering.double.state.default = Script()

    retry(deposit)

    assert delivering.to_its_end(deposit).state == "done"
    names = [one.name for one in delivering.double.transfers]
    assert (len(names), len(set(names))) == (2, 2)


def test_a_bundle_that_vanished_is_made_again(delivering: Delivering, source: Path) -> None:
    # The look before it is given a place passes, the one before the hand-over does not.
    deposit = delivering.deposit()
    health.look_at(delivering.pipeline)
    delivering.double.fail("GET /api/v2beta/package", status=503)
    delivery = delivering.look(deposit)
    assert (steps(delivery)["publish"], steps(delivery)["start_transfer"]) == ("done", "waiting")
    [bundle] = source.iterdir()
    shutil.rmtree(bundle)

    assert delivering.to_its_end(deposit).state == "done"


def test_a_transfer_source_that_is_away_is_waited_for(delivering: Delivering, source: Path) -> None:
    deposit = delivering.deposit()
    source.rename(source.with_name("away"))
    delivery = delivering.look(deposit)
    assert (delivery.state, steps(delivery)["prepare_bundle"]) == ("waiting", "waiting")
    assert "is not there" in delivery.activities.get(name="prepare_bundle").fault
    source.with_name("away").rename(source)

    assert delivering.to_its_end(deposit).state == "done"


def test_a_location_that_was_renamed_leads_nowhere(delivering: Delivering) -> None:
    deposit = delivering.deposit()
    delivering.look(delivering.deposit())
    delivering.double.location = "0b8ab5d6-4c2f-4c7b-a0f5-0a0e0a4a9f60"
    assert delivering.look(deposit, times=2).state == "waiting"
    impatient()

    assert delivering.look(deposit).code == "archivematica.never_started"


def test_a_key_that_expired_is_waited_for_until_a_new_one_is_there(
    delivering: Delivering, tmp_path: Path
) -> None:
    delivering.double.keys["dashboard"] = ("pipeline", "a new key")
    deposit = delivering.deposit()
    delivery = delivering.look(deposit)
    assert (delivery.state, steps(delivery)["acquire_pipeline"]) == ("waiting", "waiting")
    key_file(tmp_path, "dashboard", "a new key")
    Pipeline.objects.update(checked_at=None)

    assert delivering.to_its_end(deposit).state == "done"
    delivering.double.keys["dashboard"] = ("pipeline", KEY)


def test_a_deposit_of_junk_alone_is_not_sent(delivering: Delivering) -> None:
    deposit = delivering.deposit({".hidden": b"x"})

    delivery = delivering.to_its_end(deposit)

    assert (delivery.state, delivery.code) == ("failed", "archivematica.unsuitable")
    assert delivering.double.transfers == []
    assert after.look(transfer_of(deposit)) is None
    assert inside(delivering) == 0


def test_a_collection_without_pipeline_is_told(delivering: Delivering) -> None:
    delivering.pipeline.uses.all().delete()
    deposit = delivering.deposit()

    delivery = delivering.to_its_end(deposit)

    assert (delivery.state, delivery.code) == ("failed", "archivematica.no_pipeline")
    assert delivery_of(deposit) == delivery
    make_due(deposit)


def test_what_is_owed_is_done_as_work_of_its_own(delivering: Delivering, source: Path) -> None:
    delivering.double.state.default = Script(transfer=(PROCESSING,))
    deposit = delivering.deposit()
    delivery = delivering.look(deposit)
    type(delivery).objects.update(deadline_at="2026-01-01T00:00Z")
    delivering.look(deposit)

    clean_up(delivery.pk, worker="loader")

    assert WorkItem.objects.filter(kind=CLEANUP.name).count() == 1
    assert transfer_of(deposit).held_because == "delivery.deadline"
    assert (inside(delivering), list(source.iterdir())) == (1, [])
    delivering.double.transfers[0].script = Script(transfer=("FAILED",))
    items.make_due(CLEANUP.name, delivery.pk)
    clean_up(delivery.pk, worker="loader")
    assert inside(delivering) == 0
    assert WorkItem.objects.filter(kind=CLEANUP.name).count() == 0


def test_a_place_that_is_given_back_wakes_who_waits(delivering: Delivering) -> None:
    Pipeline.objects.update(capacity=1)
    first, second = delivering.deposit(), delivering.deposit()
    delivering.look(first)
    delivering.look(second)
    assert not is_due(second)

    delivering.to_its_end(first)

    assert is_due(second)


def is_due(deposit: Any) -> bool:
    """Whether a worker would be given it now."""
    return WorkItem.objects.filter(kind=Work.LOAD, key=str(deposit.pk), due_at__lte=Now()).exists()


@pytest.mark.parametrize("address", ["atom/", "statement.atom", "statement.rdf"])
def test_receipt_and_statement_tell_the_identifiers(delivering: Delivering, address: str) -> None:
    deposit = delivering.deposit()
    iri = f"/1/{delivering.collection}/{deposit.pk}/{address}"
    before = http_client(delivering.client).get(iri)
    delivering.to_its_end(deposit)

    after_ = http_client(delivering.client).get(iri)

    [transfer] = delivering.double.transfers
    for identifier in (transfer.sip, transfer.uuid):
        told = f"<dcterms:identifier>{identifier}</dcterms:identifier>".encode()
        assert (told in before.content, told in after_.content) == (False, True), after_.content


def test_a_look_at_what_is_stored_changes_nothing_unless_it_is_applied(delivering: Delivering) -> None:
    delivering.double.state.default = Script(transfer=(DONE,), ingest=(PROCESSING,))
    deposit = delivering.deposit()
    delivery = delivering.look(deposit, times=2)
    type(delivery).objects.update(deadline_at="2026-01-01T00:00Z")
    delivering.look(deposit)
    [transfer] = delivering.double.transfers
    assert reconciled(delivery.pk)["stored"] == "not_found"
    transfer.script = Script(transfer=(DONE,), ingest=(COMPLETE,))
    after.look(transfer_of(deposit))
    after.look(transfer_of(deposit))

    found = reconciled(delivery.pk)

    assert (found["stored"], found["complete"], found["aip"]) == ("local_complete", True, transfer.sip)
    assert delivery_of(deposit).pk == delivery.pk
    reconciled(delivery.pk, apply=True)
    assert delivery_of(deposit).pk != delivery.pk
    assert delivering.to_its_end(deposit).state == "done"
    assert len(delivering.double.transfers) == 1


def reconciled(delivery_id: int, *, apply: bool = False) -> dict[str, Any]:
    """What a worker finds when an operator asks."""
    actor = system_actor(Channel.COMMAND)
    deliveries.ask_for_reconciliation(delivery_id=delivery_id, actor=actor, apply=apply)
    inspect(delivery_id, worker="loader")
    return deliveries.reconciliation_of(delivery_id) or {}


def test_an_ingest_that_was_taken_off_its_tab_is_found_in_storage(delivering: Delivering) -> None:
    delivering.double.state.default = Script(transfer=(DONE,), ingest=(COMPLETE,))
    deposit = delivering.deposit()
    delivering.double.fail("GET /api/ingest/status", status=500)
    delivering.look(deposit)
    [transfer] = delivering.double.transfers
    delivering.double.state.ask_ingest(transfer.sip)
    delivering.double.fail("GET /api/ingest/status", status=400, times=99)

    assert delivering.to_its_end(deposit).state == "done"


def test_a_pipeline_that_is_resumed_or_mended_wakes_who_waits(delivering: Delivering) -> None:
    actor = system_actor(Channel.COMMAND)
    services.set_paused(actor=actor, name="main", paused=True)
    deposit = delivering.deposit()
    delivering.look(deposit)
    assert not is_due(deposit)

    services.set_paused(actor=actor, name="main", paused=False)

    assert is_due(deposit)
    health.record_fault(delivering.pipeline, "away")
    delivering.look(deposit)
    assert not is_due(deposit)
    assert health.look_at(delivering.pipeline) == ""
    assert is_due(deposit)


def test_a_pipeline_that_stays_out_of_order_is_not_waited_for_for_ever(delivering: Delivering) -> None:
    delivering.double.keys["dashboard"] = ("pipeline", "a new key")
    deposit = delivering.deposit()
    delivery = delivering.look(deposit)
    assert delivery.state == "waiting"
    type(delivery).objects.update(started_at="2026-01-01T00:00Z")

    delivery = delivering.look(deposit)

    assert (delivery.state, delivery.code) == ("failed", "archivematica.unavailable")


def test_a_transfer_source_on_an_sftp_server(double: Archivematica, source: Path, tmp_path: Path) -> None:
    with SftpServer(source, tmp_path / "keys") as server:
        delivering = Delivering(
            double,
            tmp_path,
            transfer_source=server.url,
            transfer_source_key_ref=f"file:{server.key_file}",
            known_hosts=str(server.known_hosts),
        )
        deposit = delivering.deposit()

        delivery = delivering.to_its_end(deposit)

        assert (delivery.state, delivery.error) == ("done", "")
        assert len(double.transfers) == 1
        assert list(source.iterdir()) == []
        assert list((tmp_path / "staging" / "bundles").iterdir()) == []


def test_an_sftp_server_with_another_host_key_gets_nothing(
    double: Archivematica, source: Path, tmp_path: Path
) -> None:
    (tmp_path / "hosts").write_text("")
    with SftpServer(source, tmp_path / "keys") as server:
        delivering = Delivering(
            double,
            tmp_path,
            transfer_source=server.url,
            transfer_source_key_ref=f"file:{server.key_file}",
            known_hosts=str(tmp_path / "hosts"),
        )

        delivery = delivering.to_its_end(delivering.deposit())

    assert (delivery.state, delivery.code) == ("failed", "archivematica.transfer_source")
    assert list(source.iterdir()) == []


def test_a_key_that_is_being_worked_on_is_sent_again_and_makes_one_transfer(delivering: Delivering) -> None:
    delivering.double.version = "1.19.0"
    delivering.double.fail("POST /api/v2beta/package", status=409, times=2)
    deposit = delivering.deposit()

    delivery = delivering.look(deposit)

    assert (delivery.state, steps(delivery)["start_transfer"]) == ("waiting", "waiting")
    assert transfer_of(deposit).asked_at is not None
    assert delivering.to_its_end(deposit).state == "done"
    assert len(delivering.double.transfers) == 1


@pytest.mark.parametrize(
    ("where", "status"),
    [("GET /api/transfer/status", 403), ("GET /api/ingest/status", 404), ("GET /api/v2/file", 401)],
)
def test_a_clear_no_while_it_is_followed_fails_the_delivery_and_its_place_stays_taken(
    delivering: Delivering, where: str, status: int
) -> None:
    delivering.double.fail(where, status=status)
    deposit = delivering.deposit()

    delivery = delivering.to_its_end(deposit)

    assert (delivery.state, delivery.code) == ("failed", "archivematica.refused")
    # A retry goes on with the transfer that is there.
    deliveries.retry(delivery_id=delivery.pk, actor=system_actor(Channel.COMMAND))
    assert delivering.to_its_end(deposit).state == "done"
    assert (len(delivering.double.transfers), inside(delivering)) == (1, 0)


def test_an_answer_that_comes_slowly_is_waited_for(delivering: Delivering) -> None:
    delivering.double.fail("POST /api/v2beta/package", seconds=1.5)
    delivering.double.fail("GET /api/transfer/status", seconds=1.5)

    assert delivering.to_its_end(delivering.deposit()).state == "done"
    assert len(delivering.double.transfers) == 1
