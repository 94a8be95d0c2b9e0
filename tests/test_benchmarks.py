"""Benchmarks that need nothing but a package run to their end, so that they are there when somebody wants a figure.

What they measure on so little is worth nothing, and no limit is asked for.
"""

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.samples import make_tar

REPOSITORY = Path(__file__).resolve().parents[1]

pytestmark = pytest.mark.skipif(
    not os.environ.get("TEST_FAULTS"), reason="starts a PostgreSQL for each: set TEST_FAULTS=1"
)


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("bench_archive_load.py", ["{package}", "--runs", "1"]),
        ("bench_archive_known.py", ["{package}"]),
        ("bench_archive_scale.py", ["{package}", "--most", "10000", "--plans"]),
        ("bench_archive_rewriting.py", ["--deposits", "200"]),
        ("bench_archive_extremes.py", ["--files", "1000", "--gigabytes", "0.01"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_benchmark_runs_to_its_end(script: str, words: list[str], tmp_path: Path) -> None:
    source = random.Random(1)
    package = tmp_path / "package.tar.gz"
    package.write_bytes(
        make_tar({f"d{n % 7}/{n}": source.randbytes(source.randrange(3000)) for n in range(200)})
    )
    done = subprocess.run(
        [sys.executable, f"tests/bench/{script}", *(word.format(package=package) for word in words)],
        cwd=REPOSITORY,
        env={
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("DATABASE_", "SECRET_", "DJANGO_"))
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )
    # 1: a limit that so small a package may well miss.
    assert done.returncode in (0, 1), done.stderr
    assert "Traceback" not in done.stderr
    assert "kept" in done.stdout, done.stdout
