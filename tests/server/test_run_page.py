"""The block "In production" of the page on running, as a whole: every line as it stands, until all of it runs."""

import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from embedded.postgres import Postgres
from tests.faults.brokers import await_port, free_port

REPOSITORY = Path(__file__).resolve().parents[2]
pytestmark = [
    pytest.mark.timeout(280),
    pytest.mark.skipif("TEST_FAULTS" not in os.environ, reason="takes half a minute: set TEST_FAULTS=1"),
    pytest.mark.skipif(shutil.which("redis-server") is None, reason="apt install redis-server"),
]


def lines_of_the_page() -> list[str]:
    """The commands below "In production"."""
    section = (REPOSITORY / "docs" / "how-to" / "run.md").read_text().partition("## In production")[2]
    block = section.partition("```console\n")[2].partition("```")[0]
    return re.findall(r"^\$ (.*)$", block, re.MULTILINE)


@pytest.fixture
def places(tmp_path: Path) -> Iterator[dict[str, str]]:
    """What the page leaves to its reader: a database, a broker, folders, a secret key."""
    port = free_port()
    redis = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)]
    tmp_path.chmod(0o711)
    postgres = Postgres(tmp_path / "cluster", say=lambda words: None)
    (tmp_path / "cluster").mkdir(mode=0o711)
    for name in ("staging", "archive"):
        (tmp_path / name).mkdir(mode=0o700)
    (tmp_path / "key").write_text(secrets.token_urlsafe(50))
    postgres.start()
    try:
        with subprocess.Popen(redis, stdout=subprocess.DEVNULL) as server:
            await_port(port, server)
            yield {
                "/etc/deposit/secret-key": str(tmp_path / "key"),
                "DATABASE_URL=postgres://…": f"DATABASE_URL='{postgres.url()}'",
                "amqp://…": f"redis://127.0.0.1:{port}/0",
                "STAGING_ROOT=…": f"STAGING_ROOT={tmp_path / 'staging'}",
                "ARCHIVE_ROOT=…": f"ARCHIVE_ROOT={tmp_path / 'archive'}",
            }
            server.terminate()
    finally:
        postgres.stop()


def test_all_lines_of_the_page_run_the_service(places: dict[str, str], tmp_path: Path) -> None:
    port, tell = free_port(), tmp_path / "told.json"
    lines = lines_of_the_page()
    for words, value in places.items():
        assert sum(words in line for line in lines) == 1, words
        lines = [line.replace(words, value) for line in lines]
    goes_on = [line for line in lines if re.match(r"gunicorn|celery|manage\.py (dispatch|watch)", line)]
    begins = [line for line in lines if line not in goes_on]
    script = "\n".join(
        [
            "set -eu",
            f'manage.py() {{ {sys.executable} {REPOSITORY}/manage.py "$@"; }}',
            *begins,
            *(f"{line} > {tmp_path}/{number}.log 2>&1 &" for number, line in enumerate(goes_on)),
            f"while sleep 1; do manage.py doctor --no-archive --json > {tell}.new && mv {tell}.new {tell}; done",
        ]
    )
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {
        "PATH": path,
        "HOME": str(tmp_path),
        "DATA_DIR": str(tmp_path),
        "BIND": f"127.0.0.1:{port}",
    }
    environment["DJANGO_SETTINGS_MODULE"] = "settings.production"
    with (
        (tmp_path / "script.log").open("wb") as log,
        subprocess.Popen(
            ["bash", "-c", script],
            cwd=REPOSITORY,
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        ) as shell,
    ):
        try:
            _await_all(shell, tell, tmp_path)
            await_port(port, shell)
        finally:
            _stop(shell)


def _stop(shell: "subprocess.Popen[bytes]") -> None:
    """All that it started, before broker and database go: at first politely."""
    deadline, sent = time.monotonic() + 15, signal.SIGTERM
    while True:
        try:
            os.killpg(shell.pid, sent)
        except ProcessLookupError:
            return
        shell.poll()
        time.sleep(0.3)
        if time.monotonic() > deadline:
            sent = signal.SIGKILL


def _await_all(shell: "subprocess.Popen[bytes]", tell: Path, folder: Path) -> None:
    """Until the doctor says that every process runs."""
    deadline, idle = time.monotonic() + 200, ["nothing told"]
    while idle and time.monotonic() < deadline and shell.poll() is None:
        time.sleep(0.5)
        if tell.exists():
            processes = json.loads(tell.read_text())["processes"]
            idle = [one["name"] for one in processes if not one["runs"]] if processes else ["none"]
    logs = "\n".join(path.read_text()[-1500:] for path in folder.glob("*.log"))
    assert (idle, shell.poll()) == ([], None), logs
