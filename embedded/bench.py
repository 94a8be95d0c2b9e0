"""``make bench``: every benchmark in ``tests/bench``, one after the other."""

import os
import subprocess
import sys
from pathlib import Path

FOLDER = Path("tests") / "bench"


def main() -> int:
    """The number of benchmarks that failed, which is: that missed their limit."""
    failed = 0
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd())}
    for script in sorted(FOLDER.glob("bench_*.py")):
        print(f"--- {script}", flush=True)
        failed += subprocess.run([sys.executable, script], check=False, env=environment).returncode != 0
    return failed


if __name__ == "__main__":
    sys.exit(main())
