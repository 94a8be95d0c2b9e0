"""Notices while receivers fail, hang and lie, the mail server too, and workers are killed: each is told, no mail twice.

``NOTICES=10000`` is the long run; by default it is a small one.
"""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import psycopg2
import pytest
from django.contrib.auth.models import User
from django.db import connection

from deposit.models import Deposit, Notification, Subscription, WorkItem
from tests.support.factories import new_client, new_collection
from tests.support.lifecycle_fixtures import IDENTIFIERS, ORIGIN
from tests.support.mail_server import CUT, MailServer, mail_server
from tests.support.notices import subscribed, with_address
from tests.support.webhook_receiver import Answer, Received, Receiver, receiver

ROOT = Path(__file__).resolve().parents[2]
NUMBER = int(os.environ.get("NOTICES", "160"))
# Two events of each deposit, four subscriptions.
DEPOSITS = NUMBER // 8
WORKERS = 3
# Between two kills, in seconds.
KILLS_APART = 4.0
_INSERT = """
INSERT INTO deposit_event (deposit_id, name, from_status, to_status, actor, detail, xact)
VALUES (%s, %s, 'loading', %s, 'test', '{}', pg_current_xact_id()::text::bigint)
"""


def failing(request: Received) -> Answer:
    return Answer(status=random.choice([200, 200, 500, 503, 429]))


def hanging(request: Received) -> Answer:
    return Answer(hang=2.0 if random.random() < 0.03 else 0.0, status=200)


def lying(request: Received) -> Answer:
    """It takes the message and says that it has not, or says nothing."""
    return random.choice([Answer(), Answer(), Answer(status=500, body=b"no"), Answer(drop=True)])


def at_recipient(address: str) -> str:
    return random.choice(["250 OK"] * 6 + ["451 later"])


def at_message(message: Any) -> str:
    return random.choice(["250 OK"] * 40 + ["452 no room"] * 4 + [CUT])


