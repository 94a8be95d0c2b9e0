"""Watched folders: how soon a file becomes a deposit, how many a second, and what many files that are there cost.

``python -m tests.bench.bench_sources --present 100000``. Goals: a file is a deposit within 2 s (median); small files
come in at half the rate of POST requests or faster; all that is there is written down; a watcher of so many files that
nothing happens to takes less than 1 % of a processor.
"""

import argparse
import io
import os
import statistics
import sys
import tempfile
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from subprocess import run
from typing import Any

import httpx
import psycopg2

from tests.bench.service import REPOSITORY, Service, running

TICK = os.sysconf("SC_CLK_TCK")


class Bench:
    """A service and its database."""

    def __init__(self, service: Service) -> None:
        self.service = service
        lines = (service.data / "deposit.env").read_text().splitlines()
        [url] = [line.partition("=")[2].strip("'\"") for line in lines if line.startswith("DATABASE_URL=")]
        self._url = url

    def manage(self, *words: str) -> None:
        """Run a command of the service."""
        environment = {"PATH": "/usr/bin:/bin", "DATA_DIR": str(self.service.data)}
        command = [sys.executable, "manage.py", *words]
        run(command, cwd=REPOSITORY, env=environment, check=True, capture_output=True)

    def value(self, query: str, *arguments: object) -> Any:
        """One value of the service's database; what a query changes is kept."""
        with closing(psycopg2.connect(self._url)) as database:
            database.autocommit = True
            with database.cursor() as cursor:
                cursor.execute(query, arguments)
                row = cursor.fetchone() if cursor.description else None
        return row[0] if row else None

    def items(self, name: str, *states: str) -> int:
        """How many items of a source are in one of these states."""
        query = (
            "SELECT count(*) FROM sources_sourceitem item JOIN sources_source source ON source.id = item.source_id"
            " WHERE source.name = %s AND item.state = ANY(%s)"
        )
        return int(self.value(query, name, list(states)))

    def until(self, name: str, number: int, *states: str, seconds: float = 600.0) -> float:
        """Wait until so many items are in one of these states; in how many seconds."""
        began = time.monotonic()
        while self.items(name, *states) < number:
            if time.monotonic() - began > seconds:
                raise SystemExit(f"{self.items(name, *states)} of {number} after {seconds:.0f} s")
            time.sleep(0.05)
        return time.monotonic() - began

    def watch(self, name: str, folder: Path) -> None:
        """Add a source, and wait until it is served."""
        folder.mkdir()
        self.manage("collection", "create", "--name", name)
        self.manage("source", "add", "folder", name, "--path", str(folder), "--collection", name)
        while not self.value("SELECT scanned_at IS NOT NULL FROM sources_source WHERE name = %s", name):
            time.sleep(0.2)

    def processor(self) -> float:
        """Processor seconds that the watcher has used."""
        used = 0.0
        for pid in self.service.processes("manage.py watch"):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            used += (int(fields[11]) + int(fields[12])) / TICK
        return used


def package(words: str) -> bytes:
    """A small zip."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        made.writestr("words.txt", words)
    return file.getvalue()


def soon(bench: Bench, folder: Path, number: int) -> float:
    """The median time from close to deposit, one file after the other, in seconds."""
    bench.watch("soon", folder)
    times = []
    for one in range(number):
        (folder / f"{one}.zip").write_bytes(package(f"soon {one}"))
        times.append(bench.until("soon", one + 1, "taken", "stored"))
    return statistics.median(times)


def many(bench: Bench, folder: Path, number: int) -> float:
    """How many small files become deposits in a second, when all come at once."""
    bench.watch("many", folder)
    packages = [package(f"many {one}") for one in range(number)]
    for one, data in enumerate(packages):
        (folder / f"{one}.zip").write_bytes(data)
    return number / bench.until("many", number, "taken", "stored")


def posts(bench: Bench, number: int) -> float:
    """How many of the same come in by POST in a second, with four clients."""
    demo = bench.service.demo
    address = f"{demo['DEPOSIT_BASE_URL']}/{demo['DEPOSIT_COLLECTION']}/"
    with httpx.Client(auth=(demo["DEPOSIT_USER"], demo["DEPOSIT_PASSWORD"]), timeout=60) as http:

        def send(one: int) -> None:
            headers = {
                "Content-Type": "application/zip",
                "Content-Disposition": "attachment; filename=a.zip",
                "Slug": f"post-{one}",
            }
            http.post(address, content=package(f"post {one}"), headers=headers).raise_for_status()

        began = time.monotonic()
        with ThreadPoolExecutor(4) as threads:
            list(threads.map(send, range(number)))
    return number / (time.monotonic() - began)


def present(bench: Bench, folder: Path, number: int, seconds: float) -> tuple[float, float]:
    """How long it takes to write down so many files that are there; the watcher's share of a processor afterwards."""
    bench.watch("present", folder)
    bench.manage("source", "pause", "present")
    time.sleep(5)
    for one in range(number):
        (folder / f"{one}.txt").write_bytes(b"%d" % one)
    took = bench.until("present", number, "waiting", seconds=1800)
    # As if each had come to nothing long ago: they are known, and there.
    bench.value("UPDATE sources_sourceitem SET state = 'ignored' WHERE state = 'waiting'")
    bench.manage("source", "resume", "present")
    time.sleep(30)
    before, began = bench.processor(), time.monotonic()
    time.sleep(seconds)
    return took, (bench.processor() - before) / (time.monotonic() - began)


def main() -> int:
    """0 when the goals are reached."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=200)
    parser.add_argument("--present", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=60, help="of looking at the idle watcher")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-sources-") as scratch, running() as service:
        folder, bench = Path(scratch), Bench(service)
        folder.chmod(0o755)
        median = soon(bench, folder / "soon", 11)
        print(f"from close to deposit: {median:.2f} s (median)", flush=True)
        came, sent = many(bench, folder / "many", options.files), posts(bench, options.files)
        print(f"{came:.1f} files a second, {sent:.1f} POST requests a second: {came / sent:.2f}", flush=True)
        took, share = present(bench, folder / "present", options.present, options.seconds)
        print(f"{options.present} files written down in {took:.0f} s, {options.present / took:.0f} a second")
        print(f"idle watcher over them: {100 * share:.2f} % of a processor", flush=True)
        return int(median >= 2 or came < sent / 2 or share >= 0.01)


if __name__ == "__main__":
    raise SystemExit(main())
