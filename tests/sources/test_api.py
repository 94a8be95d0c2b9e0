"""Sources below ``/api/``: who sees them, their items, and the events that come there."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client as HttpClient

from deposit.models import Curatorship
from sources import items, services
from sources.models import Source, SourceItem, SourceKind
from sources.places import Sighting
from tests.sources.conftest import OPERATOR
from tests.support.factories import PASSWORD, basic, http_client, new_client

pytestmark = pytest.mark.django_db(transaction=True)

Add = Callable[..., Source]


def somebody(name: str, **permissions: str) -> HttpClient:
    user = User.objects.create_user(name, password=PASSWORD)
    for codename in permissions.values():
        user.user_permissions.add(Permission.objects.get(codename=codename))
    return HttpClient(headers={"Authorization": basic(name)})


def test_operators_see_all_sources_and_curators_those_of_their_collections(add: Add) -> None:
    source = add("scans")
    items.record_complete(source, [Sighting(key="a.zip", version="1", size=3)])
    olga, carl = somebody("olga", may="operate"), somebody("carl")
    Curatorship.objects.create(user=User.objects.get(username="carl"), collection=source.collection)
    for one in (olga, carl):
        told = one.get("/api/sources/").json()["results"]
        assert [(row["name"], row["kind"], row["items"]["waiting"]) for row in told] == [
            ("scans", "folder", 1)
        ]
        assert one.get("/api/sources/scans/").json()["collection"] == source.collection.name
    stranger = http_client(new_client())
    assert stranger.get("/api/sources/").json() == {"results": []}
    assert stranger.get("/api/sources/scans/").status_code == 404
    assert stranger.get("/api/sources/scans/items/").status_code == 404
    assert HttpClient().get("/api/sources/").status_code == 401


def test_items_come_by_pages_newest_first(add: Add) -> None:
    source = add("scans")
    items.record_complete(source, [Sighting(key=f"{n}.zip", version="1", size=n) for n in range(3)])
    olga = somebody("olga", may="operate")
    page = olga.get("/api/sources/scans/items/?page_size=2").json()
    assert [row["key"] for row in page["results"]] == ["2.zip", "1.zip"]
    assert [row["key"] for row in olga.get(page["next"]).json()["results"]] == ["0.zip"]
    assert olga.get("/api/sources/scans/items/?key=1.zip").json()["results"][0]["state"] == "waiting"
    assert olga.get("/api/sources/scans/items/?state=stored").json()["results"] == []


@pytest.fixture
def token(add: Add) -> str:
    add("bucket", kind=SourceKind.BUCKET, location="s3://scans", events="webhook")
    return services.new_webhook_token(actor=OPERATOR, name="bucket")


def post(event: Any, authorization: str = "") -> int:
    headers = {"Authorization": authorization} if authorization else {}
    body = event if isinstance(event, bytes) else json.dumps(event).encode()
    answer = HttpClient().post(
        "/api/sources/bucket/events/", body, content_type="application/json", headers=headers
    )
    return int(answer.status_code)


def test_events_are_written_down_for_who_has_the_token(token: str) -> None:
    record = {"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": "scans"}, "object": {"key": "a+b"}}}
    event = {"Records": [record]}
    assert post(event) == 401
    assert post(event, "Bearer wrong") == 401
    assert SourceItem.objects.count() == 0
    assert post(event, f"Bearer {token}") == 202
    assert post(event, token) == 202
    assert [(item.key, item.version, item.state) for item in SourceItem.objects.all()] == [
        ("a b", "", "seen")
    ]
    assert post({"Event": "s3:TestEvent"}, f"Bearer {token}") == 204
    assert post(b"no JSON", f"Bearer {token}") == 400
    somebody("olga", may="operate")
    somebody("ada")
    assert [post(event, basic(name)) for name in ("olga", "ada")] == [202, 401]
    assert post(b"x" * (1024 * 1024 + 1), f"Bearer {token}") == 400


def test_source_that_takes_no_events_is_told_from_no_other(add: Add, token: str) -> None:
    add("folder")
    for name in ("folder", "nothing"):
        path = f"/api/sources/{name}/events/"
        answer = HttpClient().post(
            path, b"{}", content_type="application/json", headers={"Authorization": token}
        )
        assert (answer.status_code, answer.json()["code"]) == (401, "source.token")
