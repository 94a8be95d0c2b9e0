"""What operators do to deliveries."""

from pathlib import Path
from typing import Any

import pytest

from deposit.actors import Actor, Channel, system_actor
from deposit.lifecycle import TransitionRefused
from deposit.models import AuditRecord, Delivery, Status
from deposit.refusals import Refusal
from deposit.services import deliveries
from tests.loader.destinations.archivematica.delivering import Delivering, delivery_of
from tests.support.archivematica import Archivematica
from tests.support.archivematica_state import COMPLETE, DONE, PROCESSING, Script
from tests.support.factories import acting_as, new_client

pytestmark = pytest.mark.django_db(transaction=True)
ACTOR = system_actor(Channel.COMMAND)
AT_WORK = Script(transfer=(PROCESSING,))


@pytest.fixture(autouse=True)
def _folders(tmp_path: Path, settings: Any) -> None:
    settings.STAGING_ROOT = str(tmp_path / "staging")


@pytest.fixture
def delivering(tmp_path: Path) -> Any:
    """A collection whose deposits go through a pipeline, in which they stay at work."""
    (tmp_path / "source").mkdir()
    with Archivematica(tmp_path / "source") as double:
        double.state.default = AT_WORK
        yield Delivering(double, tmp_path, capacity=20)


def failed(delivering: Delivering) -> Delivery:
    """A delivery that has failed."""
    delivering.double.script("", Script(transfer=("FAILED",)))
    return delivering.to_its_end(delivering.deposit())


@pytest.mark.parametrize(("verb", "state"), [("cancel", "cancelled"), ("abandon", "abandoned")])
def test_a_delivery_ends_by_a_wish_before_its_next_step(
    delivering: Delivering, verb: str, state: str
) -> None:
    deposit = delivering.deposit()
    delivery = delivering.look(deposit)

    deliveries.VERBS[verb](delivery_id=delivery.pk, actor=ACTOR)

    delivery = delivering.look(deposit)
    deposit.refresh_from_db()
    assert (delivery.state, delivery.code, deposit.status) == (state, f"delivery.{state}", Status.FAILED)
    assert deposit.findings.filter(code=f"delivery.{state}").count() == 1
    assert AuditRecord.objects.filter(
        operation=f"delivery.{verb}", subject=f"delivery {delivery.pk}"
    ).exists()


def test_what_has_ended_is_not_cancelled(delivering: Delivering) -> None:
    delivery = failed(delivering)

    with pytest.raises(TransitionRefused, match="has ended: it is failed"):
        deliveries.cancel(delivery_id=delivery.pk, actor=ACTOR)


def test_a_retry_is_a_delivery_of_its_own(delivering: Delivering) -> None:
    delivery = failed(delivering)
    delivering.double.script("", Script(transfer=(DONE,), ingest=(COMPLETE,)))

    again = deliveries.retry(delivery_id=delivery.pk, actor=ACTOR)

    delivery.refresh_from_db()
    assert (delivery.current, delivery.state) == (False, "failed")
    assert again.memory == {"previous": delivery.pk, "mode": "reconcile"}
    assert delivering.to_its_end(again.deposit).pk == again.pk
    assert delivery_of(again.deposit).state == "done"
    with pytest.raises(TransitionRefused, match="retried already"):
        deliveries.retry(delivery_id=delivery.pk, actor=ACTOR)
    with pytest.raises(TransitionRefused, match="is done"):
        deliveries.retry(delivery_id=again.pk, actor=ACTOR)


def test_what_goes_on_is_not_retried(delivering: Delivering) -> None:
    delivery = delivering.look(delivering.deposit())

    with pytest.raises(TransitionRefused, match="has not ended"):
        deliveries.retry(delivery_id=delivery.pk, actor=ACTOR)


def test_a_full_retry_makes_a_second_transfer_and_says_so(delivering: Delivering) -> None:
    deposit = delivering.deposit()
    delivery = delivering.look(deposit)
    deliveries.cancel(delivery_id=delivery.pk, actor=ACTOR)
    delivering.look(deposit)
    delivering.double.script("", Script(transfer=(DONE,), ingest=(COMPLETE,)))

    again = deliveries.retry(delivery_id=delivery.pk, actor=ACTOR, mode="full")

    assert delivering.to_its_end(deposit).state == "done"
    assert again.memory["mode"] == "full"
    assert len(delivering.double.transfers) == 2


def test_a_decision_is_one_of_the_options(delivering: Delivering) -> None:
    delivering.double.script("", Script(transfer=("USER_INPUT",)))
    deposit = delivering.deposit()
    delivery = delivering.look(deposit)
    with pytest.raises(Refusal, match="none of the options"):
        deliveries.decide(delivery_id=delivery.pk, option="dance", actor=ACTOR)

    deliveries.decide(delivery_id=delivery.pk, option="keep_waiting", actor=ACTOR)

    assert delivering.look(deposit).state == "asking"
    deliveries.decide(delivery_id=delivery.pk, option="abandon", actor=ACTOR)
    assert delivering.look(deposit).state == "abandoned"


def test_nothing_is_decided_where_nothing_is_asked(delivering: Delivering) -> None:
    delivery = delivering.look(delivering.deposit())

    with pytest.raises(TransitionRefused, match="asks nothing"):
        deliveries.decide(delivery_id=delivery.pk, option="abandon", actor=ACTOR)


@pytest.mark.parametrize("actor", ["stranger", "depositor"])
def test_only_operators_act_on_deliveries(delivering: Delivering, actor: str) -> None:
    delivery = delivering.look(delivering.deposit())
    who: Actor = acting_as(delivering.client if actor == "depositor" else new_client())

    with pytest.raises(Refusal) as caught:
        deliveries.cancel(delivery_id=delivery.pk, actor=who)

    assert caught.value.code == ("auth.role" if actor == "depositor" else "deposit.unknown")


def test_many_are_done_each_on_its_own_after_a_preview(delivering: Delivering) -> None:
    over = failed(delivering)
    delivering.double.script("", AT_WORK)
    open_ = [delivering.look(delivering.deposit()).pk for _ in range(2)]
    ids = [*open_, over.pk, 999]

    told = deliveries.preview("cancel", ids, actor=ACTOR)

    assert [bool(one.refusal) for one in told] == [False, False, True, True]
    assert not Delivery.objects.exclude(wish="").exists()
    assert deliveries.perform("cancel", ids, actor=ACTOR) == told
    assert set(Delivery.objects.exclude(wish="").values_list("pk", flat=True)) == set(open_)
