"""The page of the queue: operators see what is open, by whom, and why it failed; they act on it."""

import pytest
from django.test import Client as Browser

from dashboard.views import queue
from deposit.lifecycle import Work
from deposit.models import Client, Status, WorkItem
from deposit.queue import items
from tests.support.lifecycle_fixtures import claimed, in_status, work_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _counted_anew() -> None:
    queue.counted.forget()


def test_depositors_are_refused(browser: Browser, depositor: Client) -> None:
    assert browser.get("/queue/").status_code == 403
    in_status(Status.DEPOSITED)
    assert browser.post(f"/queue/{WorkItem.objects.get().pk}/", {"action": "retry"}).status_code == 403


def test_an_empty_queue_says_so(operators_browser: Browser) -> None:
    assert "Nothing is open." in operators_browser.get("/queue/").content.decode()


def test_what_is_open_is_shown_with_its_worker_and_its_fault(operators_browser: Browser) -> None:
    at_work, failed = in_status(Status.LOADING), in_status(Status.DEPOSITED)
    items.give_back(claimed(Work.CHECK, failed), reason="OSError: <disk>", after_seconds=600, counts=True)
    page = operators_browser.get("/queue/")
    assert [item.deposit_id for item in page.context["items"]] == [at_work.pk, failed.pk]
    text = page.content.decode()
    assert "OSError: &lt;disk&gt;" in text
    assert "worker" in text
    for query, found in (("?state=working", at_work), ("?kind=check", failed), ("?failed=1", failed)):
        shown = operators_browser.get(f"/queue/{query}").context["items"]
        assert [item.deposit_id for item in shown] == [found.pk]
    assert operators_browser.get("/queue/?kind=odd&state=odd").status_code == 200


def test_work_is_tried_at_once_and_struck(operators_browser: Browser) -> None:
    deposit = in_status(Status.DEPOSITED)
    items.give_back(claimed(Work.CHECK, deposit), reason="x", after_seconds=600, counts=True)
    number = work_of(deposit).pk
    answer = operators_browser.post(f"/queue/{number}/", {"action": "retry"}, follow=True)
    assert "The work is due now." in answer.content.decode()
    assert work_of(deposit).attempts == 0
    answer = operators_browser.post(f"/queue/{number}/", {"action": "cancel"}, follow=True)
    assert "cannot be cancelled" in answer.content.decode()
    items.ask("cleanup", "7")
    cleanup = WorkItem.objects.get(kind="cleanup").pk
    operators_browser.post(f"/queue/{cleanup}/", {"action": "cancel"})
    assert not WorkItem.objects.filter(pk=cleanup).exists()
    answer = operators_browser.post(f"/queue/{cleanup}/", {"action": "retry"}, follow=True)
    assert "There is no open work" in answer.content.decode()
