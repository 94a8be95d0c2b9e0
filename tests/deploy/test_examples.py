"""The examples of `deploy/` under the programs they are for, where those are installed (caddy, prometheus)."""

import http.client
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.gunicorn_server import REPOSITORY, free_port, gunicorn_server, wait_for

DEPLOY = REPOSITORY / "deploy"
PROMTOOL, CADDY = shutil.which("promtool"), shutil.which("caddy")


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed")
@pytest.mark.parametrize(("kind", "file"), [("rules", "deposit.rules.yml"), ("config", "deposit.yml")])
def test_prometheus_takes_the_file(kind: str, file: str) -> None:
    said = subprocess.run(
        [str(PROMTOOL), "check", kind, file],
        cwd=DEPLOY / "prometheus",
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 0, said.stdout + said.stderr


def test_every_panel_of_the_dashboard_asks_something() -> None:
    dashboard = json.loads((DEPLOY / "grafana" / "deposit.json").read_text())
    panels = [panel for panel in dashboard["panels"] if panel["type"] != "row"]
    assert panels
    assert all(target["expr"] for panel in panels for target in panel["targets"])
    assert len({panel["id"] for panel in panels}) == len(panels)


@pytest.fixture(scope="module")
def caddy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of Caddy with the example, nothing changed but names and ports, before the server as configured."""
    if CADDY is None:
        pytest.skip("caddy is not installed")
    folder, port = tmp_path_factory.mktemp("caddy"), free_port()
    with gunicorn_server("tests.server.echo:application") as behind:
        site = (DEPLOY / "caddy" / "Caddyfile").read_text()
        for old, new in {
            "deposit.example.org {": f"http://localhost:{port} {{",
            ":8080": f":{behind}",
        }.items():
            assert site.count(old) == 1
            site = site.replace(old, new)
        (folder / "Caddyfile").write_text("{\n\tadmin off\n}\n" + site)
        command = [CADDY, "run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")]
        environment = {**os.environ, "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
        with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as server:
            try:
                wait_for(port)
                yield port
            finally:
                server.terminate()


def asked(port: int, path: str, headers: dict[str, str], body: bytes = b"") -> tuple[int, Any]:
    connection = http.client.HTTPConnection("localhost", port, timeout=30)
    connection.request("PUT", path, body=body, headers=headers)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, json.loads(content) if content else None


def test_a_large_body_goes_through_caddy(caddy: int) -> None:
    assert asked(caddy, "/", {}, b"x" * 50_000_000)[1]["received"] == 50_000_000


def test_the_two_headers_with_underscores_pass_caddy_and_others_do_not(caddy: int) -> None:
    sent = {"X_CHECK_SWHID": "swh:1:dir:0", "CONTENT_MD5": "abc", "ON_BEHALF_OF": "eve"}
    arrived = asked(caddy, "/", sent)[1]["headers"]
    assert (arrived["HTTP_X_CHECK_SWHID"], arrived["HTTP_CONTENT_MD5"]) == ("swh:1:dir:0", "abc")
    assert "HTTP_ON_BEHALF_OF" not in arrived


def test_what_a_client_claims_of_its_address_ends_at_caddy(caddy: int) -> None:
    claimed = {"X-Forwarded-For": "203.0.113.9", "Forwarded": "for=203.0.113.9"}
    arrived = asked(caddy, "/", claimed)[1]["headers"]
    assert arrived["HTTP_X_FORWARDED_FOR"] in ("127.0.0.1", "::1")
    assert "HTTP_FORWARDED" not in arrived


def test_figures_are_not_told_through_caddy(caddy: int) -> None:
    assert asked(caddy, "/metrics", {})[0] == 404


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_takes_the_timer(tmp_path: Path) -> None:
    for source in (DEPLOY / "systemd").iterdir():
        text = source.read_text().replace("/usr/sbin/deposit-admin", "/bin/true")
        (tmp_path / source.name).write_text(text)
    said = subprocess.run(
        ["systemd-analyze", "verify", "--recursive-errors=no", "--man=no", *map(str, tmp_path.iterdir())],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
    )
    assert (said.returncode, said.stderr) == (0, "")
