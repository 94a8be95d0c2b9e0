"""What the client says, and how long it tries, when the server is full, busy or away."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from client import Depositor
from client.errors import UnavailableError
from client.uploading import SegmentedUploader
from tests.client.conftest import Run

FULL = (507, "300", "The disk is full.")
BUSY = (503, "Mon, 30 Nov 2099 12:00:00 GMT", "Too many packages wait.")


class Unwell(ThreadingHTTPServer):
    """A server that takes nothing; ``asked`` counts the requests."""

    asked = 0
    status, retry_after, summary = FULL


class _Answer(BaseHTTPRequestHandler):
    server: Unwell

    def do_GET(self) -> None:
        self.server.asked += 1
        body = (
            '<sword:error xmlns:sword="http://purl.org/net/sword/terms/" xmlns="http://www.w3.org/2005/Atom">'
            f"<summary>{self.server.summary}</summary></sword:error>"
        ).encode()
        self.send_response(self.server.status)
        self.send_header("Retry-After", self.server.retry_after)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing on standard error."""


@pytest.fixture
def unwell() -> Iterator[Callable[..., Unwell]]:
    with ExitStack() as stack:

        def start(status: int, retry_after: str, summary: str) -> Unwell:
            server = stack.enter_context(Unwell(("127.0.0.1", 0), _Answer))
            server.status, server.retry_after, server.summary = status, retry_after, summary
            threading.Thread(target=server.serve_forever, daemon=True).start()
            stack.callback(server.shutdown)
            return server

        yield start


@pytest.mark.parametrize(("status", "retry_after", "summary"), [FULL, BUSY])
def test_a_server_that_is_full_or_busy_is_told_of_with_the_wait_and_the_end(
    unwell: Callable[..., Unwell],
    caplog: pytest.LogCaptureFixture,
    status: int,
    retry_after: str,
    summary: str,
) -> None:
    server = unwell(status, retry_after, summary)
    caplog.set_level(logging.WARNING)
    with (
        Depositor(
            f"http://127.0.0.1:{server.server_port}/1/", collection="x", give_up_after=1.4
        ) as depositor,
        pytest.raises(UnavailableError) as given_up,
    ):
        depositor.status(1)
    assert given_up.value.summary == summary
    # Once, and once more when the time is over: a wait that the server asks for is not cut into many tries.
    assert server.asked == 2
    assert [record.getMessage() for record in caplog.records if record.name == "client.pauses"] == [
        f"{status}: {summary} Trying again in 1 s, as the server asks, giving up after 1 s more; Ctrl-C ends it."
    ]


def test_segments_that_find_no_room_say_so_too(
    unwell: Callable[..., Unwell], caplog: pytest.LogCaptureFixture
) -> None:
    server = unwell(*FULL)
    caplog.set_level(logging.WARNING)
    uploader = SegmentedUploader(f"http://127.0.0.1:{server.server_port}/3/", give_up_after=0.2)
    with pytest.raises(UnavailableError):
        uploader._ask("GET", uploader.url, {})
    uploader.close()
    assert any(record.getMessage().startswith("507: ") for record in caplog.records)


def test_a_server_that_is_away_is_told_of_at_once_and_given_up_when_asked(
    run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    known = {"DEPOSIT_BASE_URL": "http://127.0.0.1:1/1/", "DEPOSIT_COLLECTION": "x"}
    assert run("status", "1", "--give-up-after", "0.2", **known).code == 6
    assert caplog.records[0].getMessage().startswith("The server cannot be reached")
    assert run("status", "1", DEPOSIT_GIVE_UP_AFTER="0", **known).code == 6
