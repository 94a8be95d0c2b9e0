"""Mail: once, by a real SMTP server, in two forms and the user's language, with one click to end it."""

import re
import threading
from datetime import timedelta
from email.message import EmailMessage
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client as Browser
from django.utils import timezone

from deposit import lifecycle
from deposit.lifecycle import Work
from deposit.models import (
    AuditRecord,
    Deposit,
    EventName,
    Finding,
    Notification,
    NotificationState,
    Status,
    Subscription,
    WorkItem,
)
from deposit.notices import subscriptions, unsubscribing
from deposit.notices.expansion import expand
from deposit.queue import items
from tests.support.factories import new_client, new_collection, new_deposit
from tests.support.lifecycle_fixtures import IDENTIFIERS, ORIGIN, claimed, in_status
from tests.support.mail_server import CUT, MailServer, mail_server
from tests.support.notices import subscribed, user_actor, with_address, work_off

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(name="post")
def _post(settings: Any) -> Any:
    with mail_server() as held:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", held.port
        settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
        settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
        settings.EMAIL_TIMEOUT = 1
        settings.DEFAULT_FROM_EMAIL = "Deposits <deposit@archive.example.org>"
        settings.PUBLIC_URL = "https://deposit.example.org/"
        yield held


@pytest.fixture(name="user")
def _user() -> User:
    return with_address(new_client(new_collection("hal"), username="ada"))


def own(user: User, **fields: Any) -> Deposit:
    return new_deposit(user.client, user.client.collections.get(), origin_url=ORIGIN, **fields)


def rejected(user: User, **finding: Any) -> Deposit:
    deposit = in_status(Status.DEPOSITED, own(user, title="Analytical Engine"))
    told = {
        "area": "archive",
        "code": "zip.crc",
        "severity": "error",
        "subject": "a<b>.txt",
        "message": "Damaged.",
    }
    Finding.objects.create(deposit=deposit, **told | finding)
    lifecycle.fire(EventName.REJECT, deposit.pk, actor="checker", token=claimed(Work.CHECK, deposit).token)
    return deposit


def parts(message: EmailMessage) -> tuple[str, str]:
    plain, html = message.get_body(("plain",)), message.get_body(("html",))
    assert isinstance(plain, EmailMessage)
    assert isinstance(html, EmailMessage)
    return plain.get_content(), html.get_content()


def states() -> list[str]:
    return list(Notification.objects.order_by("id").values_list("state", flat=True))


def test_a_rejection_is_told_with_its_findings_in_both_forms(post: MailServer, user: User) -> None:
    subscribed(user)
    deposit = rejected(user)
    work_off()
    (message,) = post.messages
    assert message["Subject"] == f"Deposit {deposit.pk} was rejected: Analytical Engine"
    assert (message["To"], message["From"]) == ("ada@example.org", "Deposits <deposit@archive.example.org>")
    plain, html = parts(message)
    assert "- a<b>.txt: Damaged. [zip.crc]" in plain
    assert "<code>a&lt;b&gt;.txt</code>: Damaged." in html
    for text in (plain, html):
        assert f"https://deposit.example.org/deposits/{deposit.pk}/" in text
    assert message["Auto-Submitted"] == "auto-generated"
    assert states() == ["delivered"]


@pytest.mark.parametrize(
    ("language", "subject", "words"),
    [
        ("de", "Einlieferung {} ist archiviert", "Sammlung"),
        ("fr", "Le dépôt {} est archivé", "Collection"),
    ],
)
def test_a_mail_is_in_the_users_language(
    post: MailServer, user: User, language: str, subject: str, words: str
) -> None:
    subscribed(user, language=language)
    deposit = in_status(Status.DONE, own(user))
    work_off()
    (message,) = post.messages
    assert message["Subject"] == subject.format(deposit.pk)
    assert words in parts(message)[0]
    assert f'<html lang="{language}">' in parts(message)[1]


