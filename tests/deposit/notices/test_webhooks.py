"""Webhooks: signed as Standard Webhooks has it, in order, at least once, tried again over days, guarded."""

import json
from contextlib import closing
from datetime import timedelta
from typing import Any

import psycopg2
import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.db.models.functions import Now
from django.utils import timezone
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from deposit import lifecycle
from deposit.lifecycle import Work
from deposit.models import (
    Deposit,
    EventName,
    Finding,
    Notice,
    Notification,
    NotificationAttempt,
    Status,
    Subscription,
    WorkItem,
)
from deposit.notices import sending, subscriptions
from deposit.notices.expansion import expand
from deposit.queue import items
from deposit.refusals import Refusal
from tests.support.factories import new_client, new_collection, new_deposit
from tests.support.lifecycle_fixtures import IDENTIFIERS, ORIGIN, claimed, in_status
from tests.support.notices import subscribed, user_actor, work_off
from tests.support.webhook_receiver import Answer, Received, Receiver, receiver

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(name="hook")
def _hook(settings: Any) -> Any:
    with receiver() as held:
        settings.WEBHOOK_PRIVATE_HOSTS = ["127.0.0.1"]
        settings.WEBHOOK_SECONDS = 1.0
        yield held


@pytest.fixture(name="user")
def _user() -> User:
    return new_client(new_collection("hal"), username="ada").user


def own(user: User, **fields: Any) -> Deposit:
    collection = user.client.collections.get()
    return new_deposit(user.client, collection, origin_url=ORIGIN, **fields)


def state_of(subscription: Subscription) -> list[str]:
    return list(
        Notification.objects.filter(subscription=subscription).order_by("id").values_list("state", flat=True)
    )


def test_a_receiver_verifies_what_it_is_sent(hook: Receiver, user: User) -> None:
    subscription, secret = subscribed(user, hook.url)
    deposit = in_status(Status.DONE, own(user, title="A <b>title</b> with ünïcode"))
    assert work_off() == 1
    (request,) = hook.requests
    body = Webhook(secret).verify(request.body, request.headers)
    assert (body["type"], body["data"]["deposit"]["id"]) == ("deposit.done", deposit.pk)
    assert body["data"]["deposit"]["title"] == "A <b>title</b> with ünïcode"
    assert body["data"]["deposit"]["status"] == "done"
    assert body["data"]["deposit"]["swhid"] == IDENTIFIERS["swhid"]
    assert request.headers["content-type"] == "application/json"
    assert state_of(subscription) == ["delivered"]
    assert not WorkItem.objects.filter(queue="notices").exists()
    _, wrong = subscriptions.rotate(actor=user_actor(user), subscription_id=subscription.pk)
    with pytest.raises(WebhookVerificationError):
        Webhook(wrong).verify(request.body, request.headers)


