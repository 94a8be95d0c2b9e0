"""Files that the service fetches itself, from a server of the tests on loopback."""

import http.server
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models.functions import Now

from deposit.intake import download
from deposit.intake.addresses import is_public
from deposit.models import Client, Deposit, Event, Fetch, Part, WorkItem
from deposit.queue import items
from deposit.queue.dispatcher import release_passed_leases, round_of_work
from deposit.services import fetching as fetches
from deposit.staging.files import path_of
from tests.deposit.sword3.asking import Sword3, by_reference, digest, error
from tests.support.samples import make_zip

ZIP = make_zip({"pkg/a.txt": b"a" * 1000})
FILE_STATE = "http://purl.org/net/sword/3.0/filestate/"


class RemoteFile(http.server.BaseHTTPRequestHandler):
    """Another server, with its moods."""

    def do_GET(self) -> None:
        self.server.asked.append(self.path)  # type: ignore[attr-defined]
        match self.path:
            case "/file.zip":
                self._answer(ZIP)
            case "/moved":
                self._redirect("/file.zip")
            case "/out":
                self._redirect("http://localhost:1/file.zip")
            case "/round":
                self._redirect("/round")
            case "/cut":
                self._answer(ZIP[:-10], length=len(ZIP))
            case "/packed":
                self._answer(ZIP, Content_Encoding="gzip")
            case "/busy":
                self.send_error(503)
            case _:
                self.send_error(404)

    def _answer(self, data: bytes, length: int | None = None, **headers: str) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(data) if length is None else length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)

    def _redirect(self, to: str) -> None:
        self.send_response(302)
        self.send_header("Location", to)
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def elsewhere(settings: Any) -> Iterator[Any]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), RemoteFile)
    server.asked = []  # type: ignore[attr-defined]
    server.url = f"http://127.0.0.1:{server.server_port}"  # type: ignore[attr-defined]
    settings.BY_REFERENCE_HOSTS = [f"127.0.0.1:{server.server_port}"]
    settings.BY_REFERENCE_PRIVATE = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def referred(
    sword3: Sword3, anobject: str, url: str, data: bytes = ZIP, in_progress: str = "true", **fields: Any
) -> Any:
    file = by_reference(url, digest=digest(data), **fields)
    return sword3.refer("POST", anobject, file, In_Progress=in_progress)


def fetch_next() -> bool:
    """Do what a worker does with the next message; False when none is due."""
    due = WorkItem.objects.filter(kind="fetch", due_at__lte=Now(), lease_expires_at__isnull=True)
    item = due.order_by("due_at", "id").first()
    if item is not None:
        fetches.fetch(int(item.key), worker="fetcher")
    return item is not None


def fetch_due() -> None:
    while fetch_next():
        pass


def pass_wait() -> None:
    WorkItem.objects.update(due_at=Now())


def link(sword3: Sword3, anobject: str) -> dict[str, Any]:
    found: dict[str, Any] = sword3.document(anobject)["links"][0]
    return found


def test_a_file_elsewhere_is_fetched_after_the_request(sword3: Sword3, anobject: str, elsewhere: Any) -> None:
    response = referred(sword3, anobject, elsewhere.url + "/file.zip")
    assert response.status_code == 202
    assert elsewhere.asked == []
    before = link(sword3, anobject)
    assert before["status"] == FILE_STATE + "pending"
    assert before["rel"][0] == "http://purl.org/net/sword/3.0/terms/byReferenceDeposit"
    assert error(sword3.get(before["@id"])) == (404, "NotFound")
    fetch_due()
    after = link(sword3, anobject)
    assert (after["@id"], after["byReference"]) == (before["@id"], elsewhere.url + "/file.zip")
    assert "http://purl.org/net/sword/3.0/terms/byReferenceDeposit" not in after["rel"]
    assert after["eTag"] != before["eTag"]
    assert b"".join(sword3.get(after["@id"])) == ZIP
    part = Part.objects.get(kind="package")
    assert (part.size, path_of(part.stored_as or "").read_bytes()) == (len(ZIP), ZIP)


