"""The Nagios plugin: its judgements, its line, and a whole service that breaks in front of it."""

import contextlib
import re
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from deposit.monitoring.heartbeats import SCHEDULER, Worker
from deposit.monitoring.nagios import (
    CheckResult,
    Limits,
    State,
    check_certificate,
    check_snapshot,
    report,
)
from deposit.monitoring.snapshot import OpenWork, Snapshot, Space, Waiting
from deposit.monitoring.thresholds import Thresholds

LIMITS = Thresholds(waiting_seconds=(600, 1800), free_percent=(10, 5), fixity_days=(112.5, 180))


def worker(name: str, queues: str) -> Worker:
    """One that is alive."""
    now = datetime.now(UTC)
    return Worker(name=name, queues=queues.split(","), began_at=now, beat_at=now, is_alive=True)


WELL = Snapshot(
    failed=0,
    waiting={"deposited": Waiting(), "verified": Waiting(), "loading": Waiting()},
    queues={},
    has_dispatcher=True,
    archive_bytes=10,
    packs=1,
    damaged_packs=0,
    fixity_checks=1,
    fixity_age=60.0,
    unread=60.0,
    space={"staging": Space(free=50, total=100), "archive": Space(free=50, total=100)},
    workers=[
        worker("worker@here", "check,load,housekeeping,notices"),
        worker(SCHEDULER, "schedule"),
        worker("watch@here", "watch"),
    ],
    processes=["watch"],
    installed_for=1e6,
)

pytestmark = pytest.mark.django_db

# The performance data of the plugin guidelines: 'label'=value[unit];warning;critical;minimum
DATA = re.compile(r"'[a-z_]+'=-?[0-9.e+-]+(s|%|B|c)?;[0-9.]*;[0-9.]*;0")


@pytest.mark.parametrize(
    ("snapshot", "state", "words"),
    [
        (WELL, State.OK, "all is well"),
        (replace(WELL, has_dispatcher=False), State.CRITICAL, "[dispatcher.away]"),
        (replace(WELL, damaged_packs=1), State.CRITICAL, "1 pack of the archive is damaged"),
        (replace(WELL, queues={"check": OpenWork(number=2, idle=700)}), State.WARNING, "[checker.slow]"),
        (replace(WELL, queues={"load": OpenWork(number=2, idle=1800)}), State.CRITICAL, "for 30 minutes"),
        (replace(WELL, queues={"load": OpenWork(number=2, leased=2)}), State.OK, "all is well"),
        (replace(WELL, space={"staging": Space(free=8, total=100)}), State.WARNING, "(8.0 %) left"),
        (replace(WELL, space={"staging": Space(free=4, total=100)}), State.CRITICAL, "[disk.low]"),
        (
            replace(WELL, space={"staging": Space(free=9, total=10, is_full=True)}),
            State.CRITICAL,
            "[disk.full]",
        ),
        (replace(WELL, space={"archive": Space(free=0, total=0)}), State.CRITICAL, "[disk.away]"),
        (replace(WELL, fixity_age=89 * 86400, unread=89 * 86400), State.OK, "all is well"),
        (replace(WELL, fixity_age=60, unread=120 * 86400), State.WARNING, "120 days ago"),
        (replace(WELL, unread=181 * 86400), State.CRITICAL, "[archive.unaudited]"),
        (replace(WELL, failed=2), State.WARNING, "2 deposits have failed"),
    ],
)
def test_a_snapshot_is_judged_by_the_alerts(snapshot: Snapshot, state: State, words: str) -> None:
    found, line = report(check_snapshot(snapshot, LIMITS), "all is well")
    assert found is state
    assert words in line
    assert line.startswith(f"DEPOSIT {state.name} - ")


def test_performance_data_can_be_parsed() -> None:
    line = report(check_snapshot(WELL, LIMITS), "all is well")[1]
    data = line.partition(" | ")[2].split(" ")
    assert len(data) == 18
    assert [each for each in data if not DATA.fullmatch(each)] == []


def test_line_stays_one_line_and_its_text_ends_where_it_should() -> None:
    line = report([CheckResult(state=State.CRITICAL, words="bad | news\nand more")], "")[1]
    assert line == "DEPOSIT CRITICAL - bad / news and more"


def test_worst_state_wins_and_comes_first() -> None:
    results = [CheckResult(state=state, words=state.name) for state in State]
    assert report(results, "") == (State.CRITICAL, "DEPOSIT CRITICAL - CRITICAL; WARNING; UNKNOWN")


def test_plain_http_has_no_certificate_and_dead_tls_is_critical() -> None:
    assert check_certificate("http://127.0.0.1/", Limits()) is None
    result = check_certificate("https://127.0.0.1:1/", Limits())
    assert result is not None
    assert result.state is State.CRITICAL


def certificate(folder: Path, days: float) -> Path:
    """Key and certificate for localhost in one file, good for so many days."""
    key = ec.generate_private_key(ec.SECP256R1())
    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")]), datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=90))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "certificate.pem"
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file.write_bytes(secret + made.public_bytes(pem))
    return file


@contextmanager
def speaking_tls(file: Path) -> Iterator[int]:
    """The port of a server that shakes hands with this certificate, once."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)

    def shake_hands(listening: socket.socket) -> None:
        plain, _ = listening.accept()
        with plain, contextlib.suppress(OSError), context.wrap_socket(plain, server_side=True) as secure:
            secure.recv(1)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=shake_hands, args=(listening,))
        thread.start()
        yield listening.getsockname()[1]
        thread.join()


@pytest.mark.parametrize(
    ("days", "state", "words"),
    [
        (60.5, State.OK, "ends in 60 days"),
        (14.5, State.WARNING, "ends in 14 days"),
        (3.5, State.CRITICAL, "ends in 3 days"),
        (-1, State.CRITICAL, "certificate has expired"),
    ],
)
def test_a_certificate_is_told_before_it_ends(
    days: float, state: State, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = certificate(tmp_path, days)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    with speaking_tls(file) as port:
        result = check_certificate(f"https://localhost:{port}/1/", Limits())
    assert result is not None
    assert result.state is state
    assert words in result.words
