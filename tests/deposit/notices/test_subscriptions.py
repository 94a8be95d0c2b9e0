"""Who may subscribe to what; over pages, API and commands; and nobody sees another's."""

import json
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import CommandError, call_command
from django.test import Client as Browser

from deposit.actors import Actor, Channel, Scope
from deposit.models import AuditRecord, Notification, Status, Subscription
from deposit.notices import standing, subscriptions
from deposit.refusals import Refusal
from tests.support.factories import http_client, logged_in, new_client, new_collection, new_deposit
from tests.support.lifecycle_fixtures import ORIGIN, in_status
from tests.support.notices import subscribed, user_actor, with_address, work_off
from tests.support.webhook_receiver import Answer, Receiver, receiver

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(name="hook")
def _hook(settings: Any) -> Any:
    with receiver() as held:
        settings.WEBHOOK_PRIVATE_HOSTS = ["127.0.0.1"]
        yield held


@pytest.fixture(name="user")
def _user() -> User:
    return with_address(new_client(new_collection("hal"), username="ada"))


def operator() -> User:
    user = with_address(new_client(username="op"), "op@example.org")
    user.user_permissions.add(Permission.objects.get(codename="operate"))
    return User.objects.get(pk=user.pk)


def run(*words: str) -> Any:
    out = StringIO()
    call_command(*words, "--json", stdout=out)
    return json.loads(out.getvalue())


@pytest.mark.parametrize(
    "wrong",
    [
        {"events": ()},
        {"events": ("deposit.gone",)},
        {"events": ("alert.queues",)},
        {"events": ("notice.test",)},
        {"reach": "all"},
        {"reach": "world"},
        {"collection": "another"},
        {"language": "xx"},
        {"url": "https://example.org/", "digest": True},
    ],
)
def test_what_is_wrong_is_refused(user: User, wrong: dict[str, Any]) -> None:
    new_collection("another")
    with pytest.raises(Refusal):
        subscribed(user, **wrong)
    assert not Subscription.objects.exists()


def test_one_subscription_by_mail_of_a_kind_is_enough(user: User) -> None:
    subscribed(user)
    with pytest.raises(Refusal, match="already"):
        subscribed(user)
    subscribed(user, collection="hal")


def test_a_token_that_only_reads_subscribes_to_nothing(user: User) -> None:
    token = Actor(user=user, channel=Channel.API, scopes=frozenset({Scope.READ}), token_id=1)
    with pytest.raises(Refusal):
        subscriptions.add(actor=token, user=user, channel="mail", events=["deposit.done"])
    with pytest.raises(Refusal):
        subscriptions.add(
            actor=user_actor(new_client().user), user=user, channel="mail", events=["deposit.done"]
        )


def test_the_api_makes_shows_changes_and_removes(hook: Receiver, user: User) -> None:
    api = http_client(user.client)
    made = api.post(
        "/api/subscriptions/",
        {"channel": "webhook", "url": hook.url, "events": ["deposit.done"]},
        content_type="application/json",
    )
    assert made.status_code == 201
    assert "no-store" in made["Cache-Control"]
    number, secret = made.json()["id"], made.json()["secret"]
    path = f"/api/subscriptions/{number}/"
    assert secret.startswith("whsec_")
    shown = api.get(path).json()
    assert (shown["url"], shown["state"], shown["user"]) == (hook.url, "well", "ada")
    assert secret not in api.get("/api/subscriptions/").content.decode()
    assert api.patch(path, {"events": ["deposit.failed"]}, content_type="application/json").json()[
        "events"
    ] == ["deposit.failed"]
    assert api.patch(path, {"url": "http://10.0.0.1/"}, content_type="application/json").status_code == 400
    assert api.post(f"{path}rotate/").json()["secret"] != secret
    assert api.post(f"{path}test/").status_code == 202
    work_off()
    (notice,) = api.get("/api/notices/?state=delivered").json()["results"]
    whole = api.get(f"/api/notices/{notice['id']}/").json()
    assert (whole["body"]["type"], [one["status"] for one in whole["log"]]) == ("notice.test", [200])
    assert api.post(f"/api/notices/{notice['id']}/replay/").status_code == 202
    work_off()
    assert hook.ids() == [notice["message_id"]] * 2
    stranger = http_client(new_client())
    for other in (path, f"{path}test/", f"{path}rotate/", f"/api/notices/{notice['id']}/replay/"):
        ask = stranger.get if other == path else stranger.post
        assert ask(other).status_code == 404, other
    assert stranger.delete(path).status_code == 404
    assert stranger.get(f"/api/notices/?subscription={number}").json()["results"] == []
    assert stranger.get("/api/subscriptions/").json()["results"] == []
    assert api.delete(path).status_code == 204
    assert not Notification.objects.exists()
    assert list(
        AuditRecord.objects.filter(operation__startswith="subscription").values_list("operation", flat=True)
    ) == [
        "subscription.add",
        "subscription.change",
        "subscription.rotate",
        "subscription.remove",
    ]


