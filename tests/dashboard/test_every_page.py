"""Every page in a real browser: no faults that axe-core takes seriously, no complaints, nothing too wide, small."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib import admin
from django.contrib.auth.models import AnonymousUser, User
from django.db.models.functions import Now
from django.http import HttpResponse
from django.template.loader import render_to_string
from django.test import RequestFactory
from django.utils import timezone
from django.views.csrf import csrf_failure
from django.views.defaults import server_error
from playwright.sync_api import Browser, Page
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from deposit.actors import Actor, Channel, system_actor
from deposit.lifecycle import Work
from deposit.models import (
    Client,
    Collection,
    Curatorship,
    DeletionKind,
    Deposit,
    Heartbeat,
    Notice,
    Notification,
    NotificationAttempt,
    Status,
    Subscription,
)
from deposit.monitoring import heartbeats
from deposit.permissions import Role
from deposit.queue import items
from deposit.services import deletions, roles, tokens
from sources import items as source_items
from sources import services as sources
from sources.batches import services as batches
from sources.models import SourceItem, SourceKind
from sources.museumplus.logs import archive_logs
from sources.museumplus.models import Heartbeat as MuseumHeartbeat
from sources.museumplus.models import MuseumObject, MuseumPackage, WorkflowJob
from sources.places import Sighting
from tests.dashboard.browsing import chromium, needs_chromium
from tests.dashboard.conftest import sent, worked_on
from tests.dashboard.screenshots import PICTURES, Way, walk
from tests.loader.destinations.archivematica.delivering import Delivering
from tests.support.archivematica import Archivematica
from tests.support.archivematica_state import Script
from tests.support.factories import acting_as, new_deposit
from tests.support.lifecycle_fixtures import claimed, in_status
from tests.support.notices import subscribed

__all__ = ["chromium"]

pytestmark = [needs_chromium, pytest.mark.django_db(transaction=True)]


def make_token(page: Page) -> None:
    # The pictures are taken in several languages, and no two tokens of a user have one name.
    page.fill("#token-name", f"laptop {page.evaluate('document.documentElement.lang')}")
    page.press("#token-name", "Enter")
    page.wait_for_selector(".note.good code")


def drawn(page: Page) -> None:
    """The page of the API is made by its script."""
    page.wait_for_selector(".opblock")


@pytest.fixture
def addresses(depositor: Client, collection: Collection) -> dict[str, Way]:
    """Every kind of page, by the name of its picture."""
    done = worked_on(sent(depositor, title="Analytical Engine Simulator"))
    rejected = worked_on(sent(depositor, title="Broken", files={"../escape": b"x"}, slug="broken"))
    assert (done.status, rejected.status) == ("done", "rejected")
    waiting = sent(depositor, title="Waiting for its checks", slug="waiting")
    for number in range(4):
        new_deposit(depositor, collection, package_name=f"package-{number}.tar.gz")
    Notice.objects.create(user=depositor.user, text="Somebody tried passwords for this account.")
    tokens.issue(
        actor=acting_as(depositor), user=depositor.user, name="nightly job", scopes=["deposit"], days=30
    )
    Collection.objects.update(confirm_warnings=True)
    doubtful = {"hello/README": b"x", "hello/.DS_Store": b"y", "hello/id_rsa": b"z"}
    held = worked_on(sent(depositor, title="Doubtful", files=doubtful, slug="doubtful"))
    notice = told(depositor)
    files = f"/deposits/{done.pk}/files"
    return {
        "deposits": "/deposits/",
        "deposits-none": "/deposits/?q=nothing",
        "deposits-filtered": "/deposits/?status=done&since=2026-01-01",
        "done": f"/deposits/{done.pk}/",
        "rejected": f"/deposits/{rejected.pk}/",
        "waiting": f"/deposits/{waiting.pk}/",
        "held": f"/deposits/{held.pk}/",
        "files": f"{files}/",
        "folder": f"{files}/hello/",
        "text": f"{files}/hello/src/hello.py",
        "binary": f"{files}/hello/data.bin",
        "upload": "/upload/",
        "upload-again": f"/upload/?like={rejected.pk}",
        "stored": f"/stored/?q={done.swhid}",
        "not-stored": "/stored/?q=swh:1:cnt:" + "0" * 40,
        "origin": f"/origin/?origin={done.origin_url}",
        "account": "/account/",
        "notices": "/account/notices/",
        "notice": f"/account/notices/{notice.pk}/",
        "account-token": ("/account/", make_token),
        "help": "/help/",
        "refused": "/deposits/999999/",
        "nowhere": "/nowhere/",
        "forbidden": "/overview/",
        "own-figures": "/figures/?days=365",
    }


def told(depositor: Client) -> Notification:
    """A mail and a webhook that fares badly, with what it was told."""
    user = depositor.user
    user.email = "ada@example.org"
    user.save()
    subscribed(user)
    hook, _ = subscribed(user, "https://receiver.example.org/a/long/path/of/a/hook?key=0123456789abcdef")
    body = {
        "type": "notice.test",
        "timestamp": "2026-11-30T12:00:00+00:00",
        "data": {"sentence": "This is a test."},
    }
    fault = (
        "500 Internal Server Error: the receiver has no room left on its device and says so at some length"
    )
    notice = Notification.objects.create(
        subscription=hook, type="notice.test", body=body, state="dead", attempts=12, answer=fault
    )
    NotificationAttempt.objects.create(notification=notice, status=500, seconds=0.25, answer=fault)
    Subscription.objects.filter(pk=hook.pk).update(failures=3, last_fault=fault)
    return notice


@pytest.fixture
def operators_addresses(depositor: Client) -> dict[str, Way]:
    """The pages that only operators have."""
    made = [worked_on(sent(depositor, title=f"Program {number}", slug=str(number))) for number in range(3)]
    rejected = worked_on(sent(depositor, title="Broken", files={"../escape": b"x"}, slug="broken"))
    failed = in_status(Status.FAILED)
    in_status(Status.LOADING)
    items.give_back(
        claimed(Work.CHECK, in_status(Status.DEPOSITED)),
        reason="FileNotFoundError: [Errno 2] No such file or directory: '/srv/staging/packages/2026-11-30/0f'",
        after_seconds=600,
        counts=True,
    )
    # A worker with a long name that froze, and a load that fails for a reason that has no blanks.
    heartbeats.beat("loader@" + "a-host-with-a-long-name." * 3, "load", begins=True)
    Heartbeat.objects.update(beat_at=Now() - timedelta(hours=1))
    waiting = in_status(Status.VERIFIED)
    items.give_back(
        claimed(Work.LOAD, waiting), reason=f"OSError: /{'long-folder/' * 12}", after_seconds=0, counts=True
    )
    ids = "&".join(f"id={deposit.pk}" for deposit in [*made, rejected])
    return {
        "overview": "/overview/",
        "figures": "/figures/",
        "fixity": "/fixity/",
        "queue": "/queue/",
        "queue-filtered": "/queue/?kind=fetch&state=silent",
        "operator-deposits": "/deposits/",
        "failed": f"/deposits/{failed.pk}/",
        "confirm": f"/deposits/action/?action=reschedule&{ids}",
    }


@pytest.fixture
def museum_addresses(db: None, settings: Settings, tmp_path: Path) -> dict[str, Way]:
    """The museum's pages, with something of everything on them."""
    settings.ARCHIVE_DIR, settings.PACKAGE_DIR = str(tmp_path / "archive"), str(tmp_path / "packages")
    settings.MUSEUMPLUS_URL = "http://127.0.0.1:1/ria-ws/application"
    known = {"metadata_hash": "a" * 64, "attachment_metadata_hash": ""}
    for number in range(1, 31):
        MuseumObject.objects.create(id=number, title=f"Spoon, with a handle of horn, {number}", **known)
    MuseumObject.objects.filter(pk__lte=25, pk__gt=3).update(
        frozen=True, freeze_reason="Filename contains non-ASCII characters", freeze_source="automatic"
    )
    spoon = MuseumObject.objects.get(pk=1)
    package = MuseumPackage.objects.create(
        sip_filename="20190102_Object_1-20261130-100000.tar",
        sip_id="20261130-100000",
        museum_object=spoon,
        downloaded=True,
        packaged=True,
        uploaded=True,
        rejected=True,
    )
    MuseumObject.objects.filter(pk=1).update(latest_package=package)
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / "import-object.log").write_text(
        "2026-11-30T10:00:00+00:00 attachments/100/a.jpg image/jpeg 1.01\n" * 3
    )
    (logs / "ingest-report.html").write_text("<h1>rejected</h1><p>The file format is not supported.")
    archive_logs(package, logs)
    job = {"queue": "submit_sip", "state": "failed", "sip_id": "20261130-100000"}
    WorkflowJob.objects.create(museum_object_id=2, error=f"OSError: /{'long-folder/' * 12}", **job)
    WorkflowJob.objects.create(museum_object_id=3, queue="download_object")
    MuseumHeartbeat.beat("sync_objects")
    MuseumHeartbeat.beat("sync_hashes", timezone.now() - timedelta(days=3))
    return {
        "museum": "/museum/?still=1",
        "museum-jobs": "/museum/jobs/",
        "museum-jobs-none": "/museum/jobs/?queue=confirm_sip",
        "museum-sips": "/museum/sips/?rejected=1&only_latest=1",
        "museum-sips-none": "/museum/sips/?search=nothing",
        "museum-sip": f"/museum/sips/{package.pk}/?log=import-object.log",
        "museum-enqueue": "/museum/enqueue/",
        "museum-frozen": "/museum/frozen/",
        "museum-frozen-reason": "/museum/frozen/?reason=Filename+contains+non-ASCII+characters&page=2",
        "museum-freeze": "/museum/freeze/?object_ids=1",
        "museum-status": "/museum/status/",
    }


