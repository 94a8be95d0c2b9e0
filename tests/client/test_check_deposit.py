"""``manage.py check_deposit`` in front of a whole service, well and broken."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.client.conftest import REPOSITORY, Outcome, Server
from tests.support.archivematica import KEY, STORAGE_KEY, STORAGE_USER, USER, Archivematica
from tests.support.archivematica_state import AT_ONCE, FAILED, Script


def environment_of(server: Server) -> dict[str, str]:
    """That of a command for the server's operator."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("DATABASE_", "SECRET_"))}
    return {
        **own,
        "DATA_DIR": str(server.data),
        "DEPOSIT_ENV_FILE": str(server.data / "deposit.env"),
        "DJANGO_SETTINGS_MODULE": "settings.embedded",
    }


def check(server: Server, *words: str, password: str | None = None) -> Outcome:
    """Run the plugin as the server's operator would, with the demo client as its account."""
    done = subprocess.run(
        [sys.executable, "manage.py", "check_deposit", "--url", f"{server.base_url}/", *words],
        cwd=REPOSITORY,
        env={
            **environment_of(server),
            "DEPOSIT_CHECK_USER": server.username,
            "DEPOSIT_CHECK_PASSWORD": password or server.password,
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


def processes(server: Server, word: str) -> list[int]:
    """The processes of that server with a word in their command line."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            belongs = f"DATA_DIR={server.data}".encode() in (folder / "environ").read_bytes().split(b"\0")
            command = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if belongs and word.encode() in command:
            found.append(int(folder.name))
    return found


@contextmanager
def frozen(pids: list[int]) -> Iterator[None]:
    """Processes that do nothing for a while."""
    assert pids
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def test_check_of_a_healthy_service_is_green_and_measures_the_round_trip(server: Server) -> None:
    found = check(server)
    assert (found.code, found.out.partition(" - ")[0]) == (0, "DEPOSIT OK"), found
    assert "'round_trip'=" in found.out
    assert found.out.count("\n") == 1


def test_check_is_red_within_its_time_when_the_loader_stands_still(server: Server) -> None:
    with frozen(processes(server, "loader")):
        found = check(server, "--round-trip-seconds", "2", "4")
    assert found.code == 2
    assert "is a loader running?" in found.out


def test_check_is_red_when_the_password_is_wrong(server: Server) -> None:
    found = check(server, password="wrong")
    assert found.code == 2
    assert "the test deposit failed" in found.out


def test_check_is_red_when_a_disk_is_too_full(server: Server) -> None:
    found = check(server, "--free-percent", "100", "100", "--username", "")
    assert found.code == 2
    assert "The disk of the staging area has only" in found.out


@contextmanager
def damaged(pack: Path) -> Iterator[None]:
    """A pack with one bit the other way round, in its middle."""
    whole = pack.read_bytes()
    mode = pack.stat().st_mode
    pack.chmod(0o600)
    middle = len(whole) // 2
    pack.write_bytes(whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :])
    try:
        yield
    finally:
        pack.write_bytes(whole)
        pack.chmod(mode)


def audit(server: Server) -> int:
    """Read all packs again, as the scheduler does; the command's exit code."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("DATABASE_", "SECRET_"))
    }
    return subprocess.run(
        [sys.executable, "manage.py", "archive", "audit", "--all"],
        cwd=REPOSITORY,
        env={
            **environment,
            "DATA_DIR": str(server.data),
            "DEPOSIT_ENV_FILE": str(server.data / "deposit.env"),
        },
        capture_output=True,
        check=False,
        timeout=120,
    ).returncode


def test_check_is_red_when_the_archive_is_damaged(server: Server) -> None:
    assert check(server).code == 0
    packs = sorted(
        path for path in (server.data / "archive").rglob("*") if path.is_file() and path.stat().st_size > 2000
    )
    with damaged(packs[0]):
        assert audit(server) != 0
        found = check(server, "--username", "")
    assert found.code == 2
    assert "pack of the archive is damaged" in found.out
    # Put right and read again, it is as it was.
    assert (audit(server), check(server, "--username", "").code) == (0, 0)


def test_check_that_cannot_check_is_unknown(server: Server) -> None:
    found = check(server, "--password-file", "/nowhere")
    assert (found.code, found.out.partition(" - ")[0]) == (3, "DEPOSIT UNKNOWN")


def admin(server: Server, *words: str, given: str = "") -> None:
    """A command of the server's operator, which has to work."""
    done = subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=REPOSITORY,
        env=environment_of(server),
        input=given,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_destination_is_tried_by_a_collection_of_its_own(server: Server) -> None:
    for destination in ("export", "archive,export"):
        name = "each-" + destination.replace(",", "-")
        admin(server, "collection", "create", "--name", name, "--destination", destination)
        admin(server, "user", "grant", "--username", server.username, "--collection", name)
    exported = len(list((server.data / "export").rglob("*.json")))
    found = check(server, "--collection", "each-export", "--collection", "each-archive-export")
    assert found.code == 0, found
    assert "'round_trip_each-export'=" in found.out
    assert "'round_trip_each-archive-export'=" in found.out
    assert len(list((server.data / "export").rglob("*.json"))) > exported


@pytest.fixture
def pipeline(server: Server, tmp_path: Path) -> Iterator[Archivematica]:
    """A pipeline to which the collection ``check-archivematica`` leads."""
    (tmp_path / "dashboard").write_text(KEY)
    (tmp_path / "storage").write_text(STORAGE_KEY)
    source = tmp_path / "source"
    source.mkdir()
    with Archivematica(source) as double:
        words = ["--url", double.url, "--user", USER, "--key-ref", f"file:{tmp_path}/dashboard"]
        words += ["--storage-service-url", double.storage_url, "--storage-service-user", STORAGE_USER]
        words += ["--storage-service-key-ref", f"file:{tmp_path}/storage", "--transfer-source", str(source)]
        words += ["--location", double.location, "--processing-config", "automated", "--poll-seconds", "1"]
        admin(server, "pipeline", "add", "checked", *words)
        to_it = ["--destination", "archivematica", "--pipeline", "checked"]
        admin(server, "collection", "create", "--name", "check-archivematica", *to_it)
        admin(server, "user", "grant", "--username", server.username, "--collection", "check-archivematica")
        try:
            yield double
        finally:
            admin(server, "pipeline", "pause", "checked")


def test_a_pipeline_of_archivematica_is_tried_from_end_to_end(
    server: Server, pipeline: Archivematica
) -> None:
    found = check(server, "--collection", "check-archivematica", "--round-trip-seconds", "60", "90")
    assert found.code == 0, found
    assert "'round_trip'=" in found.out
    (transfer,) = pipeline.transfers
    assert transfer.fault == ""
    # What goes wrong over there is told, too.
    pipeline.script(".", Script(transfer=(FAILED,)))
    found = check(server, "--collection", "check-archivematica", "--round-trip-seconds", "60", "90")
    assert found.code == 2
    assert "delivery to archivematica is failed" in found.out
    pipeline.script(".", AT_ONCE)
    (number,) = re.findall(r"test deposit (\d+) is failed", found.out)
    admin(server, "deposit", "reschedule", "--deposit-id", number)
    assert becomes_green(server)


def becomes_green(server: Server) -> bool:
    """Whether the service is well again within a minute."""
    deadline = time.monotonic() + 60
    while (found := check(server)).code and time.monotonic() < deadline:
        time.sleep(0.5)
    return found.code == 0


def test_a_destination_that_does_not_take_it_is_named(server: Server) -> None:
    admin(server, "collection", "create", "--name", "nowhere", "--destination", "archive,deposit_forward")
    admin(server, "user", "grant", "--username", server.username, "--collection", "nowhere")
    found = check(server, "--collection", "nowhere", "--round-trip-seconds", "2", "15")
    assert found.code == 2
    assert "delivery to deposit_forward is failed" in found.out
    # As its operator would, and so that the server is well for the tests that follow.
    admin(server, "collection", "change", "--name", "nowhere", "--destination", "archive")
    (number,) = re.findall(r"test deposit (\d+) is failed", found.out)
    admin(server, "deposit", "reschedule", "--deposit-id", number)
    assert becomes_green(server)