def test_what_was_given_up_is_listed_and_replayed_by_command(
    hook: Receiver, user: User, settings: Any
) -> None:
    settings.NOTICE_RETRY_SECONDS = []
    made = run("subscription", "add", "--username", "ada", "--url", hook.url, "--event", "deposit.done")
    assert made["secret"].startswith("whsec_")
    in_status(Status.DONE, new_deposit(user.client, user.client.collections.get(), origin_url=ORIGIN))
    hook.answer = lambda request: Answer(status=400)
    work_off()
    (dead,) = run("notice", "list", "--state", "dead")
    assert (dead["user"], dead["answer"]) == ("ada", "400")
    assert [one["dead"] for one in run("subscription", "list")] == [1]
    hook.answer = lambda request: Answer()
    assert run("notice", "replay", "--subscription", str(made["id"])) == {"replayed": 1}
    work_off()
    assert [one["status"] for one in run("notice", "show", "--id", str(dead["id"]))["log"]] == [400, 200]
    assert run("notice", "test", "--subscription", str(made["id"]))["type"] == "notice.test"
    with pytest.raises(CommandError, match="not ended"):
        run("notice", "replay", "--id", str(Notification.objects.latest("id").pk))
    run("subscription", "remove", "--id", str(made["id"]))
    assert run("subscription", "list") == []


def test_the_pages_subscribe_show_and_end(hook: Receiver, user: User) -> None:
    browser = logged_in(user)
    answer = browser.post(
        "/account/notices/subscribe/", {"channel": "webhook", "url": hook.url, "event": ["deposit.done"]}
    )
    assert b"whsec_" in answer.content
    assert answer["Cache-Control"] == "no-store"
    assert b"whsec_" not in browser.get("/account/notices/").content
    subscription = Subscription.objects.get()
    path = f"/account/notices/subscriptions/{subscription.pk}/"
    assert browser.post(path, {"action": "test"}).status_code == 302
    work_off()
    notice = Notification.objects.get()
    assert b"200" in browser.get(f"/account/notices/{notice.pk}/").content
    assert browser.post(f"/account/notices/{notice.pk}/replay/").status_code == 302
    work_off()
    assert len(hook.requests) == 2
    stranger = logged_in(new_client().user)
    assert stranger.get(f"/account/notices/{notice.pk}/").status_code == 404
    assert stranger.post(path, {"action": "remove"}).status_code == 404
    assert Browser().get("/account/notices/").status_code == 302
    wrong = browser.post(
        "/account/notices/subscribe/", {"channel": "webhook", "url": "x", "event": ["deposit.done"]}
    )
    assert wrong.status_code == 400
    for action in ("off", "on", "rotate", "replay", "resume", "remove"):
        browser.post(path, {"action": action})
    assert not Subscription.objects.exists()


class Alert:
    def __init__(self, code: str, severity: str = "error") -> None:
        self.code = code
        self.severity = severity
        self.sentence = f"{code} is wrong."


def told() -> list[tuple[str, str, str]]:
    rows = Notification.objects.order_by("id").values_list("type", "body", flat=False)
    return [(kind, body["data"]["alert"], body["data"]["state"]) for kind, body in rows]


def test_operators_are_told_once_when_an_alert_begins_gets_worse_and_is_over(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = operator()
    subscribed(user, reach="all", events=("alert.queues", "alert.damage", "alert.sources", "alert.pipelines"))
    for _ in range(3):
        standing.tell([Alert("work.failing", "warning"), Alert("disk.full")])
    assert told() == [("alert.queues", "work.failing", "raised")]
    standing.tell([Alert("work.failing"), Alert("archive.damaged"), Alert("source.trouble")])
    assert told()[1:] == [
        ("alert.damage", "archive.damaged", "raised"),
        ("alert.sources", "source.trouble", "raised"),
        ("alert.queues", "work.failing", "raised"),
    ]
    # One that is away for a moment is not over.
    standing.tell([])
    assert len(told()) == 4
    monkeypatch.setattr(standing, "CALM_SECONDS", 0.0)
    standing.tell([Alert("archive.damaged")])
    assert told()[4:] == [
        ("alert.sources", "source.trouble", "cleared"),
        ("alert.queues", "work.failing", "cleared"),
    ]
    standing.tell([Alert("archive.damaged"), Alert("work.failing")])
    assert told()[6:] == [("alert.queues", "work.failing", "raised")]


def test_who_does_not_operate_hears_of_no_alert(user: User) -> None:
    subscribed(user)
    Subscription.objects.update(events=["alert.queues"], reach="all")
    standing.tell([Alert("queue.full")])
    assert told() == []


@pytest.mark.parametrize(
    ("code", "topic"),
    [
        ("checker.silent", "alert.queues"),
        ("workers.silent", "alert.queues"),
        ("dispatcher.away", "alert.queues"),
        ("loader.slow", "alert.queues"),
        ("archive.unaudited", "alert.damage"),
        ("source.overdue", "alert.sources"),
        ("watch.silent", "alert.sources"),
        ("pipeline.held", "alert.pipelines"),
        ("disk.low", "alert.space"),
        ("deposits.failed", "alert.other"),
    ],
)
def test_each_alert_has_a_topic(code: str, topic: str) -> None:
    assert standing.topic_of(code) == topic
