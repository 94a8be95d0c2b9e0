"""``/api/deliveries/`` and ``/api/pipelines/``."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client as HttpClient

from loader.destinations.archivematica.models import Pipeline
from tests.loader.destinations.archivematica.delivering import Delivering
from tests.support.archivematica import KEY, Archivematica
from tests.support.archivematica_state import PROCESSING, Script
from tests.support.factories import http_client, new_client

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def delivering(tmp_path: Path, settings: Any) -> Iterator[Delivering]:
    """A collection whose deposits go through a pipeline."""
    settings.STAGING_ROOT = str(tmp_path / "staging")
    (tmp_path / "source").mkdir()
    with Archivematica(tmp_path / "source") as double:
        yield Delivering(double, tmp_path)


def somebody(*permissions: str) -> HttpClient:
    """A client with these permissions."""
    client = new_client()
    client.user.user_permissions.add(*Permission.objects.filter(codename__in=permissions))
    return http_client(client)


def post(client: HttpClient, path: str, **body: Any) -> Any:
    """A POST with a JSON body."""
    return client.post(path, body, content_type="application/json")


def test_depositors_see_their_own_deliveries(delivering: Delivering) -> None:
    delivery = delivering.to_its_end(delivering.deposit())

    mine = http_client(delivering.client).get("/api/deliveries/").json()["results"]
    other = somebody().get("/api/deliveries/").json()["results"]

    assert ([one["id"] for one in mine], other) == ([delivery.pk], [])
    assert somebody().get(f"/api/deliveries/{delivery.pk}/").status_code == 404


def test_causes_are_for_operators(delivering: Delivering) -> None:
    delivery = delivering.to_its_end(delivering.deposit())
    path = f"/api/deliveries/{delivery.pk}/"

    mine = http_client(delivering.client).get(path).json()
    operators = somebody("operate").get(path).json()

    assert "fault" not in mine["activities"][0]
    assert "fault" in operators["activities"][0]
    assert mine["identifiers"] == operators["identifiers"]


def test_a_deposit_tells_its_identifiers(delivering: Delivering) -> None:
    delivery = delivering.to_its_end(delivering.deposit())

    told = http_client(delivering.client).get(f"/api/deposits/{delivery.deposit_id}/").json()

    [transfer] = delivering.double.transfers
    known = {"scheme": "archivematica-aip", "value": transfer.sip, "superseded": False}
    assert known in told["identifiers"]


def test_verbs(delivering: Delivering) -> None:
    delivering.double.state.default = Script(transfer=("USER_INPUT",))
    deposit = delivering.deposit()
    delivery = delivering.look(deposit)
    path, operator = f"/api/deliveries/{delivery.pk}/", somebody("operate")
    assert operator.get(path).json()["question"]["options"].keys() == {"keep_waiting", "abandon"}
    assert post(operator, f"{path}decide/", option="dance").json()["code"] == "delivery.option"
    assert post(operator, f"{path}decide/", option="keep_waiting").status_code == 200
    assert post(operator, f"{path}retry/").status_code == 409
    assert post(http_client(delivering.client), f"{path}cancel/").status_code == 403
    assert post(operator, f"{path}cancel/").json()["wish"] == "cancel"
    assert delivering.look(deposit).state == "cancelled"
    assert post(operator, f"{path}abandon/").status_code == 409
    assert post(operator, f"{path}retry/", mode="sideways").status_code == 400

    again = post(operator, f"{path}retry/", mode="full").json()

    assert (again["mode"], again["state"]) == ("full", "waiting")


def test_many(delivering: Delivering) -> None:
    delivering.double.state.default = Script(transfer=(PROCESSING,))
    delivery = delivering.look(delivering.deposit())
    operator = somebody("operate")
    body = {"operation": "cancel", "state": ["waiting"], "pipeline": "main"}

    told = post(operator, "/api/deliveries/bulk/", **body).json()

    assert told == {"applied": False, "outcomes": [{"delivery": delivery.pk, "refusal": ""}]}
    assert post(operator, "/api/deliveries/bulk/", **body, apply=True).json()["applied"] is True
    assert post(somebody(), "/api/deliveries/bulk/", **body).status_code == 403


def test_pipelines_are_told_to_operators_and_without_keys(delivering: Delivering) -> None:
    operator = somebody("operate")

    [row] = operator.get("/api/pipelines/").json()["results"]
    whole = operator.get("/api/pipelines/main/").json()

    assert (row["name"], row["used"], row["capacity"]) == ("main", 0, 1)
    assert KEY not in str(whole)
    assert somebody().get("/api/pipelines/").status_code == 403
    assert operator.get("/api/pipelines/none/").json()["code"] == "pipeline.unknown"


def test_pipelines_are_kept_by_administrators(delivering: Delivering) -> None:
    administrator, operator = somebody("administer"), somebody("operate")
    settings = {
        "name": "new",
        "url": "http://archivematica.example.org",
        "user": "me",
        "key_ref": "env:KEY",
        "storage_service_url": "http://storage.example.org",
        "storage_service_user": "me",
        "storage_service_key_ref": "file:/etc/key",
        "transfer_source": "/srv/source",
        "location": "0b8ab5d6-4c2f-4c7b-a0f5-0a0e0a4a9f60",
    }
    assert post(operator, "/api/pipelines/", **settings).status_code == 403
    assert post(administrator, "/api/pipelines/", **settings | {"key_ref": "the key"}).status_code == 400
    assert post(administrator, "/api/pipelines/", **settings).status_code == 201
    changed = administrator.patch("/api/pipelines/new/", {"capacity": 4}, content_type="application/json")
    assert (changed.status_code, changed.json()["capacity"]) == (200, 4)
    assert post(operator, "/api/pipelines/new/pause/").json()["paused"] is True
    assert post(operator, "/api/pipelines/new/resume/").json()["paused"] is False
    assert administrator.delete("/api/pipelines/new/").status_code == 204
    assert not Pipeline.objects.filter(name="new").exists()


def test_the_deliveries_of_a_deposit_stand_below_it(delivering: Delivering) -> None:
    delivery = delivering.to_its_end(delivering.deposit())
    path = f"/api/deposits/{delivery.deposit_id}/deliveries/"
    (mine,) = http_client(delivering.client).get(path).json()
    assert mine == http_client(delivering.client).get(f"/api/deliveries/{delivery.pk}/").json()
    assert somebody().get(path).status_code == 404
