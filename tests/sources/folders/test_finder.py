"""A kernel that gives no more watches: the folder is polled instead, and says so."""

import subprocess
import sys
from pathlib import Path

import pytest

FIND = """
import logging, sys, time
logging.basicConfig(format="%(message)s")
from sources.folders.finder import FolderFinder
finder = FolderFinder(sys.argv[1], polling=False, stable_seconds=0.2)
finder.start()
open(sys.argv[1] + "/late.zip", "wb").close()
end = time.monotonic() + 60
found = []
while not found and time.monotonic() < end:
    finder.scan_soon()
    found = [each.key for each in finder.step(time.monotonic())]
    time.sleep(0.05)
print(found)
finder.stop()
"""
# In a user namespace of its own a process may forbid itself what the whole machine has run out of.
NONE_LEFT = 'echo 0 >/proc/sys/user/max_inotify_instances && exec "$@"'


def may_make_namespaces() -> bool:
    return subprocess.run(["unshare", "-Ur", "true"], capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not may_make_namespaces(), reason="this machine gives no user namespaces")
def test_a_folder_without_a_watch_is_polled(tmp_path: Path) -> None:
    within = ["unshare", "-Ur", "sh", "-c", NONE_LEFT, "sh"]
    done = subprocess.run(
        [*within, sys.executable, "-c", FIND, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "['late.zip']", done.stderr
    assert f"folder {tmp_path} is polled: " in done.stderr