def test_a_deposit_that_only_waits_for_its_files_is_complete_when_they_are_here(
    sword3: Sword3, anobject: str, elsewhere: Any
) -> None:
    first = referred(sword3, anobject, elsewhere.url + "/file.zip")
    second = referred(sword3, anobject, elsewhere.url + "/moved", in_progress="false")
    assert (first.status_code, second.status_code) == (202, 202)
    assert second.json()["state"][0]["@id"] == "http://purl.org/net/sword/3.0/state/accepted"
    assert Deposit.objects.get().status == "partial"
    assert fetch_next()
    assert Deposit.objects.get().status == "partial"
    assert fetch_next()
    assert Deposit.objects.get().status == "deposited"
    assert not fetch_next()
    assert [event.name for event in Event.objects.all()][-2:] == ["fetch", "complete"]


def test_an_empty_request_completes_a_deposit_once_its_files_are_here(
    sword3: Sword3, anobject: str, elsewhere: Any
) -> None:
    referred(sword3, anobject, elsewhere.url + "/file.zip")
    assert sword3.send("POST", anobject, In_Progress="false").status_code == 204
    assert Deposit.objects.get().status == "partial"
    fetch_due()
    assert Deposit.objects.get().status == "deposited"


@pytest.mark.parametrize(
    ("path", "fields", "words"),
    [
        ("/nothing", {}, "answers 404"),
        ("/file.zip", {"data": b"other"}, "SHA-256"),
        ("/file.zip", {"contentLength": 5}, "not the announced 5"),
        ("/out", {}, "Nothing is fetched from localhost"),
        ("/round", {}, "More than 5 redirects"),
        ("/packed", {}, "answers 200"),
    ],
)
def test_what_cannot_be_fetched_is_told_with_its_reason(
    sword3: Sword3, anobject: str, elsewhere: Any, path: str, fields: dict[str, Any], words: str
) -> None:
    referred(sword3, anobject, elsewhere.url + path, **fields)
    fetch_due()
    told = link(sword3, anobject)
    assert told["status"] == FILE_STATE + "error"
    assert words in told["log"]
    assert error(sword3.send("POST", anobject, In_Progress="false")) == (400, "BadRequest")
    assert sword3.send("DELETE", told["@id"]).status_code == 204
    assert not Fetch.objects.exists()


@pytest.mark.parametrize("path", ["/cut", "/busy"])
def test_what_fails_on_the_way_is_tried_again_later(
    sword3: Sword3, anobject: str, elsewhere: Any, path: str, settings: Any
) -> None:
    referred(sword3, anobject, elsewhere.url + path)
    fetch_due()
    fetch = Fetch.objects.get()
    item = WorkItem.objects.get()
    assert (fetch.state, item.attempts, item.lease_expires_at) == ("pending", 1, None)
    assert not fetch_next()
    Fetch.objects.update(url=elsewhere.url + "/file.zip")
    pass_wait()
    fetch_due()
    assert Fetch.objects.get().state == "fetched"
    assert path_of(Part.objects.get(kind="package").stored_as or "").read_bytes() == ZIP