@pytest.fixture
def administrator(db: None) -> User:
    """An account with the role, not a superuser: it has to do without a shell, too."""
    User.objects.create(username="root")
    command = system_actor(Channel.COMMAND)
    return roles.grant(actor=command, username="root", role=Role.ADMINISTRATOR)


@pytest.fixture
def ways_addresses(tmp_path: Path, settings: Any) -> Iterator[dict[str, Way]]:
    """The pages of sources, deliveries, pipelines and batches, each with something on it."""
    settings.STAGING_ROOT, settings.BATCH_ROOT = str(tmp_path / "staging"), str(tmp_path)
    for name in ("source", "watched", "boxes/Correspondence with the Royal Society, 1843"):
        (tmp_path / name).mkdir(parents=True)
    with Archivematica(tmp_path / "source") as double:
        delivering = Delivering(double, tmp_path, capacity=2)
        done = delivering.to_its_end(delivering.deposit({"letter.txt": b"Dear Ada", ".hidden": b"x"}))
        double.state.default = Script(transfer=("USER_INPUT",))
        asking = delivering.look(delivering.deposit())
        double.state.default = Script(transfer=("FAILED",))
        failed = delivering.to_its_end(delivering.deposit())
        source, rejected = watched(tmp_path / "watched", delivering.collection, done.deposit)
        command = system_actor(Channel.COMMAND)
        boxes: dict[str, Any] = {"folder": str(tmp_path / "boxes"), "collection": delivering.collection.name}
        batch = batches.start(actor=command, **boxes)
        yield {
            "sources": "/sources/",
            "source": f"/sources/{source}/",
            "source-filtered": f"/sources/{source}/?state=rejected",
            "item-stored": f"/sources/{source}/items/{done.deposit.source_item.short_id}/",
            "item-rejected": f"/sources/{source}/items/{rejected}/",
            "sources-report": "/sources-report/",
            "packages": "/packages/?external_id=nothing",
            "deliveries": "/deliveries/",
            "delivery-done": f"/deliveries/{done.pk}/",
            "delivery-asking": f"/deliveries/{asking.pk}/",
            "delivery-failed": f"/deliveries/{failed.pk}/",
            "delivery-confirm": f"/deliveries/action/?verb=retry&id={failed.pk}&id={done.pk}",
            "pipelines": "/pipelines/",
            "deposits-of-pipeline": "/deposits/?pipeline=main",
            "batches": "/batches/",
            "batch": f"/batches/{batch.pk}/",
            "batch-start": "/batches/start/",
            "batch-preview": f"/batches/start/?{urlencode({**boxes, 'depth': 1})}",
        }


