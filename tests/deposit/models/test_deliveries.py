"""The database refuses deliveries, activities and identifiers that cannot be."""

from pathlib import Path
from typing import Any

import pytest
from django.db.models.functions import Now

from deposit.models import Activity, Collection, Delivery, DeliveryState, Deposit, Identifier
from tests.deposit.models.test_models import refused_by
from tests.support.factories import new_deposit

pytestmark = pytest.mark.django_db


def delivery(deposit: Deposit | None = None, **fields: Any) -> Delivery:
    return Delivery.objects.create(deposit=deposit or new_deposit(), destination="archive", **fields)


def test_a_collection_has_a_destination() -> None:
    with refused_by("collection_has_destinations"):
        Collection.objects.create(name="hal", destinations=[])


def test_one_delivery_to_a_destination_is_current() -> None:
    deposit = new_deposit()
    delivery(deposit)
    with refused_by("delivery_one_is_current"):
        delivery(deposit)


def test_what_is_replaced_has_ended() -> None:
    deposit = new_deposit()
    delivery(deposit, current=False, state=DeliveryState.FAILED, ended_at=Now())
    delivery(deposit)
    with refused_by("delivery_replaced_has_ended"):
        delivery(deposit, current=False)


@pytest.mark.parametrize("fields", [{"state": "failed"}, {"state": "waiting", "ended_at": Now()}])
def test_a_delivery_has_ended_by_its_state(fields: dict[str, Any]) -> None:
    with refused_by("delivery_ended_at_follows_state"):
        delivery(**fields)


def test_states_and_wishes_are_known() -> None:
    with refused_by("delivery_state_is_known"):
        delivery(state="lost", ended_at=Now())
    with refused_by("delivery_wish_is_known"):
        delivery(wish="more")
    with refused_by("activity_state_is_known"):
        Activity.objects.create(delivery=delivery(), name="archive", state="lost")


def test_a_delivery_has_each_step_once() -> None:
    one = delivery()
    Activity.objects.create(delivery=one, name="archive")
    with refused_by("activity_is_unique"):
        Activity.objects.create(delivery=one, name="archive")


def test_an_identifier_says_something_once() -> None:
    deposit = new_deposit()
    Identifier.objects.create(deposit=deposit, scheme="doi", value="10.1/2")
    with refused_by("identifier_is_unique"):
        Identifier.objects.create(deposit=deposit, scheme="doi", value="10.1/2")
    with refused_by("identifier_is_not_empty"):
        Identifier.objects.create(deposit=deposit, scheme="doi", value="")


def test_every_constraint_is_tested_here() -> None:
    source = Path(__file__).read_text()
    names = [one.name for model in (Delivery, Activity, Identifier) for one in model._meta.constraints]
    assert [name for name in names if f'"{name}"' not in source] == []