class Workers:
    """Processes that are killed one after the other, and begun anew."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._environment = environment
        self.processes = [self._start() for _ in range(WORKERS)]
        self.kills = 0

    def _start(self) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [sys.executable, "-m", "tests.support.notice_worker"], cwd=ROOT, env=self._environment
        )

    def kill_one(self) -> None:
        index = random.randrange(len(self.processes))
        self._end(self.processes[index])
        self.processes[index] = self._start()
        self.kills += 1

    def _end(self, process: "subprocess.Popen[bytes]") -> None:
        process.send_signal(signal.SIGKILL)
        process.wait()

    def close(self) -> None:
        for process in self.processes:
            self._end(process)


@contextmanager
def workers(mail: MailServer) -> Iterator[Workers]:
    told = connection.get_connection_params()
    place = urlencode({name: told[name] for name in ("host", "port") if told.get(name)})
    account = f"{quote(str(told['user']), safe='')}:{quote(str(told.get('password') or ''), safe='')}"
    url = f"postgresql://{account}@/{told['dbname']}?{place}"
    environment = os.environ | {
        "DATABASE_URL": url,
        "EMAIL_URL": f"smtp://127.0.0.1:{mail.port}",
        "EMAIL_TIMEOUT": "2",
        "WEBHOOK_PRIVATE_HOSTS": "127.0.0.1",
        "WEBHOOK_SECONDS": "1",
        "NOTICE_RETRY_SECONDS": ",".join(["0.2"] * 60),
        "NOTICE_MAIL_DEFAULTS": "",
        "LEASE_SECONDS": "3",
        "LOG_LEVEL": "CRITICAL",
    }
    running = Workers(environment)
    try:
        yield running
    finally:
        running.close()


def deposits(user: User) -> list[int]:
    collection = user.client.collections.get()
    made = Deposit.objects.bulk_create(
        [
            Deposit(
                client=user.client,
                collection=collection,
                status="done",
                complete_date="2026-01-01T00:00:00Z",
                origin_url=ORIGIN,
                title=f"Program {number}",
                **IDENTIFIERS,
            )
            for number in range(DEPOSITS)
        ]
    )
    return [one.pk for one in made]


def write(numbers: list[int]) -> None:
    """Two lines for each deposit, in transactions that stay open for a moment and end in another order."""
    with closing(psycopg2.connect(**connection.get_connection_params())) as session:
        for number in numbers:
            for name, status in (("fail", "failed"), ("finish", "done")):
                with session.cursor() as cursor:
                    cursor.execute(_INSERT, [number, name, status])
                time.sleep(random.random() * 0.01)
                session.commit()


def write_beside_each_other(numbers: list[int]) -> list[threading.Thread]:
    threads = [threading.Thread(target=write, args=(numbers[index::3],)) for index in range(3)]
    for thread in threads:
        thread.start()
    return threads


def told_to(hook: Receiver) -> list[tuple[int, str]]:
    """What reached a receiver, each once, in the order of first arrival; the same id has the same body."""
    bodies: dict[str, bytes] = {}
    for request in hook.requests:
        assert bodies.setdefault(request.headers["webhook-id"], request.body) == request.body
    told = [json.loads(body) for body in bodies.values()]
    return [(body["data"]["deposit"]["id"], body["type"]) for body in told]


def mails(server: MailServer) -> Counter[str]:
    return Counter(str(message["Message-ID"]) for message in server.messages)


def wait_for_all(running: Workers, writers: list[threading.Thread]) -> dict[str, float]:
    """Until nothing is open any more; workers are killed meanwhile. When each subscription had all, in seconds."""
    ended: dict[str, float] = {}
    begun = killed_at = time.monotonic()
    while True:
        time.sleep(0.2)
        if time.monotonic() - killed_at > KILLS_APART:
            running.kill_one()
            killed_at = time.monotonic()
        told = Notification.objects.exclude(state__in=["waiting", "sending"])
        counts = Counter(told.values_list("subscription", flat=True))
        for number, count in counts.items():
            if count == 2 * DEPOSITS:
                ended.setdefault(str(number), round(time.monotonic() - begun, 1))
        if sum(counts.values()) == 8 * DEPOSITS and not any(thread.is_alive() for thread in writers):
            return ended
        open_now = Counter(Notification.objects.values_list("subscription", "state"))
        assert time.monotonic() - begun < 90 + NUMBER * 0.4, f"it does not come to an end: {open_now}"


@pytest.mark.timeout(3600)
@pytest.mark.django_db(transaction=True)
def test_each_subscriber_has_each_event_and_no_mail_comes_twice(
    settings: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.WEBHOOK_PRIVATE_HOSTS = ["127.0.0.1"]
    random.seed(24)
    with ExitStack() as stack:
        hooks = [stack.enter_context(receiver()) for _ in range(3)]
        server = stack.enter_context(mail_server())
        for hook, answer in zip(hooks, (failing, hanging, lying), strict=True):
            hook.answer = answer
        server.at_recipient, server.at_message = at_recipient, at_message
        user = with_address(new_client(new_collection("hal")))
        events = ("deposit.done", "deposit.failed")
        names = {str(subscribed(user, hook.url, events=events)[0].pk): hook for hook in hooks}
        by_mail, _ = subscribed(user, events=events)
        numbers = deposits(user)
        running = stack.enter_context(workers(server))
        writers = write_beside_each_other(numbers)
        ended = wait_for_all(running, writers)

        wanted = {(number, kind) for number in numbers for kind in events}
        for hook in names.values():
            told = told_to(hook)
            assert set(told) == wanted
            assert len(told) == len(wanted)
            # In order for each deposit, whatever failed on the way.
            places = {what: place for place, what in enumerate(told)}
            late = [n for n in numbers if places[n, "deposit.failed"] > places[n, "deposit.done"]]
            assert late == []
        states = Counter(Notification.objects.filter(subscription=by_mail).values_list("state", flat=True))
        counts = mails(server)
        assert max(counts.values()) == 1
        # A mail that did not come is one of which is told that nobody knows.
        assert states["delivered"] <= len(counts) <= states["delivered"] + states["unknown"]
        assert states["delivered"] + states["unknown"] == 2 * DEPOSITS
        assert not WorkItem.objects.filter(queue="notices").exists()
        assert set(Subscription.objects.values_list("paused_at", flat=True)) == {None}
        with capsys.disabled():
            requests = {names[key].url if key in names else "mail": ended.get(key) for key in ended}
            print(
                f"\n{8 * DEPOSITS} notices, {running.kills} kills, requests {[len(h.requests) for h in hooks]}, "
                f"mails {len(counts)}, {dict(states)}, ended {requests}"
            )
