"""``deploy/nginx/deposit.conf`` as it stands, in front of the server as it is configured, over TLS."""

import http.client
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.certificates import own_authority
from tests.support.gunicorn_server import REPOSITORY, free_port, gunicorn_server, wait_for

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed")

SOON = 5.0
MANY = 500

FRAME = """\
daemon off; master_process off; worker_rlimit_nofile 4096; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 2048; }}
http {{
    access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    {site}
}}
"""


class Proxy(NamedTuple):
    """Where it listens, and whom to trust."""

    port: int
    trusted: ssl.SSLContext


def adapted(site: str, *, port: int, plain: int, behind: int, certificate: Path) -> str:
    """The example with its ports and its certificate, and nothing else of it changed."""
    wanted = {
        "    listen 80;\n    listen [::]:80;\n": f"    listen 127.0.0.1:{plain};\n",
        "    listen 443 ssl http2;\n    listen [::]:443 ssl http2;\n": f"    listen 127.0.0.1:{port} ssl http2;\n",
        "127.0.0.1:8080": f"127.0.0.1:{behind}",
        "/etc/ssl/certs/deposit.pem": str(certificate),
        "/etc/ssl/private/deposit.key": str(certificate),
    }
    for old, new in wanted.items():
        assert site.count(old) == 1, old
        site = site.replace(old, new)
    return site


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    assert NGINX is not None
    folder = tmp_path_factory.mktemp("nginx")
    trusted, certificate = own_authority(folder)
    port, plain = free_port(), free_port()
    with gunicorn_server("tests.server.slow:application", SILENT_CLIENT_SECONDS="30") as behind:
        site = (REPOSITORY / "deploy/nginx/deposit.conf").read_text()
        site = adapted(site, port=port, plain=plain, behind=behind, certificate=certificate)
        (folder / "nginx.conf").write_text(FRAME.format(folder=folder, site=site))
        command = [
            NGINX,
            "-p",
            str(folder),
            "-c",
            str(folder / "nginx.conf"),
            "-e",
            str(folder / "error.log"),
        ]
        with subprocess.Popen(command) as server:
            try:
                wait_for(port)
                yield Proxy(port, ssl.create_default_context(cafile=str(trusted)))
            finally:
                server.terminate()


def opened(proxy: Proxy, data: bytes, address: str) -> socket.socket:
    plain = socket.create_connection(("127.0.0.1", proxy.port), timeout=SOON, source_address=(address, 0))
    connection = proxy.trusted.wrap_socket(plain, server_hostname="127.0.0.1")
    connection.sendall(data)
    return connection


def asked(proxy: Proxy, data: bytes, address: str = "127.0.0.1") -> tuple[int, bytes]:
    with opened(proxy, data, address) as connection:
        return answer_on(connection)


def answer_on(connection: socket.socket) -> tuple[int, bytes]:
    response = http.client.HTTPResponse(connection)
    response.begin()
    return response.status, response.read()


GET = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
BODY = b"POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000\r\n\r\nabc"
SLOW = {
    "that say nothing": b"",
    "that send half a header": b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: aaaa",
    "with a little of a large body": BODY,
    "that were refused and send on slowly": BODY.replace(b"/read", b"/refuse"),
    "that come back later": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
}


@pytest.mark.parametrize("data", SLOW.values(), ids=SLOW)
def test_others_are_served_while_five_hundred_are_there(data: bytes, proxy: Proxy) -> None:
    with ExitStack() as stack:
        # From ten addresses, each of which may have a part of them.
        for number in range(MANY):
            stack.enter_context(opened(proxy, data, f"127.0.0.{10 + number % 10}"))
        for _ in range(5):
            assert asked(proxy, GET) == (200, b"ok")


def test_others_are_served_while_forty_do_not_read_their_answers(proxy: Proxy) -> None:
    large = b"GET /large/16 HTTP/1.1\r\nHost: x\r\n\r\n"
    with ExitStack() as stack:
        for number in range(40):
            stack.enter_context(opened(proxy, large, f"127.0.0.{10 + number % 10}"))
        # The server's threads are free as soon as nginx has taken what they send.
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                assert asked(proxy, GET) == (200, b"ok")
                break
            except TimeoutError:
                continue
        assert asked(proxy, GET) == (200, b"ok")


def test_one_address_has_so_many_requests_and_is_told_when_to_come_again(proxy: Proxy) -> None:
    with ExitStack() as stack:
        for _ in range(64):
            stack.enter_context(opened(proxy, BODY, "127.0.0.30"))
        deadline = time.monotonic() + SOON
        with opened(proxy, GET, "127.0.0.30") as late:
            response = http.client.HTTPResponse(late)
            response.begin()
        assert (response.status, response.headers["Retry-After"]) == (429, "10")
        assert time.monotonic() < deadline
        assert asked(proxy, GET, "127.0.0.31") == (200, b"ok")


def test_a_body_streams_through(proxy: Proxy) -> None:
    assert asked(proxy, BODY + b"x" * 9_999_997) == (200, b"10000000")
