"""Segmented uploads: over lines that break, resumed by their address, deposited in the end."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from client.errors import RefusedError, UnavailableError, UsageError
from client.uploading import SegmentedUploader
from tests.client.conftest import Server
from tests.client.test_broken_line import CuttingLine
from tests.samples import make_tar

METADATA = {"dc:title": "Large", "dc:creator": "Ada"}
SEGMENT = 64 * 1024


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


def uploader(server: Server, root: str, *, parallel: int = 4, retries: int = 12) -> SegmentedUploader:
    return SegmentedUploader(
        f"{root}/3/",
        username=server.username,
        password=server.password,
        parallel=parallel,
        segment_size=SEGMENT,
        retries=retries,
        first_wait=0.01,
    )


def settled(server: Server, url: str) -> str:
    """The status of an object in the end."""
    for _ in range(600):
        state = httpx.get(url, auth=(server.username, server.password)).json()["state"][1]["description"]
        if state not in ("partial", "deposited", "verified", "loading"):
            return str(state)
        time.sleep(0.1)
    raise AssertionError(state)


def test_a_file_arrives_over_a_line_that_breaks_and_is_archived(
    server: Server, line: CuttingLine, package: Path
) -> None:
    line.cuts, line.cut_requests_after = 5, SEGMENT // 2
    heard: list[tuple[int, int]] = []
    sender = uploader(server, line.url.removesuffix("/1"))
    url = sender.upload(package, progress=lambda received, of: heard.append((received, of)))
    count = -(-package.stat().st_size // SEGMENT)
    assert line.cuts == 0
    assert (heard[0], heard[-1]) == ((0, count), (count, count))
    service = f"{server.root}/3/service/{server.collection}/"
    made = uploader(server, server.root).deposit(
        service, url, name="paquet été.tar", media_type="application/x-tar", metadata=METADATA
    )
    assert settled(server, made) == "done"


def test_an_upload_goes_on_where_it_stopped(server: Server, line: CuttingLine, package: Path) -> None:
    began: list[str] = []
    line.cuts, line.cut_requests_after = 10_000, 4 * SEGMENT
    sender = uploader(server, line.url.removesuffix("/1"), parallel=1, retries=0)
    with pytest.raises(UnavailableError):
        sender.upload(package, began=began.append)
    line.cuts = 0
    heard: list[int] = []
    again = uploader(server, server.root)
    there = began[0].replace(line.url.removesuffix("/1"), server.root)
    assert again.upload(package, resume=there, progress=lambda received, of: heard.append(received)) == there
    assert heard[0] > 0


def test_an_upload_that_is_gone_is_begun_anew(server: Server, package: Path) -> None:
    sender = uploader(server, server.root)
    gone = sender.upload(package)
    httpx.delete(gone, auth=(server.username, server.password)).raise_for_status()
    assert sender.upload(package, resume=gone) != gone


def test_refusals_are_told_in_the_servers_words(server: Server, tmp_path: Path, package: Path) -> None:
    sender = uploader(server, server.root)
    with pytest.raises(RefusedError, match="Content-Disposition header is missing"):
        sender._ask("POST", f"{server.root}/3/service/{server.collection}/", {"Content-Length": "1"}, b"x")
    (tmp_path / "empty").touch()
    with pytest.raises(UsageError, match="is empty"):
        sender.upload(tmp_path / "empty")
    with pytest.raises(UsageError, match="cannot be read"):
        sender.upload(tmp_path / "nothing")