def watched(folder: Path, collection: Collection, stored: Deposit) -> tuple[str, str]:
    """A source with an item that waits, one that is stored and one that is rejected; its name, and that one's id."""
    actor = system_actor(Channel.COMMAND)
    source = sources.add_source(
        actor=actor, name="scans", kind=SourceKind.FOLDER, location=str(folder), collection=collection.name
    )
    names = ["stored.zip", "rejected.zip", f"{'a-long-name-' * 12}.zip"]
    source_items.record_complete(source, [Sighting(key=name, version="1", size=9) for name in names])
    SourceItem.objects.filter(key="stored.zip").update(
        state="stored", deposit=stored, taken_at=Now(), stored_at=Now()
    )
    found = SourceItem.objects.filter(key="rejected.zip")
    found.update(
        state="rejected", error="[package.format] rejected.zip is no package. Send a zip or tar file."
    )
    return source.name, found.get().short_id


def admin_addresses() -> dict[str, Way]:
    """The lists of the admin site, the first row of each, and its forms."""
    pages: dict[str, Way] = {"admin": "/admin/"}
    for model in admin.site._registry:
        name = str(model._meta.model_name)
        address = f"/admin/{model._meta.app_label}/{name}/"
        pages[f"admin-{name}-list"] = address
        first = model._default_manager.first()
        if first is not None:
            pages[f"admin-{name}"] = f"{address}{first.pk}/change/"
    for name in ("client", "collection", "apitoken", "curatorship"):
        pages[f"admin-{name}-add"] = f"/admin/deposit/{name}/add/"
    pages["admin-collection-delete"] = str(pages["admin-collection"]).replace("/change/", "/delete/")
    pages["admin-password"] = str(pages["admin-user"]).replace("/change/", "/password/")
    # Most are made by the same templates; the pictures are of all.
    return pages if PICTURES else {name: pages[name] for name in _KINDS}


