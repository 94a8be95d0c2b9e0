"""Numbered pages of long lists: right at every page, and at the same cost."""

from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import F
from django.test import Client as HttpClient
from django.test.utils import CaptureQueriesContext

from deposit.lists import numbered
from deposit.lists.numbered import slice_of
from deposit.models import Client, Collection, Deposit, PageAnchor
from tests.deposit.sword.test_views import ENTRY
from tests.support.factories import new_client
from tests.support.samples import atom_entry

pytestmark = pytest.mark.django_db


def many(client: Client, collection: Collection, number: int, *, hours: int = 2) -> list[int]:
    made = Deposit.objects.bulk_create(
        Deposit(client=client, collection=collection, external_id=str(index)) for index in range(number)
    )
    ids = [deposit.pk for deposit in made]
    Deposit.objects.filter(pk__in=ids).update(reception_date=F("reception_date") - timedelta(hours=hours))
    return ids


@pytest.fixture(autouse=True)
def _short_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numbered, "STEP", 10)


def test_every_slice_is_right_however_long_the_list(depositor: Client, collection: Collection) -> None:
    ids: list[int] = []
    for more in (0, 5, 20, 37, 1):
        ids += many(depositor, collection, more)
        many(new_client(collection), collection, 3)
        for start in (0, 4, 9, 10, 19, 20, 33, 61, 62, 100):
            found = slice_of(depositor, start=start, limit=7)
            assert ([d.pk for d in found.items], found.count) == (ids[start : start + 7], len(ids))
    assert PageAnchor.objects.filter(client=depositor).count() == 6


def test_recent_deposits_get_no_anchors(depositor: Client, collection: Collection) -> None:
    ids = many(depositor, collection, 50, hours=0)
    found = slice_of(depositor, start=45, limit=10)
    assert ([d.pk for d in found.items], found.count) == (ids[45:], 50)
    assert not PageAnchor.objects.exists()


def test_a_deleted_deposit_is_counted_no_more(
    http: HttpClient, depositor: Client, collection: Collection
) -> None:
    ids = many(depositor, collection, 45)
    assert slice_of(depositor, start=0, limit=1).count == 45
    assert http.delete(f"/1/hal/{ids[14]}/atom/").status_code == 204
    del ids[14]
    for start in (0, 9, 10, 14, 25, 40):
        found = slice_of(depositor, start=start, limit=10)
        assert ([d.pk for d in found.items], found.count) == (ids[start : start + 10], 44)


def test_the_last_page_asks_no_more_than_the_first(depositor: Client, collection: Collection) -> None:
    many(depositor, collection, 95)
    slice_of(depositor, start=0, limit=10)
    with CaptureQueriesContext(connection) as first:
        slice_of(depositor, start=0, limit=10)
    with CaptureQueriesContext(connection) as last:
        slice_of(depositor, start=90, limit=10)
    assert len(first) == len(last) == 2


def test_links_lead_through_the_pages_of_one_status(http: HttpClient) -> None:
    for number in range(3):
        in_progress = "true" if number else "false"
        headers = {"In-Progress": in_progress}
        http.post("/1/hal/", atom_entry(), content_type=ENTRY, headers=headers)
    response = http.get("/1/hal/?status=partial&page_size=1")
    base = "http://testserver/1/hal/"
    assert response["Link"] == (
        f'<{base}?page=2&page_size=1&status=partial>; rel="next",'
        f'<{base}?page=1&page_size=1&status=partial>; rel="first",'
        f'<{base}?page=2&page_size=1&status=partial>; rel="last"'
    )
    assert http.get("/1/hal/?status=nonsense").status_code == 400
    assert http.get("/1/hal/?page=2").status_code == 404