def test_a_new_secret_and_the_former_one_both_verify_for_a_while(hook: Receiver, user: User) -> None:
    subscription, former = subscribed(user, hook.url)
    _, new = subscriptions.rotate(actor=user_actor(user), subscription_id=subscription.pk)
    subscriptions.test(actor=user_actor(user), subscription_id=subscription.pk)
    work_off()
    for secret in (former, new):
        Webhook(secret).verify(hook.requests[0].body, hook.requests[0].headers)
    Subscription.objects.update(previous_until=Now() - timedelta(seconds=1))
    subscriptions.test(actor=user_actor(user), subscription_id=subscription.pk)
    work_off()
    Webhook(new).verify(hook.requests[1].body, hook.requests[1].headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(former).verify(hook.requests[1].body, hook.requests[1].headers)


def test_secrets_are_not_in_the_database(hook: Receiver, user: User) -> None:
    subscription, secret = subscribed(user, hook.url)
    row = Subscription.objects.values().get(pk=subscription.pk)
    assert secret.startswith("whsec_")
    assert secret.removeprefix("whsec_") not in json.dumps(row, default=str)


def test_a_changed_secret_key_fails_in_words_unless_the_former_one_is_known(
    hook: Receiver, user: User, settings: Any
) -> None:
    subscription, secret = subscribed(user, hook.url)
    former, settings.SECRET_KEY = (
        settings.SECRET_KEY,
        "another key of the service, long enough for Django to take",
    )
    subscriptions.test(actor=user_actor(user), subscription_id=subscription.pk)
    work_off()
    subscription.refresh_from_db()
    assert "another SECRET_KEY" in subscription.last_fault
    settings.SECRET_KEY_FALLBACKS = [former]
    work_off(also_later=True)
    Webhook(secret).verify(hook.requests[0].body, hook.requests[0].headers)


def test_a_rejection_tells_the_findings_and_a_failure_no_raw_fault(hook: Receiver, user: User) -> None:
    subscribed(user, hook.url)
    rejected, failed = own(user), own(user)
    in_status(Status.DEPOSITED, rejected)
    Finding.objects.create(
        deposit=rejected,
        area="archive",
        code="zip.crc",
        severity="error",
        subject="a.txt",
        message="Damaged.",
    )
    token = claimed(Work.CHECK, rejected).token
    lifecycle.fire(EventName.REJECT, rejected.pk, actor="checker", token=token)
    in_status(Status.LOADING, failed)
    token = WorkItem.objects.get(deposit=failed).lease_token
    Finding.objects.create(
        deposit=failed, area="loading", code="loading.failed", severity="error", message="It did not work."
    )
    reason = {"reason": "psycopg2.OperationalError: password=hunter2"}
    lifecycle.fire(EventName.FAIL, failed.pk, actor="loader", token=token, detail=reason)
    work_off()
    first, second = (json.loads(body) for body in hook.bodies())
    assert first["data"]["findings"] == [
        {"code": "zip.crc", "severity": "error", "subject": "a.txt", "message": "Damaged."}
    ]
    assert (second["type"], second["data"]["reason"]) == ("deposit.failed", "It did not work.")
    assert b"hunter2" not in b"".join(hook.bodies())


def test_one_never_hears_of_anothers_deposits(hook: Receiver, user: User) -> None:
    subscription, _ = subscribed(user, hook.url)
    in_status(Status.DONE, new_deposit(origin_url=ORIGIN))
    assert (work_off(), hook.requests, state_of(subscription)) == (0, [], [])


def test_a_subscription_hears_only_of_what_came_after_it(hook: Receiver, user: User) -> None:
    in_status(Status.DONE, own(user))
    subscribed(user, hook.url)
    assert work_off() == 0


def test_who_lost_the_role_is_told_nothing_more(hook: Receiver, user: User) -> None:

    operator = Permission.objects.get(codename="operate")
    user.user_permissions.add(operator)
    user = User.objects.get(pk=user.pk)
    subscribed(user, hook.url, reach="all")
    in_status(Status.DONE, new_deposit(origin_url=ORIGIN))
    assert work_off() == 1
    user.user_permissions.clear()
    in_status(Status.DONE, new_deposit(origin_url=ORIGIN))
    assert (work_off(), len(hook.requests)) == (0, 1)


def test_what_fails_is_tried_again_with_the_same_id_and_body(hook: Receiver, user: User) -> None:
    subscription, secret = subscribed(user, hook.url)
    deposit = in_status(Status.DONE, own(user))
    for answer in (Answer(status=500), Answer(drop=True), Answer(hang=1.5), Answer(status=302)):
        hook.answer = lambda request, answer=answer: answer  # type: ignore[misc]
        work_off(also_later=True, rounds=1)
    assert state_of(subscription) == ["waiting"]
    hook.answer = lambda request: Answer(body=b"thanks")
    work_off(also_later=True)
    assert state_of(subscription) == ["delivered"]
    assert (len(set(hook.ids())), len(set(hook.bodies())), len(hook.requests)) == (1, 1, 5)
    for request in hook.requests:
        Webhook(secret).verify(request.body, request.headers)
    log = list(NotificationAttempt.objects.order_by("id").values_list("status", "answer"))
    assert [status for status, _ in log] == [500, None, None, 302, 200]
    assert log[-1] == (200, "200 thanks")
    assert log[2] == (None, "No answer in time.")
    assert hook.ids()[0] == f"msg_{subscription.pk}_e{deposit.events.get(name='finish').pk}"


def test_an_answer_that_drips_is_cut_off_and_redirects_are_not_followed(hook: Receiver, user: User) -> None:
    subscribed(user, hook.url)
    in_status(Status.DONE, own(user))
    hook.answer = lambda request: Answer(drip=0.1)
    work_off(rounds=1)
    assert NotificationAttempt.objects.get().answer == "No answer in time."
    hook.answer = lambda request: Answer(status=307, headers={"Location": hook.url + "/elsewhere"})
    work_off(also_later=True, rounds=1)
    assert [request.path for request in hook.requests] == ["/hook", "/hook"]


def test_after_its_last_attempt_a_notice_is_given_up_and_can_be_replayed(
    hook: Receiver, user: User, settings: Any
) -> None:
    settings.NOTICE_RETRY_SECONDS = [0.0, 0.0]
    subscription, _ = subscribed(user, hook.url)
    in_status(Status.DONE, own(user))
    hook.answer = lambda request: Answer(
        status=400, body=b"no such field: whsec_c2VjcmV0 v1,abcd== Bearer xyz"
    )
    work_off(also_later=True)
    for _ in range(3):
        work_off(also_later=True)
    notice = Notification.objects.get()
    assert (notice.state, notice.attempts, len(hook.requests)) == ("dead", 3, 3)
    assert notice.answer == "400 no such field: … … …"
    assert subscriptions.counted([subscription]) == {subscription.pk: {"waiting": 0, "dead": 1}}
    hook.answer = lambda request: Answer()
    assert subscriptions.replay_dead(actor=user_actor(user), subscription_id=subscription.pk) == 1
    work_off()
    assert state_of(subscription) == ["delivered"]
    assert len(set(hook.ids())) == 1
    with pytest.raises(Refusal, match="There is no notice"):
        subscriptions.replay(actor=user_actor(new_client().user), notice_id=notice.pk)


def test_notices_of_one_deposit_come_in_order_and_others_pass(hook: Receiver, user: User) -> None:
    subscription, _ = subscribed(user, hook.url)
    one, two = own(user), own(user)
    in_status(Status.FAILED, one)
    lifecycle.fire(EventName.RESCHEDULE, one.pk, actor="operator")
    token = claimed(Work.LOAD, one).token
    lifecycle.fire(EventName.FINISH, one.pk, actor="loader", token=token, changes=IDENTIFIERS)
    in_status(Status.DONE, two)

    def picky(request: Received) -> Answer:
        return Answer(status=422 if b'"deposit.failed"' in request.body else 200)

    hook.answer = picky
    work_off()
    assert state_of(subscription) == ["waiting", "waiting", "delivered"]
    hook.answer = lambda request: Answer()
    work_off(also_later=True)
    told = [(json.loads(body)["data"]["deposit"]["id"], json.loads(body)["type"]) for body in hook.bodies()]
    assert told[-2:] == [(one.pk, "deposit.failed"), (one.pk, "deposit.done")]
    assert state_of(subscription) == ["delivered"] * 3


def test_a_receiver_that_fails_is_left_alone_as_a_whole_and_served_again(hook: Receiver, user: User) -> None:
    subscription, _ = subscribed(user, hook.url)
    for _ in range(5):
        in_status(Status.DONE, own(user))
    hook.answer = lambda request: Answer(status=503)
    begun = timezone.now()
    work_off()
    # One was tried; the others were put off unseen, for a second, into the lane of slow work.
    assert len(hook.requests) == 1
    waiting = WorkItem.objects.filter(queue="notices")
    assert waiting.filter(heavy=True, due_at__gt=begun + timedelta(seconds=1)).count() == 5
    hook.answer = lambda request: Answer()
    work_off(also_later=True)
    assert state_of(subscription) == ["delivered"] * 5
    assert len(hook.requests) == 6
    subscription.refresh_from_db()
    assert (subscription.failures, subscription.state) == (0, "well")


def test_a_receiver_that_fails_for_days_is_paused_and_resumed(
    hook: Receiver, user: User, settings: Any
) -> None:
    settings.NOTICE_PAUSE_DAYS = 5
    subscription, _ = subscribed(user, hook.url)
    in_status(Status.DONE, own(user))
    hook.answer = lambda request: Answer(status=500)
    work_off()
    Subscription.objects.update(failing_since=Now() - timedelta(days=6))
    work_off(also_later=True)
    subscription.refresh_from_db()
    assert (subscription.state, len(hook.requests)) == ("paused", 2)
    assert Notice.objects.get().user == user
    assert "?" not in Notice.objects.get().text
    # What comes meanwhile is kept.
    in_status(Status.DONE, own(user))
    assert (work_off(also_later=True), sending.heal()) == (0, 0)
    hook.answer = lambda request: Answer()
    subscriptions.resume(actor=user_actor(user), subscription_id=subscription.pk)
    work_off()
    assert state_of(subscription) == ["delivered"] * 2


def test_a_receiver_that_is_gone_is_paused_at_once(hook: Receiver, user: User) -> None:
    subscription, _ = subscribed(user, hook.url)
    in_status(Status.DONE, own(user))
    hook.answer = lambda request: Answer(status=410)
    work_off()
    subscription.refresh_from_db()
    assert (subscription.state, len(hook.requests)) == ("paused", 1)


def test_retry_after_is_heeded(hook: Receiver, user: User) -> None:
    subscribed(user, hook.url)
    in_status(Status.DONE, own(user))
    hook.answer = lambda request: Answer(status=429, headers={"Retry-After": "3600"})
    work_off()
    assert not WorkItem.objects.filter(queue="notices", due_at__lt=Now() + timedelta(seconds=3500)).exists()


def test_a_worker_that_dies_leaves_the_notice_to_another(hook: Receiver, user: User) -> None:
    subscription, _ = subscribed(user, hook.url)
    in_status(Status.DONE, own(user))
    expand()
    notice = Notification.objects.get()

    assert items.claim("notice", notice.pk, worker="dies") is not None
    WorkItem.objects.filter(queue="notices").update(
        lease_expires_at=None, lease_owner="", sent_at=None
    )  # as the dispatcher takes it back
    work_off()
    assert state_of(subscription) == ["delivered"]


def test_an_item_that_is_lost_is_healed(hook: Receiver, user: User) -> None:
    subscription, _ = subscribed(user, hook.url)
    in_status(Status.DONE, own(user))
    expand()
    WorkItem.objects.filter(queue="notices").delete()
    assert sending.heal() == 1
    work_off()
    assert state_of(subscription) == ["delivered"]


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/hook",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://localhost/",
        "https://169.254.169.254/latest/",
        "https://user:secret@example.org/",
        "https://example.org/#part",
        "https://example.org:99999/",
        "https:///path",
        "ftp://example.org/",
        "javascript:alert(1)",
        "https://exämple.org/",
        "https://example.org/a b",
        "https://example.org/" + "a" * 2000,
        "",
    ],
)
def test_no_webhook_leads_into_our_own_network(url: str, user: User, settings: Any) -> None:
    settings.WEBHOOK_PRIVATE_HOSTS = []
    with pytest.raises(Refusal):
        subscribed(user, url or " ")


