"""The deposit's page tells of its deliveries; raw faults are for operators alone."""

import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Now

from dashboard.deliveries import deliveries_of
from deposit.models import Activity, Delivery, Deposit
from tests.support.factories import logged_in, new_deposit

pytestmark = pytest.mark.django_db


@pytest.fixture
def failing() -> Deposit:
    deposit = new_deposit()
    delivery = Delivery.objects.create(
        deposit=deposit, destination="shelf", state="waiting", started_at=Now()
    )
    Activity.objects.create(delivery=delivery, name="pack", state="done", attempts=1, ended_at=Now())
    Activity.objects.create(
        delivery=delivery,
        name="send",
        state="waiting",
        attempts=3,
        error="The shelf does not answer.",
        fault="ConnectionRefusedError: /dev/shelf",
    )
    return deposit


def test_the_newest_cause_stands_on_top_and_steps_below(failing: Deposit) -> None:
    (line,) = deliveries_of(failing, faults=False)
    assert (line.cause, str(line.word)) == ("The shelf does not answer.", "waiting")
    assert [(step.name, step.attempts, step.tone) for step in line.steps] == [
        ("pack", 1, "good"),
        ("send", 3, "bad"),
    ]


def test_its_depositor_sees_the_cause_and_not_the_fault(failing: Deposit) -> None:
    page = logged_in(failing.client.user).get(f"/deposits/{failing.pk}/").content.decode()
    assert page.count("The shelf does not answer.") == 1
    assert "/dev/shelf" not in page


def test_an_operator_sees_the_fault_too(failing: Deposit) -> None:
    operator = User.objects.create_superuser("root", password="x")
    page = logged_in(operator).get(f"/deposits/{failing.pk}/").content.decode()
    assert "ConnectionRefusedError: /dev/shelf" in page
