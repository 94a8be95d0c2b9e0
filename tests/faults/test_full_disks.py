"""Disks that are full for a while, real ones of a few megabytes: the client is told, and nothing is lost or left."""

import contextlib
import os
import random
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.brokers import Folder
from tests.faults.depositing import deposit_id, form, post
from tests.faults.service import Service
from tests.support.samples import make_tar

pytestmark = [
    pytest.mark.timeout(240),
    pytest.mark.skipif("TEST_FAULTS" not in os.environ, reason="takes a minute: set TEST_FAULTS=1"),
    pytest.mark.skipif(os.geteuid() != 0, reason="a disk of a given size can be mounted by root alone"),
]


@contextlib.contextmanager
def disk(folder: Path, mebibytes: int) -> Iterator[Path]:
    """For the block, a file system of so many MiB at ``folder``."""
    folder.mkdir(exist_ok=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m,mode=755", "tmpfs", folder],
        check=False,
        capture_output=True,
    )
    if mounted.returncode:
        pytest.skip("tmpfs cannot be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


@pytest.fixture
def folder() -> Iterator[Path]:
    """Not below pytest's own folder, which the database's account may not enter."""
    found = Path(tempfile.mkdtemp(prefix="full-"))
    found.chmod(0o711)
    yield found
    shutil.rmtree(found, ignore_errors=True)


def running(folder: Path) -> Service:
    """A service that keeps no room in reserve, so that the disks do become full."""
    return Service(folder, Folder(folder), RESERVED_BYTES="0")


def package(number: int, size: int) -> bytes:
    """A form with a package of so many bytes that cannot be compressed."""
    content = random.Random(number).randbytes(size)
    return form(number, make_tar({f"p-{number}/data": content}, "w"), "application/x-tar")


def settled(service: Service) -> dict[int, str]:
    statuses = service.settle(90)
    assert service.doctor() == []
    return statuses


def test_a_full_staging_area_is_told_and_leaves_nothing(folder: Path) -> None:
    with running(folder) as service, disk(folder / "staging", 2) as staging:
        status, answer = post(service.port, package(1, 4_000_000))
        left = [path for path in staging.rglob("*") if path.is_file()]
        assert (status, left) == (507, [])
        assert b"no room" in answer
        status, answer = post(service.port, package(2, 1000))
        assert status == 201
        assert settled(service) == {deposit_id(answer): "done"}


def test_a_load_waits_while_there_is_no_room_for_its_pack(folder: Path) -> None:
    with running(folder) as service:
        with disk(folder / "archive", 2):
            status, answer = post(service.port, package(1, 4_000_000))
            assert status == 201
            number = deposit_id(answer)
            given_back = "SELECT count(*) FROM deposit_event WHERE deposit_id = %s AND name = 'give-back'"
            deadline = time.monotonic() + 60
            while service.query(given_back, number) == [(0,)]:
                assert time.monotonic() < deadline
                time.sleep(0.1)
        assert settled(service) == {number: "done"}
        assert service.query("SELECT max((detail->>'attempt')::int) FROM deposit_event") == [(1,)]


def test_a_database_without_room_takes_nothing_in_and_loses_nothing(folder: Path) -> None:
    with disk(folder / "state", 320) as state, running(folder) as service:
        accepted = [_accepted(service, 1)]
        ballast = state / "ballast"
        with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(65536))
        for number in range(2, 1000):
            status, answer = post(service.port, package(number, 1000))
            if status != 201:
                break
            accepted.append(deposit_id(answer))
        ballast.unlink()
        assert status in (503, 507), answer
        _revive(service)
        statuses = settled(service)
        assert {number: statuses.get(number) for number in accepted} == dict.fromkeys(accepted, "done")


def _revive(service: Service) -> None:
    """What a service manager does; then wait until deposits are taken in again."""
    deadline = time.monotonic() + 60
    status = 0
    while status != 201:
        assert time.monotonic() < deadline, status
        time.sleep(0.5)
        if not service.postgres.is_alive():
            service.postgres.start()
        status, _ = post(service.port, package(0, 1000))


def _accepted(service: Service, number: int) -> int:
    status, answer = post(service.port, package(number, 1000))
    assert status == 201
    return deposit_id(answer)
