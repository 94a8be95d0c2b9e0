"""What the monitoring leaves behind."""

import pytest

from deposit.models import Client, Deposit, Event, Status
from deposit.round_trip import KEPT, forget_old_checks
from tests.factories import new_client, new_deposit

ORIGIN = "https://hal.example.org/check"


def new_done(client: Client) -> Deposit:
    deposit = new_deposit(client, client.collections.get())
    swhid = "swh:1:dir:" + 40 * "0"
    Deposit.objects.filter(pk=deposit.pk).update(
        status=Status.DONE,
        complete_date=deposit.reception_date,
        origin_url=ORIGIN,
        swhid=swhid,
        swhid_context=f"{swhid};origin={ORIGIN}",
    )
    return deposit


@pytest.mark.django_db
def test_old_test_deposits_are_forgotten_and_nothing_else(depositor: Client) -> None:
    checks = [new_done(depositor) for _ in range(KEPT + 3)]
    unfinished = new_deposit(depositor, depositor.collections.get())
    foreign = new_done(new_client(depositor.collections.get(), username="other"))
    events = Event.objects.count()
    assert forget_old_checks(username="hal") == 3
    kept = [deposit.pk for deposit in (*checks[3:], unfinished, foreign)]
    assert sorted(Deposit.objects.values_list("pk", flat=True)) == sorted(kept)
    assert Event.objects.count() == events
    assert forget_old_checks(username="hal") == 0
