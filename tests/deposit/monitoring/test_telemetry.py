"""Errors and traces go where the settings say, over real sockets; else nothing is even imported."""

import gzip
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

REPOSITORY = Path(__file__).resolve().parents[3]

# A request that goes well, one that fails, and a task that fails, in a process of their own.
SCRIPT = """
import django, logging
django.setup()
from django.conf import settings
from django.http import HttpResponse
from django.test import Client
from django.urls import path
from settings.celery import app

def broken(request):
    password = "hidden-variable"
    raise RuntimeError("it broke")

class Urls:
    urlpatterns = [path("fine/", lambda request: HttpResponse("fine")), path("broken/", broken)]

@app.task(name="tests.break")
def break_task():
    raise RuntimeError("the task broke")

settings.ROOT_URLCONF = Urls
settings.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
client = Client(raise_request_exception=False, SERVER_NAME="localhost")
client.get("/fine/", headers={"X-Request-ID": "request-fine", "Authorization": "Basic aGlkZGVuOmhpZGRlbg=="})
client.post("/broken/", data=b"hidden-body", content_type="text/plain", headers={"X-Request-ID": "request-broken"})
break_task.apply(task_id="task-broken")
"""


class Receiver(ThreadingHTTPServer):
    """What a collector and a Sentry are on the wire: each POST is kept by its path."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.bodies: dict[str, list[bytes]] = {}


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        """Keep the body, and say that all is well."""
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        self.server.bodies.setdefault(self.path, []).append(body)
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"127.0.0.1:{server.server_port}"
        run(SCRIPT, SENTRY_DSN=f"http://key@{address}/1", OTEL_EXPORTER_OTLP_ENDPOINT=f"http://{address}")
        yield server
        server.shutdown()


def run(script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a script with our settings; its output is only shown when it fails."""
    return subprocess.run(
        [sys.executable, "-c", script],
        cwd=REPOSITORY,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )


def spans(receiver: Receiver) -> dict[str, dict[str, Any]]:
    """The spans that arrived, by name, with their attributes."""
    found: dict[str, dict[str, Any]] = {}
    for body in receiver.bodies["/v1/traces"]:
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            service = {each.key: each.value.string_value for each in resource.resource.attributes}
            for scope in resource.scope_spans:
                for span in scope.spans:
                    said = {each.key: each.value.string_value for each in span.attributes}
                    found[span.name] = {**service, **said, "failed": span.status.code == 2}
    return found


def errors(receiver: Receiver) -> dict[str, dict[str, Any]]:
    """The errors that arrived, by message."""
    found = {}
    for body in receiver.bodies["/api/1/envelope/"]:
        for line in body.splitlines():
            item = json.loads(line)
            for value in item.get("exception", {}).get("values", []):
                found[value["value"]] = item
    return found


def test_a_request_is_a_span_with_its_id(receiver: Receiver) -> None:
    span = spans(receiver)["GET fine/"]
    assert (span["service.name"], span["deposit.request"], span["failed"]) == (
        "deposit-server",
        "request-fine",
        False,
    )


def test_a_failed_task_is_a_failed_span_with_its_id(receiver: Receiver) -> None:
    span = spans(receiver)["run/tests.break"]
    assert (span["messaging.message.id"], span["failed"]) == ("task-broken", True)


def test_an_error_in_a_request_tells_the_request(receiver: Receiver) -> None:
    assert errors(receiver)["it broke"]["tags"]["request"] == "request-broken"


def test_an_error_in_a_task_tells_the_task(receiver: Receiver) -> None:
    tags = errors(receiver)["the task broke"]["tags"]
    assert (tags["task"], tags["task_name"]) == ("task-broken", "tests.break")


def test_no_body_password_or_variable_leaves(receiver: Receiver) -> None:
    everything = b"".join(body for bodies in receiver.bodies.values() for body in bodies)
    # As a value: that the source has a variable of this name may be told.
    for secret in (
        b"hidden-body",
        b"aGlkZGVuOmhpZGRlbg",
        b"'hidden-variable'",
        os.environ["SECRET_KEY"].encode(),
    ):
        assert secret not in everything


def test_unset_nothing_is_imported() -> None:
    script = (
        "import django, sys; django.setup()\n"
        "print(*[name for name in sys.modules if name.startswith(('sentry_sdk', 'opentelemetry'))])"
    )
    assert run(script, SENTRY_DSN="", OTEL_EXPORTER_OTLP_ENDPOINT="").stdout.split() == []


@pytest.mark.parametrize(
    ("variable", "library", "extra"),
    [
        ("SENTRY_DSN", "sentry_sdk", "sentry"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "opentelemetry", "telemetry"),
    ],
)
def test_a_library_that_is_not_installed_is_asked_for(variable: str, library: str, extra: str) -> None:
    missing = f"import sys; sys.modules[{library!r}] = None; import django; django.setup()"
    with pytest.raises(subprocess.CalledProcessError) as failed:
        run(missing, **{variable: "http://key@127.0.0.1:9/1"})
    assert f"pip install 'deposit-server[{extra}]'" in failed.value.stderr
