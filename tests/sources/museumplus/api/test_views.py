"""The museum in JSON: for operators, and for nobody else."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client as Browser

from dashboard.museum.views import counted
from deposit.actors import Channel, system_actor
from deposit.permissions import Role
from deposit.services import roles
from sources.museumplus import logs
from sources.museumplus.models import MuseumObject, MuseumPackage, WorkflowJob
from tests.sources.museumplus.workflow_fixtures import Museum
from tests.support.factories import new_client, new_collection


def operator() -> Browser:
    user = User.objects.create_user("olga")
    roles.grant(actor=system_actor(Channel.COMMAND), username=user.username, role=Role.OPERATOR)
    browser = Browser()
    browser.force_login(user)
    return browser


def post(browser: Browser, path: str, **body: Any) -> Any:
    return browser.post(f"/api/museum/{path}", json.dumps(body), content_type="application/json")


def test_only_operators_are_let_in(whole: Museum) -> None:
    depositor = Browser()
    depositor.force_login(new_client(new_collection()).user)
    for browser, status in ((Browser(), 401), (depositor, 403), (operator(), 200)):
        for path in ("stats", "queues", "heartbeats", "objects", "packages"):
            assert browser.get(f"/api/museum/{path}").status_code == status
    assert depositor.get("/museum/").status_code == 403


def test_objects_are_frozen_unfrozen_and_enqueued(whole: Museum) -> None:
    for number in (1, 2, 3):
        whole.plus.add_object(number)
    whole.harvest()
    browser = operator()
    stats = browser.get("/api/museum/stats").json()
    assert stats["steps"]["pending"] == {"count": 3}
    assert stats["total_count"] == 3
    assert post(browser, "objects/freeze", object_ids=[1, 2], reason="odd").json()["count"] == 2
    assert post(browser, "objects/freeze", object_ids="1\n99", reason="odd").status_code == 409
    assert post(browser, "objects/freeze", object_ids=[1]).status_code == 400
    listed = browser.get("/api/museum/objects?frozen=1&search=odd").json()
    assert [row["id"] for row in listed["results"]] == [1, 2]
    assert listed["results"][0]["source"] == "user"
    assert (
        post(browser, "objects/unfreeze", object_ids="1,2", reason="odd", enqueue=True).json()["count"] == 2
    )
    assert post(browser, "objects/enqueue", object_ids=[3]).json()["count"] == 1
    assert post(browser, "objects/enqueue", object_count=5).status_code == 202
    assert browser.get("/api/museum/queues").json()["queues"]["download_object"] == {
        "pending": 3,
        "processing": 0,
    }
    assert post(browser, "objects/1/reenqueue").status_code == 409
    assert post(browser, "objects/99/reenqueue").status_code == 404
    assert post(browser, "objects/1/retry").status_code == 409


def test_logs_are_read_by_the_names_in_their_list(whole: Museum) -> None:
    whole.plus.add_object(1)
    whole.harvest()
    package = MuseumPackage.objects.create(museum_object_id=1, sip_filename="a.tar", preserved=True)
    MuseumObject.objects.update(latest_package=package)
    folder = whole.ingester.root / "logs"
    folder.mkdir()
    (folder / "ingest-report.html").write_text("<script>alert(1)</script>")
    (folder / "a.log").write_bytes(b"\xff text")
    logs.archive_logs(package, folder)
    browser = operator()
    path = f"/api/museum/packages/{package.pk}/logs"
    assert browser.get(path).json() == {"logs": ["a.log", "ingest-report.html"]}
    assert "text" in browser.get(f"{path}/a.log").content.decode()
    for name in ("b.log", "..", "%2e%2e%2fa.log"):
        assert browser.get(f"{path}/{name}").status_code == 404
    shown = browser.get(f"/museum/sips/{package.pk}/report/")
    assert "sandbox" in shown.headers["Content-Security-Policy"]
    assert "default-src 'none'" in shown.headers["Content-Security-Policy"]


def test_the_pages_show_and_act(whole: Museum) -> None:
    for number in (1, 2):
        whole.plus.add_object(number)
    whole.harvest()
    browser = operator()
    package = MuseumPackage.objects.create(
        museum_object_id=1, sip_filename="a.tar", rejected=True, uploaded=True
    )
    MuseumObject.objects.filter(pk=1).update(latest_package=package)
    WorkflowJob.objects.create(
        museum_object_id=2, queue="download_object", state="failed", error="No <network>"
    )
    for path in ("", "counts/", "status/", "enqueue/", "frozen/", "freeze/", "sips/", f"sips/{package.pk}/"):
        answer = browser.get(f"/museum/{path}")
        assert answer.status_code == 200, path
    assert "No &lt;network&gt;" in browser.get("/museum/").content.decode()
    assert browser.get("/museum/sips/?rejected=1&search=1").content.decode().count("Enqueue again") == 1
    browser.post("/museum/reenqueue/", {"object_id": "1"})
    assert WorkflowJob.objects.filter(pk=1, queue="download_object").exists()
    browser.post("/museum/retry/", {"all": "1"})
    assert WorkflowJob.objects.get(pk=2).state == "pending"
    browser.post("/museum/freeze/", {"object_ids": "1\n2", "reason": "odd"})
    assert MuseumObject.objects.filter(frozen=True).count() == 2
    browser.post("/museum/unfreeze/", {"reason": "odd"})
    assert not MuseumObject.objects.filter(frozen=True).exists()
    assert browser.post("/museum/enqueue/", {"object_count": "2"}).status_code == 302
    assert browser.post("/museum/enqueue/", {"object_count": "9"}).status_code == 200


@pytest.fixture(autouse=True)
def forget_counts() -> None:
    counted.forget()