def test_one_click_ends_the_subscription_without_logging_in(post: MailServer, user: User) -> None:
    subscription, _ = subscribed(user)
    in_status(Status.DONE, own(user))
    work_off()
    header = str(post.messages[0]["List-Unsubscribe"]).strip()
    assert post.messages[0]["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    found = re.fullmatch(r"<https://deposit\.example\.org(/unsubscribe/\S+/)>", header)
    assert found is not None
    path = found[1]
    # A scanner that follows links ends nothing.
    assert b"Send me no such mails any more" in Browser().get(path).content
    subscription.refresh_from_db()
    assert subscription.active
    in_status(Status.DONE, own(user))
    expand()
    answer = Browser(enforce_csrf_checks=True).post(path, {"List-Unsubscribe": "One-Click"})
    assert (answer.status_code, b"no such mails any more" in answer.content) == (200, True)
    subscription.refresh_from_db()
    assert not subscription.active
    # What waited is not sent any more, and nothing new is.
    in_status(Status.DONE, own(user))
    work_off(also_later=True)
    assert (len(post.messages), states()) == (1, ["delivered", "dropped"])
    assert AuditRecord.objects.filter(operation="subscription.unsubscribe").count() == 1
    assert Browser().get("/unsubscribe/7:forged/").status_code == 404
    assert Browser().post("/unsubscribe/7:forged/").status_code == 404


def test_depositors_who_have_chosen_nothing_are_told_of_what_concerns_them(
    post: MailServer, user: User
) -> None:
    in_status(Status.DONE, own(user))
    rejected(user)
    rejected(user)
    work_off()
    assert ["was rejected" in str(message["Subject"]) for message in post.messages] == [True, True]
    subscription = Subscription.objects.get()
    assert (subscription.user, subscription.is_default) == (user, True)
    subscriptions.change(actor=user_actor(user), subscription_id=subscription.pk, active=False)
    rejected(user)
    work_off()
    assert len(post.messages) == 2


def test_without_an_address_nobody_is_written_to(post: MailServer) -> None:
    user = new_client(new_collection("hal")).user
    rejected(user)
    assert (work_off(), post.messages, Subscription.objects.count()) == (0, [], 0)


def test_a_server_that_says_not_now_is_asked_again_and_the_mail_comes_once(
    post: MailServer, user: User
) -> None:
    subscribed(user)
    in_status(Status.DONE, own(user))
    post.at_recipient = lambda address: "451 try again later"
    work_off()
    post.at_recipient = lambda address: "250 OK"
    post.at_message = lambda message: "452 no room"
    work_off(also_later=True)
    assert (post.messages, states()) == ([], ["waiting"])
    post.at_message = lambda message: "250 OK"
    work_off(also_later=True)
    work_off(also_later=True)
    assert (len(post.messages), states()) == (1, ["delivered"])


def test_a_server_that_is_away_is_waited_for(post: MailServer, user: User, settings: Any) -> None:
    subscribed(user)
    in_status(Status.DONE, own(user))
    settings.EMAIL_PORT = 1
    work_off()
    assert states() == ["waiting"]
    settings.EMAIL_PORT = post.port
    work_off(also_later=True)
    assert (len(post.messages), states()) == (1, ["delivered"])


def test_a_line_that_is_cut_when_the_server_has_the_mail_leads_to_no_second_one(
    post: MailServer, user: User
) -> None:
    subscribed(user)
    in_status(Status.DONE, own(user))
    post.at_message = lambda message: CUT
    work_off()
    post.at_message = lambda message: "250 OK"
    work_off(also_later=True)
    assert (len(post.messages), states()) == (1, ["unknown"])
    # Whoever wants it all the same says so.
    subscriptions.replay(actor=user_actor(user), notice_id=Notification.objects.get().pk)
    work_off(also_later=True)
    assert (len(post.messages), states()) == (2, ["delivered"])


def test_a_worker_that_dies_after_it_remembered_leads_to_no_second_mail(post: MailServer, user: User) -> None:
    subscribed(user)
    in_status(Status.DONE, own(user))
    expand()
    notice = Notification.objects.get()
    assert items.claim("notice", notice.pk, worker="dies") is not None
    Notification.objects.update(state=NotificationState.SENDING)
    WorkItem.objects.filter(queue="notices").update(lease_expires_at=None, lease_owner="", sent_at=None)
    work_off()
    assert (post.messages, states()) == ([], ["unknown"])


def test_an_address_that_is_refused_for_good_is_shown_and_not_written_to_for_ever(
    post: MailServer, user: User
) -> None:
    subscription, _ = subscribed(user)
    post.at_recipient = lambda address: "550 no such user"
    for _ in range(4):
        in_status(Status.DONE, own(user))
    work_off()
    subscription.refresh_from_db()
    assert subscription.state == "paused"
    assert subscription.last_fault == "550 no such user"
    assert states() == ["dead", "dead", "dead", "waiting"]


def test_a_digest_is_one_mail_a_day(post: MailServer, user: User) -> None:
    subscribed(user, digest=True)
    first, second = in_status(Status.DONE, own(user)), rejected(user)
    assert (work_off(), states()) == (0, ["collected", "collected"])
    digest = WorkItem.objects.get(queue="notices")
    assert digest.due_at <= digest.created_at + timedelta(days=1)
    work_off(also_later=True)
    (message,) = post.messages
    plain, _ = parts(message)
    assert message["Subject"] == "Deposit server: 2 notices"
    assert plain.index(f"Deposit {first.pk} is archived") < plain.index(f"Deposit {second.pk} was rejected")
    assert states() == ["delivered", "delivered"]
    assert not WorkItem.objects.filter(queue="notices").exists()


def test_a_digest_that_is_cut_is_not_sent_twice(post: MailServer, user: User) -> None:
    subscribed(user, digest=True)
    in_status(Status.DONE, own(user))
    post.at_message = lambda message: CUT
    work_off()
    work_off(also_later=True)
    work_off(also_later=True)
    assert (len(post.messages), states()) == (1, ["unknown"])


def test_a_title_puts_no_header_and_no_markup_into_a_mail(post: MailServer, user: User) -> None:
    subscribed(user)
    in_status(Status.DONE, own(user, title="x\r\nBcc: all@example.org\r\n\r\n<script>alert(1)</script>"))
    work_off()
    (message,) = post.messages
    assert message["Bcc"] is None
    assert "<script>" not in parts(message)[1]


def test_a_slow_server_holds_up_no_webhook(post: MailServer, user: User) -> None:
    """A hanging server costs its own notices their time, and the next ones are put off unseen."""
    subscribed(user)
    for _ in range(3):
        in_status(Status.DONE, own(user))
    tried: list[str] = []
    release = threading.Event()

    def hang(address: str) -> str:
        tried.append(address)
        release.wait(1.5)
        return "250 OK"

    post.at_recipient = hang
    begun = timezone.now()
    work_off()
    release.set()
    assert len(tried) == 1
    put_off = WorkItem.objects.filter(queue="notices", heavy=True, due_at__gt=begun + timedelta(seconds=1))
    assert put_off.count() == 3
    assert set(states()) == {"waiting"}


_REPORT = """\
From: MAILER-DAEMON@mx.example.org
To: deposit@archive.example.org
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="B"

--B
Content-Type: text/plain

I'm sorry.

--B
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.org

Final-Recipient: rfc822; ada@example.org
Action: {action}
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 User unknown

--B
Content-Type: text/rfc822-headers

Message-ID: {message_id}
Subject: Deposit

--B--
"""


def test_a_mail_that_comes_back_is_shown(post: MailServer, user: User) -> None:
    subscription, _ = subscribed(user)
    in_status(Status.DONE, own(user))
    work_off()
    message_id = str(post.messages[0]["Message-ID"])
    delayed = _REPORT.format(action="delayed", message_id=message_id)
    forged = _REPORT.format(action="failed", message_id=message_id.replace(".", ".0", 1))
    assert unsubscribing.bounced(delayed.encode()) is None
    assert unsubscribing.bounced(forged.encode()) is None
    assert unsubscribing.bounced(b"\x00\xff nonsense") is None
    assert states() == ["delivered"]
    found = unsubscribing.bounced(_REPORT.format(action="failed", message_id=message_id).encode())
    assert found is not None
    assert (found.state, found.answer) == ("bounced", "smtp; 550 5.1.1 User unknown")
    subscription.refresh_from_db()
    assert subscription.last_fault == "Bounced: smtp; 550 5.1.1 User unknown"


def test_no_mail_has_a_secret(post: MailServer, user: User) -> None:
    _, secret = subscribed(user, "https://example.org/hook")
    subscribed(user)
    deposit = in_status(Status.LOADING, own(user))
    token = WorkItem.objects.get(deposit=deposit).lease_token
    lifecycle.fire(
        EventName.FAIL, deposit.pk, actor="loader", token=token, detail={"reason": "password=hunter2"}
    )
    work_off()
    (message,) = post.messages
    assert "hunter2" not in message.as_string()
    assert secret not in message.as_string()
    assert IDENTIFIERS["swhid"] not in message.as_string()
