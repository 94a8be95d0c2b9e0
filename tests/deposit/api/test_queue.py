"""``/api/queue/``: operators see the work that is open, and act on it; others do not."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client as HttpClient

from deposit.lifecycle import Work
from deposit.models import Status, WorkItem
from deposit.queue import items
from tests.support.factories import http_client, new_client
from tests.support.lifecycle_fixtures import claimed, in_status, work_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator() -> HttpClient:
    client = new_client()
    client.user.user_permissions.add(Permission.objects.get(codename="operate"))
    return http_client(client)


def rows(operator: HttpClient, query: str = "") -> list[tuple[Any, ...]]:
    found = operator.get(f"/api/queue/{query}").json()["results"]
    return [(row["kind"], row["deposit"], row["state"]) for row in found]


@pytest.mark.parametrize("path", ["", "1/", "summary/"])
def test_depositors_do_not_see_the_queue(path: str) -> None:
    in_status(Status.DEPOSITED)
    assert http_client(new_client()).get(f"/api/queue/{path}").status_code == 403
    assert http_client(new_client()).post("/api/queue/1/retry/").status_code == 403


def test_operators_see_what_is_open(operator: HttpClient) -> None:
    waiting, at_work = in_status(Status.DEPOSITED), in_status(Status.LOADING)
    assert rows(operator) == [("check", waiting.pk, "waiting"), ("load", at_work.pk, "working")]
    assert rows(operator, "?state=working") == [("load", at_work.pk, "working")]
    assert rows(operator, f"?kind=check&deposit={waiting.pk}") == [("check", waiting.pk, "waiting")]
    assert rows(operator, "?failed=true") == []
    assert operator.get("/api/queue/?state=odd").status_code == 400
    assert operator.get(f"/api/queue/{work_of(at_work).pk}/").json()["lease_owner"] == "worker"
    summary = {row["kind"]: row["number"] for row in operator.get("/api/queue/summary/").json()}
    assert (summary["check"], summary["load"]) == (1, 1)


def test_operators_try_work_again_and_strike_it(operator: HttpClient) -> None:
    deposit = in_status(Status.DEPOSITED)
    number = work_of(deposit).pk
    held = claimed(Work.CHECK, deposit)
    assert operator.post(f"/api/queue/{number}/retry/").status_code == 409
    items.give_back(held, reason="x", after_seconds=600, counts=True)
    assert operator.post(f"/api/queue/{number}/retry/").json()["state"] == "waiting"
    assert operator.post(f"/api/queue/{number}/cancel/").status_code == 409
    items.ask("cleanup", "7")
    cleanup = WorkItem.objects.get(kind="cleanup").pk
    assert operator.post(f"/api/queue/{cleanup}/cancel/").status_code == 204
    assert operator.get(f"/api/queue/{cleanup}/").status_code == 404
