"""The pages of erasures in a real browser, as their curator and an administrator see them."""

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Browser
from pytest_django.live_server_helper import LiveServer

from deposit.actors import Actor, Channel
from deposit.erasure import work
from deposit.models import (
    Client,
    Collection,
    Curatorship,
    DeletionKind,
    DeletionRequest,
    Delivery,
    Deposit,
    Identifier,
    TakenBackup,
)
from deposit.services import deletions
from tests.dashboard.browsing import chromium, needs_chromium
from tests.dashboard.conftest import sent, worked_on
from tests.dashboard.screenshots import Way, walk

__all__ = ["chromium"]

pytestmark = [needs_chromium, pytest.mark.django_db(transaction=True)]
REASON = "The court of appeal has ordered it, file 7 O 12/26: the letters name a person who is alive."


class Requests:
    """One request that waits for its plan, one that has it, one that is approved, one that is done."""

    def __init__(self, depositor: Client, collection: Collection, administrator: User) -> None:
        self.curator = User.objects.create(username="carl")
        Curatorship.objects.create(user=self.curator, collection=collection)
        self.administrator = administrator
        self.deposits = [
            worked_on(sent(depositor, title=f"Letters of 18{number}", slug=str(number)))
            for number in (41, 42, 43, 44)
        ]
        for deposit in self.deposits:
            self._delivered(deposit)
        TakenBackup.objects.create(place="archive.example.org:/srv/backups", instant="2026-11-30T120000Z")
        self.planless, self.planned, self.approved, self.done = map(self._ask, self.deposits)
        for asked in (self.planned, self.approved, self.done):
            work.plan(asked.pk, worker="planner@test")
        for asked in (self.approved, self.done):
            deletions.approve(
                actor=self._actor(administrator), request_id=asked.pk, note="I have seen the order."
            )
        DeletionRequest.objects.filter(pk=self.approved.pk).update(
            progress={"packs": 3, "left": 2, "objects": 7, "read": 4096, "written": 2048}
        )
        work.erase(self.done.pk, worker="eraser@test")

    @staticmethod
    def _delivered(deposit: Deposit) -> None:
        Delivery.objects.create(
            deposit=deposit,
            destination="archivematica",
            state="done",
            started_at=deposit.reception_date,
            ended_at=deposit.reception_date,
        )
        Identifier.objects.create(
            deposit=deposit, scheme="aip", value=f"{deposit.pk:08}-5f1d-4b52-9e0c-3b7a5f6d7c11"
        )

    @staticmethod
    def _actor(user: User) -> Actor:
        return Actor(user=user, channel=Channel.DASHBOARD)

    def _ask(self, deposit: Deposit) -> DeletionRequest:
        return deletions.request(
            actor=self._actor(self.curator), deposit_id=deposit.pk, kind=DeletionKind.ERASE, reason=REASON
        )


def test_the_pages_of_erasures_are_sound(
    chromium: Browser,
    live_server: LiveServer,
    depositor: Client,
    collection: Collection,
) -> None:
    administrator = User.objects.create_superuser("adam")
    requests = Requests(depositor, collection, administrator)
    fresh = worked_on(sent(depositor, title="Letters of 1845", slug="45"))
    pages: dict[str, Way] = {
        "erasure-without-plan": f"/deletions/{requests.planless.pk}/",
        "erasure-own": f"/deletions/{requests.planned.pk}/",
        "erasure-ask": f"/deposits/{fresh.pk}/deletion/?kind=erase",
        "erasure-or-withdraw": f"/deposits/{fresh.pk}/deletion/",
        "erased-for-curators": f"/deposits/{requests.deposits[3].pk}/",
    }
    assert walk(chromium, live_server.url, requests.curator, pages) == {}
    pages = {
        "erasure-to-review": f"/deletions/{requests.planned.pk}/",
        "erasure-going-on": f"/deletions/{requests.approved.pk}/",
        "erasure-done": f"/deletions/{requests.done.pk}/",
        "erasure-report": f"/deletions/{requests.done.pk}/report/",
        "deletions-with-erasures": "/deletions/",
    }
    assert walk(chromium, live_server.url, administrator, pages) == {}
    pages = {
        "erased": f"/deposits/{requests.deposits[3].pk}/",
        "erasure-for-depositors": f"/deletions/{requests.done.pk}/",
    }
    assert walk(chromium, live_server.url, depositor.user, pages) == {}
