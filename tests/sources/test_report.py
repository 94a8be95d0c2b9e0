"""The report on sources: counts, what is overdue, alerts, mail and webhook, pages and CSV."""

import http.server
import json
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core import mail
from django.db.models.functions import Now

from deposit.monitoring.alerts import alerts
from sources import items, report
from sources.models import ItemState, Source, SourceItem
from sources.places import Sighting
from sources.tasks import send_report
from tests.support.factories import logged_in, new_client, new_collection, new_deposit

pytestmark = pytest.mark.django_db(transaction=True)

Add = Callable[..., Source]


@pytest.fixture
def source(add: Add) -> Source:
    """A source with an item in every state, one of them too late."""
    source = add("scans")
    names = [state.value for state in ItemState if state is not ItemState.SEEN]
    items.record_complete(source, [Sighting(key=name, version="1", size=1) for name in [*names, "late"]])
    for name in names:
        SourceItem.objects.filter(key=name).update(state=name, taken_at=Now())
    SourceItem.objects.filter(key="late").update(seen_at=Now() - timedelta(hours=30))
    return source


def test_states_are_counted_and_what_is_late_is_named(source: Source) -> None:
    (line,) = report.lines(7)
    assert (line.came_in, line.stored, line.rejected, line.failed, line.under_way, line.never_started) == (
        6,
        1,
        1,
        1,
        1,
        2,
    )
    assert (line.overdue, line.overdue_keys) == (1, ("late",))
    assert report.lines(1)[0].came_in == 5
    assert report.lines(7, hours=48)[0].overdue == 0
    text = report.as_text([line], 7)
    assert "NOT STORED IN TIME: 1\n    late" in text


def test_alerts_tell_of_sources(source: Source) -> None:
    Source.objects.update(trouble="FileNotFoundError: no such folder")
    told = {one.code: one.sentence for one in alerts()}
    assert "no such folder" in told["source.trouble"]
    assert "1 upload is not stored after 24 hours" in told["source.overdue"]


def test_report_goes_by_mail_and_webhook_to_whom_the_settings_name(source: Source, settings: Any) -> None:
    send_report()
    assert mail.outbox == []
    received: list[dict[str, Any]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        settings.SOURCE_REPORT_WEBHOOK = f"http://127.0.0.1:{server.server_port}/"
        settings.SOURCE_REPORT_MAIL = ["archivists@example.org"]
        send_report()
        server.shutdown()
    assert received[0]["sources"][0]["overdue_keys"] == ["late"]
    assert mail.outbox[0].to == ["archivists@example.org"]
    assert "scans" in mail.outbox[0].body


@pytest.fixture
def operator(db: None) -> Any:
    user = User.objects.create_user("olga")
    user.user_permissions.add(Permission.objects.get(codename="operate"))
    return logged_in(user)


def test_pages_show_sources_items_and_report(source: Source, operator: Any) -> None:
    collection = new_collection()
    deposit = new_deposit(new_client(collection), collection)
    SourceItem.objects.filter(key="stored").update(deposit=deposit)
    assert "scans" in operator.get("/sources/").content.decode()
    page = operator.get("/sources/scans/?state=rejected").content.decode()
    assert "rejected" in page
    item = SourceItem.objects.get(key="stored")
    shown = operator.get(f"/sources/scans/items/{item.short_id}/").content.decode()
    assert "STORED" in shown
    assert f"/deposits/{deposit.pk}/" in shown
    assert "late" in operator.get("/sources-report/").content.decode()
    csv = operator.get("/sources-report.csv").content.decode().splitlines()
    assert csv[1].startswith("scans,")
    for path in ("/sources/nothing/", "/sources/scans/items/000000000000/"):
        assert operator.get(path).status_code == 404


def test_a_source_may_be_called_report(source: Source, operator: Any) -> None:
    Source.objects.filter(pk=source.pk).update(name="report")
    assert "<h1>report" in operator.get("/sources/report/").content.decode()
    assert operator.get("/api/sources/report/items/").json()["results"][0]["key"]


def test_depositors_see_no_sources_but_their_own_collections(source: Source) -> None:
    stranger = logged_in(new_client().user)
    assert "scans" not in stranger.get("/sources/").content.decode()
    assert stranger.get("/sources/scans/").status_code == 404
    member = logged_in(new_client(source.collection).user)
    assert "scans" in member.get("/sources/").content.decode()


def test_packages_are_found_on_their_page(operator: Any) -> None:
    collection = new_collection()
    deposit = new_deposit(new_client(collection), collection, external_id="PP/A/1", title="The garden")
    page = operator.get("/packages/?external_id=PP/A/1").content.decode()
    assert f"/deposits/{deposit.pk}/" in page
    assert "not stored yet" in page
    assert "nothing of that kind" in operator.get("/packages/?external_id=nothing").content.decode()
    csv = operator.get("/packages.csv?external_id=PP/A/1").content.decode().splitlines()
    assert csv[1].startswith("PP/A/1,")
    assert "A date is written" in operator.get("/packages/?stored_after=soon").content.decode()