_KINDS = (
    "admin",
    "admin-deposit-list",
    "admin-deposit",
    "admin-pack",
    "admin-user",
    "admin-client",
    "admin-collection",
    "admin-collection-delete",
    "admin-apitoken-add",
)


def test_a_depositors_pages_are_sound(
    chromium: Browser, live_server: LiveServer, depositor: Client, addresses: dict[str, Way]
) -> None:
    assert walk(chromium, live_server.url, depositor.user, addresses) == {}


def test_the_pages_of_withdrawals_are_sound(
    chromium: Browser, live_server: LiveServer, depositor: Client, collection: Collection
) -> None:
    """As a curator sees them who has asked for one deposit and decides on another; and what all others see."""
    reason = "The publisher asks for it: the data name people, and nobody asked them. " * 3
    shown, asked, gone = (
        worked_on(sent(depositor, title=f"Letters of 18{number}", slug=str(number)))
        for number in (41, 42, 43)
    )
    carl = User.objects.create(username="carl")
    Curatorship.objects.create(user=carl, collection=collection)
    curator = Actor(user=carl, channel=Channel.DASHBOARD)
    theirs, own, past = (
        deletions.request(actor=actor, deposit_id=deposit.pk, kind=DeletionKind.WITHDRAW, reason=reason)
        for actor, deposit in ((acting_as(depositor), shown), (curator, asked), (acting_as(depositor), gone))
    )
    deletions.approve(actor=curator, request_id=past.pk, note="I have seen their letter.")
    pages: dict[str, Way] = {
        "deletions": "/deletions/",
        "deletions-none": "/deletions/?state=rejected",
        "deletion-to-review": f"/deletions/{theirs.pk}/",
        "deletion-own": f"/deletions/{own.pk}/",
        "deletion-approved": f"/deletions/{past.pk}/",
        "withdrawn-for-curators": f"/deposits/{gone.pk}/",
        "deletion-restore": f"/deposits/{gone.pk}/deletion/",
    }
    assert walk(chromium, live_server.url, carl, pages) == {}
    pages = {"tombstone": f"/deposits/{gone.pk}/", "tombstone-files": f"/deposits/{gone.pk}/files/"}
    pages |= {"deletion-open": f"/deposits/{shown.pk}/deletion/"}
    assert walk(chromium, live_server.url, depositor.user, pages) == {}


