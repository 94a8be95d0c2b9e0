"""Workers that were given no name have names of their own."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from deposit.models import Heartbeat
from tests.support.gunicorn_server import REPOSITORY, on_the_tests_database

CODE = """
import sys, time
from pathlib import Path
from server.celery_names import unique_name
print(unique_name("celery@here", ["load"], Path(sys.argv[1])), flush=True)
time.sleep(60)
"""


def worker(folder: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", CODE, str(folder)], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True
    )


def name_of(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_each_has_the_first_number_that_is_free_and_who_is_killed_gives_it_back(tmp_path: Path) -> None:
    with worker(tmp_path) as first:
        assert name_of(first) == "load-1@here"
        with worker(tmp_path) as second:
            assert name_of(second) == "load-2@here"
            first.kill()
            first.wait()
            with worker(tmp_path) as again:
                assert name_of(again) == "load-1@here"
                again.kill()
            second.kill()


@pytest.mark.django_db(transaction=True)
def test_two_workers_started_as_the_page_says_are_heard_as_two(tmp_path: Path) -> None:
    """The command of docs/how-to/run.md, twice."""
    page = (REPOSITORY / "docs" / "how-to" / "run.md").read_text()
    assert "$ celery -A settings.celery worker -Q load\n" in page
    command = [sys.executable, "-m", "celery", "-A", "settings.celery", "worker", "-Q", "load", "-c", "1"]
    with on_the_tests_database():
        environment = {**os.environ, "DATA_DIR": str(tmp_path)}
        started = [
            subprocess.Popen(command, cwd=REPOSITORY, env=environment, stderr=subprocess.DEVNULL)
            for _ in range(2)
        ]
    try:
        end = time.monotonic() + 90
        while Heartbeat.objects.count() < 2 and time.monotonic() < end:
            time.sleep(0.2)
        names = sorted(Heartbeat.objects.values_list("name", flat=True))
        assert [name.partition("@")[0] for name in names] == ["load-1", "load-2"]
    finally:
        for process in started:
            process.send_signal(signal.SIGTERM)
        for process in started:
            process.wait(60)
