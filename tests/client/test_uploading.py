"""Segmented uploads: over lines that break, resumed by their address, deposited in the end."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from client.errors import RefusedError, UnavailableError, UsageError
from client.uploading import SegmentedUploader, _File
from tests.client.conftest import Server
from tests.client.test_broken_line import CuttingLine
from tests.support.samples import make_tar

METADATA = {"dc:title": "Large", "dc:creator": "Ada"}
SEGMENT = 64 * 1024

Opened = Callable[..., SegmentedUploader]


@pytest.fixture
def line(server: Server) -> Iterator[CuttingLine]:
    line = CuttingLine(server)
    yield line
    line.close()


@pytest.fixture
def package(tmp_path: Path) -> Path:
    path = tmp_path / "package.tar"
    path.write_bytes(make_tar({"pkg/data": os.urandom(10 * SEGMENT)}, "w"))
    return path


@pytest.fixture
def opened(server: Server) -> Iterator[Opened]:
    """Makes uploaders of the demo client at an address, and closes them."""
    made: list[SegmentedUploader] = []

    def uploader(root: str = server.root, *, parallel: int = 4, retries: int = 12) -> SegmentedUploader:
        made.append(
            SegmentedUploader(
                f"{root}/3/",
                username=server.username,
                password=server.password,
                parallel=parallel,
                segment_size=SEGMENT,
                retries=retries,
                first_wait=0.01,
            )
        )
        return made[-1]

    yield uploader
    for each in made:
        each.close()


def settled(server: Server, url: str) -> str:
    """The status of an object in the end."""
    for _ in range(600):
        state = httpx.get(url, auth=(server.username, server.password)).json()["state"][1]["description"]
        if state not in ("partial", "deposited", "verified", "loading"):
            return str(state)
        time.sleep(0.1)
    raise AssertionError(state)


def test_a_file_arrives_over_a_line_that_breaks_and_is_archived(
    server: Server, line: CuttingLine, package: Path, opened: Opened
) -> None:
    line.cuts, line.cut_requests_after = 5, SEGMENT // 2
    heard: list[tuple[int, int]] = []
    sender = opened(line.url.removesuffix("/1"))
    url = sender.upload(package, progress=lambda received, of: heard.append((received, of)))
    count = -(-package.stat().st_size // SEGMENT)
    assert line.cuts == 0
    assert (heard[0], heard[-1]) == ((0, count), (count, count))
    service = f"{server.root}/3/service/{server.collection}/"
    made = opened().deposit(
        service, url, name="paquet été.tar", media_type="application/x-tar", metadata=METADATA
    )
    assert settled(server, made) == "done"


def test_an_upload_goes_on_where_it_stopped(package: Path, opened: Opened) -> None:
    stopped, file = opened(), _File.of(package)
    url = stopped._begin(file)
    assert [stopped._send(url, file, number) for number in (2, 5)] == [True, True]
    heard: list[int] = []
    again = opened()
    assert again.upload(package, resume=url, progress=lambda received, of: heard.append(received)) == url
    assert heard == [2, -(-file.size // SEGMENT)]


def test_a_line_on_which_nothing_gets_through_is_given_up(
    line: CuttingLine, package: Path, opened: Opened
) -> None:
    line.cuts, line.cut_requests_after = 10_000, SEGMENT // 2
    with pytest.raises(UnavailableError, match="nothing gets through"):
        opened(line.url.removesuffix("/1"), retries=1).upload(package)


def test_an_upload_that_is_gone_is_begun_anew(server: Server, package: Path, opened: Opened) -> None:
    sender = opened()
    gone = sender.upload(package)
    httpx.delete(gone, auth=(server.username, server.password)).raise_for_status()
    assert sender.upload(package, resume=gone) != gone


def test_refusals_are_told_in_the_servers_words(server: Server, tmp_path: Path, opened: Opened) -> None:
    sender = opened()
    with pytest.raises(RefusedError, match="Content-Disposition header is missing"):
        sender._ask("POST", f"{server.root}/3/service/{server.collection}/", {"Content-Length": "1"}, b"x")
    (tmp_path / "empty").touch()
    with pytest.raises(UsageError, match="is empty"):
        sender.upload(tmp_path / "empty")
    with pytest.raises(UsageError, match="cannot be read"):
        sender.upload(tmp_path / "nothing")
