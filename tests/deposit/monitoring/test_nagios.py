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
from django.db.models.functions import Now

from deposit.models import Pulse
from deposit.monitoring import heartbeats
from deposit.monitoring.nagios import (
    Judgement,
    Limits,
    State,
    judge_certificate,
    judge_figures,
    judge_workers,
    report,
)
from deposit.monitoring.snapshot import Figures, Space, Waiting

WELL = Figures(
    failed=0,
    waiting={"deposited": Waiting(), "verified": Waiting(), "loading": Waiting()},
    has_dispatcher=True,
    archive_bytes=10,
    packs=1,
    damaged_packs=0,
    fixity_checks=1,
    fixity_age=60.0,
    space={"staging": Space(free=50, total=100), "archive": Space(free=50, total=100)},
)

# The performance data of the plugin guidelines: 'label'=value[unit];warning;critical;minimum
DATA = re.compile(r"'[a-z_]+'=-?[0-9.e+-]+(s|%|B|c)?;[0-9.]*;[0-9.]*;0")


@pytest.mark.parametrize(
    ("figures", "state", "words"),
    [
        (WELL, State.OK, "all is well"),
        (replace(WELL, has_dispatcher=False), State.CRITICAL, "no dispatcher"),
        (replace(WELL, damaged_packs=1), State.CRITICAL, "1 packs are damaged"),
        (
            replace(WELL, waiting={"deposited": Waiting(number=2, oldest=700)}),
            State.WARNING,
            "oldest for 700 s",
        ),
        (replace(WELL, waiting={"verified": Waiting(number=2, oldest=1800)}), State.CRITICAL, "2 verified"),
        (replace(WELL, space={"staging": Space(free=4, total=100)}), State.CRITICAL, "4.0 % of the disk"),
        (replace(WELL, space={"archive": Space(free=0, total=0)}), State.CRITICAL, "0.0 % of the disk"),
        (replace(WELL, fixity_age=50 * 86400), State.WARNING, "50 days ago"),
    ],
)
def test_figures_are_judged(figures: Figures, state: State, words: str) -> None:
    found, line = report(judge_figures(figures, Limits()), "all is well")
    assert found is state
    assert words in line
    assert line.startswith(f"DEPOSIT {state.name} - ")


def silence(name: str, seconds: float) -> None:
    """As if nothing had been heard of a worker for a while."""
    Pulse.objects.filter(name=name).update(beat_at=Now() - timedelta(seconds=seconds))


@pytest.mark.django_db
def test_a_queue_that_no_living_worker_reads_is_red() -> None:
    queues = ["check", "load", "housekeeping"]
    assert [one.state for one in judge_workers(heartbeats.workers(), queues)] == [State.CRITICAL] * 3
    heartbeats.beat("checker@here", "check,housekeeping", begins=True)
    heartbeats.beat("loader@here", "load", begins=True)
    found, line = report(judge_workers(heartbeats.workers(), queues), "all is well")
    assert (found, line.partition(" | ")[0]) == (State.OK, "DEPOSIT OK - all is well")
    assert "'workers_load'=1;;;0" in line
    silence("loader@here", heartbeats.SILENT_SECONDS + 1)
    found, line = report(judge_workers(heartbeats.workers(), queues), "all is well")
    assert found is State.CRITICAL
    assert "no worker takes work from the queue load: start deposit-worker@load |" in line
    heartbeats.beat("loader@there", "load", begins=True)
    assert report(judge_workers(heartbeats.workers(), queues), "")[0] is State.OK


@pytest.mark.django_db
def test_a_scheduler_that_fell_silent_is_red() -> None:
    heartbeats.beat(heartbeats.SCHEDULER, "schedule", begins=True)
    assert report(judge_workers(heartbeats.workers(), []), "")[0] is State.OK
    silence(heartbeats.SCHEDULER, heartbeats.SCHEDULER_SILENT_SECONDS + 1)
    found, line = report(judge_workers(heartbeats.workers(), []), "")
    assert found is State.CRITICAL
    assert "start deposit-scheduler" in line


def test_performance_data_can_be_parsed() -> None:
    line = report(judge_figures(WELL, Limits()), "all is well")[1]
    data = line.partition(" | ")[2].split(" ")
    assert len(data) == 8
    assert [each for each in data if not DATA.fullmatch(each)] == []


def test_line_stays_one_line_and_its_text_ends_where_it_should() -> None:
    line = report([Judgement(state=State.CRITICAL, words="bad | news\nand more")], "")[1]
    assert line == "DEPOSIT CRITICAL - bad / news and more"


def test_worst_state_wins_and_comes_first() -> None:
    judgements = [Judgement(state=state, words=state.name) for state in State]
    assert report(judgements, "") == (State.CRITICAL, "DEPOSIT CRITICAL - CRITICAL; WARNING; UNKNOWN")


def test_plain_http_has_no_certificate_and_dead_tls_is_critical() -> None:
    assert judge_certificate("http://127.0.0.1/", Limits()) is None
    judged = judge_certificate("https://127.0.0.1:1/", Limits())
    assert judged is not None
    assert judged.state is State.CRITICAL


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
        judged = judge_certificate(f"https://localhost:{port}/1/", Limits())
    assert judged is not None
    assert judged.state is state
    assert words in judged.words