def test_whoever_lost_the_lease_changes_nothing(
    sword3: Sword3, anobject: str, elsewhere: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While it hangs another takes over and finishes."""
    referred(sword3, anobject, elsewhere.url + "/file.zip")
    real = download.download

    def slow(*args: Any, **kwargs: Any) -> Any:
        yield from real(*args, **kwargs)
        monkeypatch.setattr(download, "download", real)
        WorkItem.objects.update(lease_expires_at=Now() - timedelta(seconds=1))
        assert release_passed_leases() == 1
        assert Fetch.objects.get().state == "pending"
        assert fetch_next()

    monkeypatch.setattr(download, "download", slow)
    assert fetch_next()
    assert Fetch.objects.get().state == "fetched"
    assert Event.objects.filter(name="fetch").count() == 1
    assert not WorkItem.objects.exists()


def test_a_file_that_was_removed_meanwhile_is_thrown_away(
    sword3: Sword3, anobject: str, elsewhere: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    referred(sword3, anobject, elsewhere.url + "/file.zip")
    real = download.download

    def removing(*args: Any, **kwargs: Any) -> Any:
        yield from real(*args, **kwargs)
        assert sword3.send("DELETE", anobject + "files/").status_code == 204

    monkeypatch.setattr(download, "download", removing)
    before = {path for path in path_of("packages").rglob("*") if path.is_file()}
    fetch_due()
    assert {path for path in path_of("packages").rglob("*") if path.is_file()} == before
    assert not Part.objects.exclude(kind="metadata").exists()


def test_fetching_takes_no_longer_than_allowed(
    sword3: Sword3, anobject: str, elsewhere: Any, settings: Any
) -> None:
    settings.BY_REFERENCE_SECONDS = -1
    referred(sword3, anobject, elsewhere.url + "/file.zip")
    fetch_due()
    assert "was not here" in link(sword3, anobject)["log"]


# --- Room for what is to be fetched ---------------------------------------------------------------------
def test_a_file_elsewhere_that_the_quota_has_no_room_for_is_not_ordered(
    sword3: Sword3, anobject: str, elsewhere: Any
) -> None:
    used = sum(Part.objects.values_list("size", flat=True))
    Client.objects.update(quota_bytes=used + len(ZIP))
    url = elsewhere.url + "/file.zip"
    refused = referred(sword3, anobject, url, contentLength=10**6)
    assert error(refused) == (403, "Forbidden")
    assert not Fetch.objects.exists()
    assert referred(sword3, anobject, url, contentLength=len(ZIP)).status_code == 202
    assert referred(sword3, anobject, url, contentLength=len(ZIP)).status_code == 403
    assert Fetch.objects.count() == 1


def test_a_file_of_a_size_that_nobody_tells_stops_where_the_quota_ends(
    sword3: Sword3, anobject: str, elsewhere: Any
) -> None:
    used = sum(Part.objects.values_list("size", flat=True))
    Client.objects.update(quota_bytes=used + len(ZIP) - 1)
    before = {path for path in path_of(".").rglob("*") if path.is_file()}
    assert referred(sword3, anobject, elsewhere.url + "/file.zip").status_code == 202
    fetch_due()
    assert f"max {len(ZIP) - 1} bytes" in link(sword3, anobject)["log"]
    Client.objects.update(quota_bytes=used)
    referred(sword3, anobject, elsewhere.url + "/file.zip")
    asked = len(elsewhere.asked)
    fetch_due()
    assert sword3.document(anobject)["links"][1]["log"].startswith("The client's quota is used up.")
    assert len(elsewhere.asked) == asked
    assert {path for path in path_of(".").rglob("*") if path.is_file()} == before


def test_a_disk_that_is_full_for_a_while_delays_a_fetch_and_refuses_new_ones(
    sword3: Sword3, anobject: str, elsewhere: Any, settings: Any
) -> None:
    settings.RESERVED_BYTES = 0
    assert referred(sword3, anobject, elsewhere.url + "/file.zip").status_code == 202
    settings.RESERVED_BYTES = 10**18
    assert referred(sword3, anobject, elsewhere.url + "/file.zip").status_code == 507
    fetch_due()
    fetch = Fetch.objects.get()
    assert (fetch.state, WorkItem.objects.get().attempts, elsewhere.asked) == ("pending", 0, [])
    assert "no room" in fetch.log
    settings.RESERVED_BYTES = 0
    pass_wait()
    fetch_due()
    assert Fetch.objects.get().state == "fetched"


def test_a_file_elsewhere_waits_for_a_queue_that_is_full(
    sword3: Sword3, anobject: str, elsewhere: Any, settings: Any
) -> None:
    settings.WAITING = 0
    assert referred(sword3, anobject, elsewhere.url + "/file.zip").status_code == 503
    assert not Fetch.objects.exists()


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",  # noqa: S104
        "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "ff02::1",
        "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:7f00:1::", "2001:db8::1",
        "::127.0.0.1", "::ffff:0:127.0.0.1", "64:ff9b:1::a00:1", "2001:0:4136:e378:8000:63bf:3fff:fdd2",
        "fec0::1", "100::1", "5f00::1", "198.18.0.1", "240.0.0.1", "192.0.0.8", "203.0.113.1", "0.1.2.3",
    ],
)  # fmt: skip
def test_addresses_inside_a_network_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["93.184.216.34", "8.8.8.8", "2606:2800:220:1::1"])
def test_addresses_of_the_internet_are_public(address: str) -> None:
    assert is_public(address)


def test_a_listed_host_at_a_private_address_is_not_asked(
    sword3: Sword3, anobject: str, elsewhere: Any, settings: Any
) -> None:
    settings.BY_REFERENCE_PRIVATE = False
    referred(sword3, anobject, elsewhere.url + "/file.zip")
    fetch_due()
    assert "not on the public Internet" in link(sword3, anobject)["log"]
    assert elsewhere.asked == []


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/file.zip",
        "https://127.0.0.1:1/",
        "ftp://data.example.org/",
        "file:///etc/passwd",
        "https://user:secret@data.example.org/",
        "https://data.example.org.evil.example/",
        "https://data.example.org:8443/",
        "https://data.example.org:x/",
        "data.example.org",
        "//data.example.org/",
    ],
)
def test_only_listed_hosts_are_taken_and_only_plainly_written(
    sword3: Sword3, anobject: str, settings: Any, url: str
) -> None:
    settings.BY_REFERENCE_HOSTS = ["data.example.org"]
    assert error(referred(sword3, anobject, url)) == (412, "ByReferenceNotAllowed")
    assert referred(sword3, anobject, "https://DATA.example.org/x").status_code == 202


# --- Side by side ---------------------------------------------------------------------------------------
def claims(worker: str) -> list[str]:
    """The fetches that a worker that takes all that is due gets."""
    due = WorkItem.objects.filter(kind="fetch", due_at__lte=Now(), lease_expires_at__isnull=True)
    keys = list(due.order_by("id").values_list("key", flat=True))
    return [key for key in keys if items.claim("fetch", key, worker=worker) is not None]


def test_files_come_side_by_side_and_few_from_one_host(sword3: Sword3, anobject: str, settings: Any) -> None:
    settings.BY_REFERENCE_HOSTS = ["one.example.org", "two.example.org"]
    settings.BY_REFERENCE_PER_HOST = 2
    for host in ("one", "one", "one", "two"):
        referred(sword3, anobject, f"https://{host}.example.org/x")
    numbers = [str(number) for number in Fetch.objects.order_by("id").values_list("pk", flat=True)]
    assert claims("worker") == [numbers[0], numbers[1], numbers[3]]
    assert claims("another") == []
    assert list(Fetch.objects.order_by("id").values_list("state", flat=True)) == [
        "downloading",
        "downloading",
        "pending",
        "downloading",
    ]


def test_a_fetch_that_ends_lets_the_next_from_its_host_begin(
    sword3: Sword3, anobject: str, elsewhere: Any, settings: Any
) -> None:
    settings.BY_REFERENCE_PER_HOST = 1
    for _ in range(2):
        referred(sword3, anobject, elsewhere.url + "/file.zip")
    first, second = WorkItem.objects.order_by("id")
    held = items.claim("fetch", first.key, worker="slow")
    assert held is not None
    assert items.claim("fetch", second.key, worker="quick") is None
    assert items.claim("fetch", second.key, worker="quick") is None  # it waits, even if asked again
    assert items.give_back(held, reason="", after_seconds=0, counts=False)
    fetches.fetch(int(first.key), worker="slow")
    assert list(Fetch.objects.order_by("id").values_list("state", flat=True)) == ["fetched", "pending"]
    assert fetch_next()
    assert not WorkItem.objects.exists()


def test_a_fetch_whose_workers_die_is_given_up_with_the_reason(
    sword3: Sword3, anobject: str, elsewhere: Any
) -> None:
    referred(sword3, anobject, elsewhere.url + "/file.zip")
    WorkItem.objects.update(attempts=fetches.POLICY.most_attempts)
    round_of_work(lambda kind, key: None)
    assert link(sword3, anobject)["log"].endswith("Its workers died without a word.")
    assert not WorkItem.objects.exists()


def test_what_the_version_before_ordered_is_asked_for(sword3: Sword3, anobject: str, elsewhere: Any) -> None:
    for _ in range(3):
        referred(sword3, anobject, elsewhere.url + "/file.zip")
    fetching, *others = WorkItem.objects.order_by("id").values_list("key", flat=True)
    WorkItem.objects.all().delete()
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE deposit_fetch SET lease_expires_at = now() + interval '1 minute' WHERE id = %s",
            [fetching],
        )
    assert fetches.heal() == 2
    asked = WorkItem.objects.order_by("id")
    assert [(item.key, item.arguments) for item in asked] == [
        (key, {"host": elsewhere.url.removeprefix("http://")}) for key in others
    ]
    assert fetches.heal() == 0
