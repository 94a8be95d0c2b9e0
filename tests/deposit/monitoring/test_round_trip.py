"""What the monitoring leaves behind."""

import pytest

from deposit.models import Client, Deposit, Event, Status
from deposit.monitoring.round_trip import KEPT, TITLE, forget_old_checks
from tests.support.factories import new_client, new_deposit

ORIGIN = "https://hal.example.org/check"


def new_done(client: Client, *, origin: str = ORIGIN, title: str = TITLE) -> Deposit:
    deposit = new_deposit(client, client.collections.get())
    swhid = "swh:1:dir:" + 40 * "0"
    Deposit.objects.filter(pk=deposit.pk).update(
        status=Status.DONE,
        complete_date=deposit.reception_date,
        origin_url=origin,
        title=title,
        swhid=swhid,
        swhid_context=f"{swhid};origin={origin}",
    )
    return deposit


@pytest.mark.django_db
def test_old_test_deposits_are_forgotten_and_nothing_else(depositor: Client) -> None:
    checks = [new_done(depositor) for _ in range(KEPT + 3)]
    unfinished = new_deposit(depositor, depositor.collections.get())
    foreign = new_done(new_client(depositor.collections.get(), username="other"))
    events = Event.objects.count()
    assert forget_old_checks(username="hal", origin=ORIGIN) == 3
    kept = [deposit.pk for deposit in (*checks[3:], unfinished, foreign)]
    assert sorted(Deposit.objects.values_list("pk", flat=True)) == sorted(kept)
    assert Event.objects.count() == events
    assert forget_old_checks(username="hal", origin=ORIGIN) == 0


@pytest.mark.django_db
def test_what_else_the_account_has_deposited_is_never_forgotten(depositor: Client) -> None:
    for number in range(KEPT + 3):
        new_done(depositor, origin=f"https://hal.example.org/thesis-{number}", title="A thesis")
        new_done(depositor, origin=f"https://hal.example.org/check-{number}")
        new_done(depositor, title="A study of checks")
    assert forget_old_checks(username="hal", origin=ORIGIN) == 0
    assert Deposit.objects.count() == 3 * (KEPT + 3)
