"""Submission over SFTP, to OpenSSH's server and to another, cut off in the middle and run again."""

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from loader.destinations.preservation_service.reports import (
    complaints,
    fetch_reports,
    remove_rejected,
    verdicts,
)
from loader.destinations.preservation_service.transfer import NotSetUp, service, submit
from loader.sftp import Sftp, SftpRefused
from tests.support.openssh import OpenSsh
from tests.support.preservation_service import Ingester
from tests.support.sftp_server import USER, SftpServer


@pytest.fixture(params=["openssh", "asyncssh"])
def root(request: pytest.FixtureRequest, tmp_path: Path, settings: Settings) -> Iterator[Path]:
    """The folder that one logs in to; the settings name its server."""
    root = tmp_path / "service"
    for folder in ("home/transfer", "accepted", "rejected"):
        (root / folder).mkdir(parents=True)
    server: OpenSsh | SftpServer
    if request.param == "openssh":
        server = OpenSsh(root, tmp_path / "keys")
        user = server.user
    else:
        server = SftpServer(root, tmp_path / "keys")
        user = USER
    with server:
        settings.DPRES_SFTP_HOST, settings.DPRES_SFTP_PORT = "127.0.0.1", server.port
        settings.DPRES_SFTP_USERNAME, settings.DPRES_SFTP_KEY = user, str(server.key_file)
        settings.DPRES_SFTP_KNOWN_HOSTS, settings.DPRES_SFTP_HOME = str(server.known_hosts), "home"
        yield root


@pytest.fixture
def sip(tmp_path: Path) -> Path:
    path = tmp_path / "20200101_Object_1-x.tar"
    path.write_bytes(os.urandom(3_000_000))
    return path


class Cut(Exception):
    """The connection is gone."""


def cut_after(calls: int) -> Callable[[], None]:
    def alive() -> None:
        nonlocal calls
        calls -= 1
        if not calls:
            raise Cut

    return alive


def send(sftp: Sftp, sip: Path, notes: list[str], **options: object) -> bool:
    return submit(
        sftp,
        sip,
        "home",
        was_renaming=bool(notes),
        before_renaming=lambda: notes.append("renaming"),
        **options,  # type: ignore[arg-type]
    )


def test_a_sip_goes_up_once_and_in_pieces(root: Path, sip: Path) -> None:
    notes: list[str] = []
    unfinished = root / "home/transfer" / f"{sip.name}.incomplete"
    with service() as sftp, pytest.raises(Cut):
        send(sftp, sip, notes, alive=cut_after(6))
    sent = unfinished.stat().st_size
    assert 0 < sent < 3_000_000
    with service() as sftp:
        pieces = 0

        def count() -> None:
            nonlocal pieces
            pieces += 1

        assert send(sftp, sip, notes, alive=count) is True
        assert pieces * 256 * 1024 < 3_000_000
        assert send(sftp, sip, notes) is False
    assert (root / "home/transfer" / sip.name).read_bytes() == sip.read_bytes()
    assert not unfinished.exists()


def test_a_sip_that_the_service_has_taken_is_not_sent_again(root: Path, sip: Path) -> None:
    notes: list[str] = []
    with service() as sftp:
        assert send(sftp, sip, notes) is True
        (root / "home/transfer" / sip.name).unlink()
        assert send(sftp, sip, notes) is False
    assert list((root / "home/transfer").iterdir()) == []


def test_a_sip_that_was_built_anew_begins_anew(root: Path, sip: Path) -> None:
    notes: list[str] = []
    with service() as sftp, pytest.raises(Cut):
        send(sftp, sip, notes, alive=cut_after(6))
    sip.write_bytes(os.urandom(3_000_000))
    with service() as sftp:
        assert send(sftp, sip, notes) is True
    assert (root / "home/transfer" / sip.name).read_bytes() == sip.read_bytes()


def test_a_server_with_another_key_is_refused(
    root: Path, sip: Path, settings: Settings, tmp_path: Path
) -> None:
    unknown = tmp_path / "unknown"
    unknown.write_text("")
    settings.DPRES_SFTP_KNOWN_HOSTS = str(unknown)
    with pytest.raises(SftpRefused), service():
        pass
    settings.DPRES_SFTP_KEY = ""
    with pytest.raises(NotSetUp, match="DPRES_SFTP_KEY"), service():
        pass


def report(root: Path, status: str, day: datetime, sip: str, transfer: str, changed: float) -> None:
    folder = root / status / day.strftime("%Y-%m-%d") / sip
    folder.mkdir(parents=True, exist_ok=True)
    for ending in ("xml", "html"):
        path = folder / f"{transfer}-ingest-report.{ending}"
        path.write_text(transfer)
        os.utime(path, (changed, changed))


def test_the_newest_verdict_on_each_sip_is_found(root: Path, tmp_path: Path) -> None:
    today = datetime.now(UTC)
    report(root, "accepted", today, "a.tar", "old", 1_000)
    report(root, "rejected", today - timedelta(days=30), "a.tar", "new", 2_000)
    report(root, "accepted", today - timedelta(days=31), "b.tar", "too-old", 1_000)
    report(root, "accepted", today, "known.tar", "x", 1_000)
    (root / "rejected" / "no-day").mkdir()
    (root / "rejected" / (today - timedelta(days=30)).strftime("%Y-%m-%d") / "a.tar" / "a.tar" / "sub").mkdir(
        parents=True
    )
    with service() as sftp:
        (verdict,) = verdicts(sftp, 31, {"known.tar"})
        assert (verdict.sip, verdict.status, verdict.transfer) == ("a.tar", "rejected", "new")
        fetch_reports(sftp, verdict, tmp_path / "logs")
        remove_rejected(sftp, verdict)
        remove_rejected(sftp, verdict)
    assert (tmp_path / "logs" / "ingest-report.xml").read_text() == "new"
    assert (tmp_path / "logs" / "ingest-report.html").read_text() == "new"
    assert sorted(path.name for path in root.glob("rejected/*/a.tar/*")) == [
        "new-ingest-report.html",
        "new-ingest-report.xml",
    ]


def test_a_report_tells_what_went_wrong(tmp_path: Path) -> None:
    ingester = Ingester(tmp_path / "service", tmp_path / "no certificate")
    (tmp_path / "service/transfer/a.tar").write_bytes(b"no archive")
    (done,) = ingester.process()
    path = tmp_path / "report.xml"
    path.write_bytes(done.xml)
    (complaint,) = complaints(path)
    assert complaint.startswith("validation: The package cannot be read")
    path.write_text("no XML")
    assert complaints(path) == []
