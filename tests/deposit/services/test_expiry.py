"""Depositors are told before a partial deposit expires, once; then it expires."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core import mail
from django.db.models.functions import Now

from deposit.models import Deposit, Event, Notification, Status
from deposit.services.expiry import notify
from deposit.tasks import expire_partials, notify_of_expiry
from tests.support.lifecycle_fixtures import sent
from tests.support.notices import work_off

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _settings(tmp_path: Path, settings: Any) -> None:
    settings.STAGING_ROOT = str(tmp_path)
    settings.PARTIAL_EXPIRES_DAYS, settings.PARTIAL_NOTICE_DAYS = 60, 7


def begun(days_ago: float, complete: bool = False, address: str = "ada@example.org") -> Deposit:
    deposit = sent(complete=complete)
    Deposit.objects.filter(pk=deposit.pk).update(reception_date=Now() - timedelta(days=days_ago))
    deposit.client.user.email = address
    deposit.client.user.save()
    return deposit


def notified() -> list[int]:
    return list(
        Event.objects.filter(name="tell-of-expiry").order_by("id").values_list("deposit_id", flat=True)
    )


def test_depositors_are_told_a_week_before() -> None:
    soon, _ = begun(54), begun(52)
    begun(99, complete=True)
    assert notify() == 1
    assert notified() == [soon.pk]
    soon.refresh_from_db()
    work_off()
    (message,) = mail.outbox
    day = soon.reception_date + timedelta(days=60)
    assert message.to == ["ada@example.org"]
    assert message.subject.startswith(f"Deposit {soon.pk} will expire")
    assert f"before {day:%Y-%m-%dT%H:%M} UTC" in message.body
    assert Event.objects.latest("id").detail == {"expires": day.isoformat(timespec="seconds")}


def test_nobody_is_told_twice() -> None:
    begun(54)
    for _ in range(3):
        notify_of_expiry()
        work_off()
    assert (len(notified()), len(mail.outbox)) == (1, 1)


def test_without_an_address_the_history_tells() -> None:
    begun(54, address="")
    assert notify() == 1
    work_off()
    assert mail.outbox == []


def test_a_mail_server_that_is_away_stops_nothing(settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    begun(54)
    begun(55)
    assert notify() == 2
    work_off()
    assert set(Notification.objects.values_list("state", flat=True)) == {"waiting"}


def test_old_partial_deposits_expire_and_others_stay() -> None:
    old, young, complete = begun(61), begun(59), begun(61, complete=True)
    for _ in range(2):
        expire_partials()
    statuses = dict(Deposit.objects.values_list("pk", "status"))
    assert statuses == {old.pk: Status.EXPIRED, young.pk: Status.PARTIAL, complete.pk: Status.DEPOSITED}
