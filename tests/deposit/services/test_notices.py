"""What users are told about their accounts, and what is forgotten in time."""

from typing import Any

import pytest
from django.core import mail
from django.db import connection

from deposit.authentication.throttle import LoginThrottle
from deposit.models import Client, LoginFailures, Notice
from deposit.services import notices
from deposit.tasks import forget


def notice_for(client: Client, email: str) -> Notice:
    client.user.email = email
    client.user.save()
    return Notice.objects.create(user=client.user, code="account.guessed_at", text="Somebody guesses.")


def test_a_notice_is_mailed_once(depositor: Client) -> None:
    notice_for(depositor, "hal@example.org")
    assert [notices.mail(), notices.mail()] == [1, 0]
    assert [(message.to, message.body) for message in mail.outbox] == [
        (["hal@example.org"], "Somebody guesses.")
    ]


def test_who_has_no_address_reads_it_on_the_account_page(depositor: Client) -> None:
    notice = notice_for(depositor, "")
    assert notices.mail() == 0
    notice.refresh_from_db()
    assert notice.mailed_at is None


def test_a_mail_server_that_is_away_is_no_failure(depositor: Client, settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    notice_for(depositor, "hal@example.org")
    assert notices.mail() == 0


@pytest.mark.parametrize(("age", "left"), [("2 hours", 4), ("2 days", 1), ("91 days", 0)])
def test_old_failures_are_forgotten_and_known_addresses_kept_longer(db: None, age: str, left: int) -> None:
    throttle = LoginThrottle(account="hal", address="192.0.2.1")
    throttle.failed()
    throttle.succeeded()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE deposit_loginfailures SET at = at - %s::interval", [age])
    forget()
    assert LoginFailures.objects.count() == left
