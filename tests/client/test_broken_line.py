"""Deposits over lines that break: everything arrives, and once."""

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from client import Depositor, Metadata, depositing, packing, swhid_of
from client.errors import RefusedError, UnavailableError, UsageError
from client.journal import recorded
from client.uploading import SegmentedUploader
from tests.client.conftest import Server

SMALL_SEGMENTS = {**SegmentedUploader.__init__.__kwdefaults__, "segment_size": 500_000}  # type: ignore[dict-item]

Verdict = Callable[[bytes], bool]


class CuttingLine:
    """A proxy that hangs up on some connections: in the middle of a request, or before its answer."""

    def __init__(self, server: Server) -> None:
        self._target = (urlsplit(server.base_url).hostname, urlsplit(server.base_url).port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/1"
        self.cuts = 0
        self._deaf = False
        self.cut_requests_after: int | None = None
        self.swallow_answer_to: Verdict = lambda request: False
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=self._serve, args=(self._listener.accept()[0],), daemon=True).start()

    def _serve(self, near: socket.socket) -> None:
        with near, socket.create_connection(self._target) as far, suppress(OSError):
            threading.Thread(target=self._answers, args=(near, far), daemon=True).start()
            passed = 0
            while data := near.recv(65536):
                passed += len(data)
                if self.cut_requests_after is not None and passed > self.cut_requests_after and self.cuts > 0:
                    self.cuts -= 1
                    break
                if self.swallow_answer_to(data):
                    self.cuts -= 1
                    self._deaf = True
                far.sendall(data)
            for end in (near, far):
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def _answers(self, near: socket.socket, far: socket.socket) -> None:
        with suppress(OSError):
            while data := far.recv(65536):
                if self._deaf:
                    # The server has acted; its answer goes nowhere.
                    self._deaf = False
                    near.shutdown(socket.SHUT_RDWR)
                    return
                near.sendall(data)


@pytest.fixture
def line(server: Server) -> Iterator[CuttingLine]:
    line = CuttingLine(server)
    yield line
    line.close()


def at(line: CuttingLine, server: Server, *, retries: int = 12) -> Depositor:
    """The demo client at the end of a bad line."""
    return Depositor(
        line.url,
        username=server.username,
        password=server.password,
        collection=server.collection,
        retries=retries,
        first_wait=0.01,
    )


@pytest.fixture
def far_depositor(line: CuttingLine, server: Server) -> Iterator[Depositor]:
    with at(line, server) as depositor:
        yield depositor


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A folder of three random megabytes."""
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "noise").write_bytes(os.urandom(3_000_000))
    return tmp_path / "source"


def metadata(server: Server, name: str) -> Metadata:
    return Metadata(name=name, authors=("Ada",), create_origin=f"{server.provider_url}{name}")


def of_origin(depositor: Depositor, server: Server, name: str) -> list[str]:
    """The statuses of all deposits of an origin."""
    return [
        d["status"] for d in depositor.deposits() if d.get("origin_url") == f"{server.provider_url}{name}"
    ]


def packed(folder: Path) -> Path:
    """The folder as a package beside it."""
    with packing.packed(folder) as file:
        return file.rename(folder.parent / "source.tar.gz")


def test_upload_cut_ten_times_arrives_once(
    line: CuttingLine, far_depositor: Depositor, depositor: Depositor, server: Server, package: Path
) -> None:
    line.cuts, line.cut_requests_after = 10, 1_000_000
    receipt = far_depositor.upload(packed(package), metadata=metadata(server, "cut"))
    assert line.cuts == 0
    assert depositor.wait(receipt.deposit_id, timeout=60).status == "done"
    assert of_origin(depositor, server, "cut") == ["done"]


def test_large_package_goes_in_segments_and_arrives_once(
    line: CuttingLine,
    far_depositor: Depositor,
    depositor: Depositor,
    server: Server,
    package: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(depositing, "SEGMENTED_FROM", 2_000_000)
    monkeypatch.setattr(SegmentedUploader.__init__, "__kwdefaults__", SMALL_SEGMENTS)
    line.cuts, line.cut_requests_after = 5, 300_000
    receipt = far_depositor.upload(packed(package), metadata=metadata(server, "segments"), resume=True)
    assert line.cuts == 0
    status = depositor.wait(receipt.deposit_id, timeout=60)
    assert (status.status, status.swhid) == ("done", swhid_of(package))
    assert of_origin(depositor, server, "segments") == ["done"]
    assert list((tmp_path / "state" / "deposit").iterdir()) == []


def test_completion_whose_answer_is_lost_completes_once(
    line: CuttingLine, far_depositor: Depositor, depositor: Depositor, server: Server, package: Path
) -> None:
    line.cuts = 1
    line.swallow_answer_to = lambda data: (
        b"/metadata/ HTTP" in data and data.startswith(b"POST") and line.cuts > 0
    )
    receipt = far_depositor.upload(packed(package), metadata=metadata(server, "unanswered"))
    assert line.cuts == 0
    assert depositor.wait(receipt.deposit_id, timeout=60).status == "done"
    assert of_origin(depositor, server, "unanswered") == ["done"]


def test_given_up_upload_goes_on_in_a_later_process(
    line: CuttingLine,
    server: Server,
    depositor: Depositor,
    package: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    file = packed(package)
    line.cuts, line.cut_requests_after = 10_000, 1_000_000
    with at(line, server, retries=1) as impatient, pytest.raises(UnavailableError):
        impatient.upload(file, metadata=metadata(server, "later"), resume=True)
    line.cuts = 0
    with at(line, server) as later:
        receipt = later.upload(file, metadata=metadata(server, "later"), resume=True)
    assert depositor.wait(receipt.deposit_id, timeout=60).status == "done"
    assert of_origin(depositor, server, "later") == ["done"]
    assert list((tmp_path / "state" / "deposit").iterdir()) == []


def test_same_upload_is_not_done_by_two_processes_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    with (
        recorded("somewhere", ["this"]),
        pytest.raises(UsageError, match="another process"),
        recorded("somewhere", ["this"]),
    ):
        pass


def test_damaged_package_is_refused(depositor: Depositor, package: Path, server: Server) -> None:
    damaged = replace(packing.open_package(packed(package)), sha256=64 * "0")
    with pytest.raises(RefusedError):
        depositor.upload(damaged, metadata=metadata(server, "damaged"))
    assert of_origin(depositor, server, "damaged") == ["partial"]
