"""No case takes much memory or time: they are all read by one child process, and its peak is looked at."""

import json
import subprocess
import sys
from pathlib import Path

from tests.packages import stream_cases, tar_cases, tar_tool_cases, zip_cases, zip_tool_cases  # noqa: F401  they fill the register
from tests.packages.cases import CASES

MEMORY_LIMIT = 160
"""MiB above the idle process; xz -9 alone takes 65, and the limit on windows is 128."""
SECONDS_LIMIT = 60

CHILD = """
import json, sys, time
from pathlib import Path
from packages import PackageError, open_package

def peak():
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) // 1024

idle, slowest = peak(), 0.0
for path in Path(sys.argv[1]).iterdir():
    start = time.monotonic()
    try:
        with open_package(path) as package:
            for member in package:
                for chunk in member.chunks():
                    assert len(chunk) <= 1024 * 1024
    except PackageError:
        pass
    slowest = max(slowest, time.monotonic() - start)
print(json.dumps({"memory": peak() - idle, "slowest": slowest}))
"""


def test_all_cases_are_read_within_bounds(tmp_path: Path) -> None:
    for case in CASES.values():
        (tmp_path / case.name).write_bytes(case.build())

    child = subprocess.run(
        [sys.executable, "-c", CHILD, str(tmp_path)],
        check=True,
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    used = json.loads(child.stdout)

    assert (used["memory"] < MEMORY_LIMIT, used["slowest"] < SECONDS_LIMIT) == (True, True), used
