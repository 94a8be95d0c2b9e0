"""The bytes of a file elsewhere, over real sockets: broken off and resumed, over TLS, and from nowhere else."""

import http.server
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from deposit.intake import download
from deposit.refusals import Refusal
from tests.support.certificates import own_authority

FILE = bytes(range(256)) * 4000
MARK = '"one"'


class Cutting(http.server.BaseHTTPRequestHandler):
    """Sends a hundred thousand bytes of what it was asked for, and hangs up."""

    def do_GET(self) -> None:
        self.server.asked.append(dict(self.headers))  # type: ignore[attr-defined]
        start, tag = 0, self.tag()
        found = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if found and self.path != "/ignores" and self.headers["If-Range"] == tag:
            start = int(found[1])
        self.send_response(206 if start else 200)
        if start:
            at = start + 1 if self.path == "/elsewhere" else start
            self.send_header("Content-Range", f"bytes {at}-{len(FILE) - 1}/{len(FILE)}")
        self.send_header("Content-Length", str(len(FILE) - start))
        if tag:
            self.send_header("Last-Modified" if self.path == "/dated" else "ETag", tag)
        self.end_headers()
        self.wfile.write(FILE[start : start + (0 if self.path == "/stuck" and start else 100_000)])

    def tag(self) -> str:
        """What this answer calls the state of the file."""
        match self.path:
            case "/unmarked":
                return ""
            case "/weak":
                return f"W/{MARK}"
            case "/dated":
                return "Sat, 21 Nov 2026 00:00:00 GMT"
            case "/changing":
                return f'"{len(self.server.asked)}"'  # type: ignore[attr-defined]
        return MARK

    def log_message(self, *args: Any) -> None:
        """Nothing."""


class Whole(http.server.BaseHTTPRequestHandler):
    """Sends the file, or moves it."""

    def do_GET(self) -> None:
        if self.path == "/downgrade":
            self.send_response(302)
            self.send_header("Location", f"http://localhost:{self.server.server_port}/file")  # type: ignore[attr-defined]
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(FILE)))
        self.end_headers()
        self.wfile.write(FILE)

    def log_message(self, *args: Any) -> None:
        """Nothing."""


Serve = Callable[..., Any]


@pytest.fixture
def serve(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    settings.BY_REFERENCE_PRIVATE = True
    monkeypatch.setattr(download, "PAUSE_SECONDS", 0.0)
    servers = []

    def start(handler: type[http.server.BaseHTTPRequestHandler], tls: ssl.SSLContext | None = None) -> Any:
        server: Any = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        server.handle_error = lambda *_: None
        if tls:
            server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        server.asked = []
        port = server.server_port
        settings.BY_REFERENCE_HOSTS = [
            f"{name}:{port}" for name in ("127.0.0.1", "localhost", "rebound.test")
        ]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def fetched(url: str) -> bytes:
    return b"".join(download.download(url, expected=len(FILE), progress=lambda received: None))


@pytest.mark.parametrize("path", ["/marked", "/dated"])
def test_an_answer_that_breaks_off_is_asked_for_the_rest(serve: Serve, path: str) -> None:
    server = serve(Cutting)
    assert fetched(f"http://127.0.0.1:{server.server_port}{path}") == FILE
    ranges = [headers.get("Range") for headers in server.asked]
    assert ranges == [None, *[f"bytes={start}-" for start in range(100_000, len(FILE), 100_000)]]


@pytest.mark.parametrize("path", ["/unmarked", "/weak", "/changing", "/ignores", "/elsewhere", "/stuck"])
def test_it_begins_anew_where_the_rest_cannot_be_trusted_or_does_not_come(serve: Serve, path: str) -> None:
    server = serve(Cutting)
    with pytest.raises(OSError, match="broke off"):
        fetched(f"http://127.0.0.1:{server.server_port}{path}")
    assert len(server.asked) == (1 if path in ("/unmarked", "/weak") else 2)


def test_whoever_lost_the_lease_does_not_go_on(serve: Serve) -> None:
    server = serve(Cutting)

    def lost(received: int) -> None:
        raise Refusal("not_found", "lost", "Another has it.")  # type: ignore[arg-type]

    with pytest.raises(Refusal, match="Another has it"):
        list(download.download(f"http://127.0.0.1:{server.server_port}/marked", expected=None, progress=lost))
    assert len(server.asked) == 1


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate that is its own authority, for 127.0.0.1 and no name; and its key with it."""
    return own_authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def secure(serve: Serve, authority: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> int:
    """The port of a server that speaks TLS, whose authority is trusted."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority[1])
    monkeypatch.setenv("SSL_CERT_FILE", str(authority[0]))
    port: int = serve(Whole, tls=context).server_port
    return port


def test_a_file_is_fetched_over_tls(secure: int) -> None:
    assert fetched(f"https://127.0.0.1:{secure}/file") == FILE


def test_a_certificate_of_an_unknown_authority_is_not_taken(
    secure: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/dev/null")
    with pytest.raises(ssl.SSLCertVerificationError, match="self-signed"):
        fetched(f"https://127.0.0.1:{secure}/file")


def test_a_certificate_of_another_name_is_not_taken(secure: int) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="localhost"):
        fetched(f"https://localhost:{secure}/file")


def test_nobody_is_led_from_https_to_http(secure: int) -> None:
    with pytest.raises(Refusal) as refused:
        fetched(f"https://127.0.0.1:{secure}/downgrade")
    assert "from https" in refused.value.hint


@pytest.mark.parametrize(
    "host",
    ["2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "127.1", "localhost", "ip6-localhost", "[::1]"],
)
def test_an_address_written_oddly_is_looked_at_as_what_it_means(host: str, settings: Any) -> None:
    settings.BY_REFERENCE_PRIVATE = False
    try:
        found = socket.getaddrinfo(host.strip("[]"), 80)
    except OSError:
        pytest.skip("this machine does not know the name")
    assert found
    with pytest.raises(Refusal, match="not on the public Internet"):
        download.addresses(host.strip("[]"), 80)


def test_a_name_is_asked_for_once_and_its_address_connected_to(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = serve(Whole).server_port
    really, asked = socket.getaddrinfo, []

    def rebinding(host: Any, *args: Any, **kwargs: Any) -> Any:
        """127.0.0.1 at first, then an address where nobody listens."""
        if host != "rebound.test":
            return really(host, *args, **kwargs)
        asked.append(host)
        return really("127.0.0.1" if len(asked) == 1 else "127.0.0.77", *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    assert fetched(f"http://rebound.test:{port}/file") == FILE
    assert asked == ["rebound.test"]


def test_one_private_address_among_public_ones_is_enough_to_refuse(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.BY_REFERENCE_PRIVATE = False
    entries = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", (name, 80)) for name in ("93.184.216.34", "10.0.0.1")
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: entries)
    with pytest.raises(Refusal, match=r"10\.0\.0\.1"):
        download.addresses("data.example.org", 80)