def test_an_operators_pages_are_sound(
    chromium: Browser, live_server: LiveServer, operator: User, operators_addresses: dict[str, Way]
) -> None:
    assert walk(chromium, live_server.url, operator, operators_addresses) == {}


def test_the_museums_pages_are_sound(
    chromium: Browser, live_server: LiveServer, operator: User, museum_addresses: dict[str, Way]
) -> None:
    assert walk(chromium, live_server.url, operator, museum_addresses) == {}


def test_the_pages_of_sources_deliveries_and_batches_are_sound(
    chromium: Browser, live_server: LiveServer, administrator: User, ways_addresses: dict[str, Way]
) -> None:
    assert walk(chromium, live_server.url, administrator, ways_addresses) == {}


def test_the_admin_site_is_sound(
    chromium: Browser, live_server: LiveServer, administrator: User, depositor: Client
) -> None:
    worked_on(sent(depositor))
    worked_on(sent(depositor, files={"../escape": b"x"}, slug="broken"))
    tokens.issue(actor=acting_as(depositor), user=depositor.user, name="nightly", scopes=["read"], days=30)
    assert walk(chromium, live_server.url, administrator, admin_addresses()) == {}


def test_the_pages_for_everybody_are_sound(
    chromium: Browser, live_server: LiveServer, depositor: Client, collection: Collection
) -> None:
    done = worked_on(sent(depositor, title="Analytical Engine Simulator"))
    Collection.objects.filter(pk=collection.pk).update(public=True)
    pages: dict[str, Way] = {"home": "/", "login": "/login/", "anonymous-help": "/help/"}
    pages |= {"landing": f"/deposits/{done.pk}/", "public-files": f"/deposits/{done.pk}/files/"}
    pages |= {"admin-login": "/admin/login/"}
    assert walk(chromium, live_server.url, None, pages) == {}


def test_the_page_of_the_api_is_sound_but_for_what_swagger_makes(
    chromium: Browser, live_server: LiveServer
) -> None:
    found = walk(chromium, live_server.url, None, {"api": ("/api/", drawn)})
    # It puts links into its buttons; no style mends that.
    ours = [one for faults in found.values() for one in faults if not one.startswith("nested-interactive")]
    assert ours == []


def test_the_pages_of_rare_moments_are_sound(
    chromium: Browser, live_server: LiveServer, rf: RequestFactory
) -> None:
    """Their texts as the service makes them, at addresses of the service."""
    request = rf.get("/")
    request.user = AnonymousUser()
    left = render_to_string("dashboard/logged_out.html", {"address": "https://sso.example.org/"}, request)
    answers = {
        "logged-out": HttpResponse(left),
        "forged": csrf_failure(request),
        "fault": server_error(request),
    }

    def put(name: str) -> Way:
        html = answers[name].content.decode()
        return "/help/", lambda page: page.set_content(html, wait_until="load")

    assert walk(chromium, live_server.url, None, {name: put(name) for name in answers}) == {}
