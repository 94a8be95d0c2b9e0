"""With LOG_FORMAT=json every line of the web server is one JSON object, its own lines among them."""

import json
import os
import signal
import subprocess
import sys
import urllib.request

from tests.support.gunicorn_server import REPOSITORY, free_port, wait_for


def test_every_line_of_the_web_server_is_json_and_tells_its_request() -> None:
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "gunicorn",
        "-c",
        "server/gunicorn.py",
        "tests.server.echo:application",
    ]
    with subprocess.Popen(
        command,
        cwd=REPOSITORY,
        env={**os.environ, "PORT": str(port), "WEB_WORKERS": "1", "LOG_FORMAT": "json"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as server:
        wait_for(port)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10) as answer:
            answer.read()
        server.send_signal(signal.SIGTERM)
        said, _ = server.communicate(timeout=60)
    lines = [json.loads(line) for line in said.splitlines()]
    assert {"gunicorn.error", "gunicorn.access"} == {line["logger"] for line in lines}
    (access,) = [line for line in lines if line["logger"] == "gunicorn.access"]
    assert '"GET / HTTP/1.1" 200' in access["message"]
    told = {name: access[name] for name in ("address", "user", "method", "path", "status", "request")}
    assert told == {
        "address": "127.0.0.1",
        "user": "-",
        "method": "GET",
        "path": "/",
        "status": 200,
        "request": "-",
    }
    assert {type(access[name]) for name in ("bytes", "milliseconds")} == {int}
