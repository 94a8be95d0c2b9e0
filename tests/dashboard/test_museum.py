"""The museum's pages: what operators do there, and what they are told."""

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.test import Client as Browser
from pytest_django.fixtures import Settings

from deposit.models import WorkItem
from sources.museumplus.logs import archive_logs
from sources.museumplus.models import MuseumObject, MuseumPackage, WorkflowJob

pytestmark = pytest.mark.django_db

KNOWN = {"metadata_hash": "a" * 64, "attachment_metadata_hash": ""}


@pytest.fixture
def museum(browser: Browser, operator: User, settings: Settings, tmp_path: Path) -> Browser:
    """An operator's browser; five objects that are pending."""
    settings.ARCHIVE_DIR, settings.PACKAGE_DIR = str(tmp_path / "archive"), str(tmp_path / "packages")
    settings.MUSEUMPLUS_URL = "http://127.0.0.1:1/ria-ws/application"
    MuseumObject.objects.bulk_create([MuseumObject(id=number, **KNOWN) for number in range(1, 6)])
    browser.force_login(operator)
    return browser


def told(answer: Any) -> list[str]:
    return [str(message) for message in get_messages(answer.wsgi_request)]


def rejected(number: int) -> MuseumPackage:
    package = MuseumPackage.objects.create(
        sip_filename=f"{number}.tar", sip_id="x", museum_object_id=number, uploaded=True, rejected=True
    )
    MuseumObject.objects.filter(pk=number).update(latest_package=package)
    return package


def test_depositors_see_nothing_of_it(browser: Browser, depositor: object) -> None:
    assert browser.get("/museum/").status_code == 403


def test_as_many_objects_are_enqueued_as_there_are(museum: Browser) -> None:
    assert "5 objects are pending" in museum.get("/museum/enqueue/").content.decode()
    assert told(museum.post("/museum/enqueue/", {"object_count": "6"})) == ["Say a number from 1 to 5."]
    assert told(museum.post("/museum/enqueue/", {"object_count": "1"}))[-1] == "1 object will be enqueued."
    assert WorkItem.objects.get(kind="museum.enqueue").arguments["count"] == 1


def test_objects_are_frozen_and_unfrozen_in_bulk(museum: Browser) -> None:
    missing = museum.post("/museum/freeze/", {"object_ids": "1\n2\n9", "reason": "broken"})
    assert told(missing) == ["There are no such objects: 9."]
    assert told(museum.post("/museum/freeze/", {"object_ids": "1", "reason": " "}))[-1] == (
        "Name objects, and a reason."
    )
    assert told(museum.post("/museum/freeze/", {"object_ids": "1\n2\n3", "reason": "broken"}))[-1] == (
        "3 frozen, 0 cancelled."
    )
    page = museum.get("/museum/frozen/?search=brok").content.decode()
    assert page.count('name="object_id"') == 3
    assert told(museum.post("/museum/unfreeze/", {"object_id": ["1", "2"]}))[-1] == "2 objects are unfrozen."
    assert told(museum.post("/museum/unfreeze/", {"reason": "broken", "enqueue": "1"}))[-1] == (
        "1 object is unfrozen."
    )
    assert list(WorkflowJob.objects.values_list("pk", flat=True)) == [3]
    assert told(museum.post("/museum/unfreeze/", {}))[-1] == "Choose objects, or a reason."


def test_a_rejected_object_is_enqueued_again(museum: Browser) -> None:
    package = rejected(2)
    assert "Enqueue again" in museum.get(f"/museum/sips/{package.pk}/").content.decode()
    assert told(museum.post("/museum/reenqueue/", {"object_id": "77"})) == ["There is no object 77."]
    assert told(museum.post("/museum/reenqueue/", {"object_id": "1"}))[-1] == "Object 1 has no package."
    assert told(museum.post("/museum/reenqueue/", {"object_id": "2"}))[-1] == "Object 2 is enqueued again."
    assert WorkflowJob.objects.get().queue == "download_object"


def test_what_failed_is_listed_by_step_and_tried_again(museum: Browser) -> None:
    WorkflowJob.objects.create(
        museum_object_id=1, queue="download_object", state="failed", sip_id="x", error="no room"
    )
    WorkflowJob.objects.create(museum_object_id=2, queue="create_sip", sip_id="y")
    assert "no room" in museum.get("/museum/").content.decode()
    assert "no room" not in museum.get("/museum/jobs/?queue=create_sip").content.decode()
    assert museum.get("/museum/sips/of/1/x/").headers["Location"] == "/museum/jobs/"
    package = rejected(1)
    assert museum.get("/museum/sips/of/1/x/").headers["Location"] == f"/museum/sips/{package.pk}/"
    assert told(museum.post("/museum/retry/", {"all": "1"}))[-1] == "1 job is tried again."
    assert WorkflowJob.objects.get(pk=1).state == "pending"


def test_a_report_is_shown_where_it_can_do_nothing(museum: Browser, tmp_path: Path) -> None:
    package = rejected(1)
    assert museum.get(f"/museum/sips/{package.pk}/report/").status_code == 404
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / "ingest-report.html").write_text("<script>alert(1)</script>")
    (logs / "compile-mets.log").write_text("<b>two files</b>")
    archive_logs(package, logs)
    page = museum.get(f"/museum/sips/{package.pk}/?log=compile-mets.log").content.decode()
    assert "&lt;b&gt;two files" in page
    assert "<iframe" in page
    assert "<pre" not in museum.get(f"/museum/sips/{package.pk}/?log=../../etc/passwd").content.decode()
    report = museum.get(f"/museum/sips/{package.pk}/report/")
    assert report.content == b"<script>alert(1)</script>"
    assert report.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")


def test_the_pages_are_in_the_browsers_language(museum: Browser) -> None:
    for language, words in (("de", "Eingefrorene Objekte"), ("fr", "Objets gelés")):
        assert words in museum.get("/museum/", headers={"Accept-Language": language}).content.decode()