def test_a_name_that_comes_to_mean_a_private_address_is_not_asked(
    hook: Receiver, user: User, settings: Any
) -> None:
    subscription, _ = subscribed(user, hook.url)
    in_status(Status.DONE, own(user))
    settings.WEBHOOK_PRIVATE_HOSTS = []
    Subscription.objects.update(url=f"https://localhost.localdomain:{hook.port}/hook")
    work_off()
    Subscription.objects.update(url=hook.url)
    work_off(also_later=True)
    assert hook.requests == []
    subscription.refresh_from_db()
    assert "https" in subscription.last_fault


def test_work_that_another_holds_is_passed_over_and_waited_for_by_nobody(hook: Receiver, user: User) -> None:
    """Two workers whose receiver fails would else wait for each other."""
    subscribed(user, hook.url)
    for _ in range(2):
        in_status(Status.DONE, own(user))
    expand()
    first, second = Notification.objects.order_by("id").values_list("pk", flat=True)
    hook.answer = lambda request: Answer(status=503)
    with closing(psycopg2.connect(**connection.get_connection_params())) as other, other.cursor() as cursor:
        cursor.execute("SELECT FROM deposit_workitem WHERE key = %s FOR UPDATE", [str(second)])
        with connection.cursor() as mine:
            mine.execute("SET lock_timeout = '300ms'")
        sending.send(first, worker="worker")
        other.rollback()
    put_off = WorkItem.objects.filter(queue="notices", due_at__gt=Now()).values_list("key", flat=True)
    assert list(put_off) == [str(first)]
    assert NotificationAttempt.objects.count() == 1
