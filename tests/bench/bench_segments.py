"""Segmented uploads over a line that breaks, against one uncut request of the same bytes over the same line unbroken.

``python -m tests.bench.bench_segments [BYTES] [PART...]`` (default 4 GiB, and all parts). ``rate`` prints the rates,
their ratio (limit 0.8) and the memory of the web processes, ``killed`` the time with the server killed in the middle,
``disk`` what a full disk does (as root only: it mounts a small file system). Exits with 1 when a limit is not kept.
"""

import base64
import hashlib
import os
import signal
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from client.errors import UnavailableError
from client.uploading import SegmentedUploader, _File
from tests.bench.service import REPOSITORY, Service, rss, running

CUT_EVERY = 200 * 1024**2
DELAY = 0.02
LIMIT = 0.8
FLAT = 64 * 1024**2
METADATA = {"dc:title": "A large file", "dc:creator": "Nobody"}


def make_package(folder: Path, size: int) -> Path:
    """A tar with one file of random bytes."""
    content, package = folder / "content", folder / "package.tar"
    with content.open("wb") as file:
        for _ in range(size // 2**20):
            file.write(os.urandom(2**20))
    with tarfile.open(package, "w") as tar:
        tar.add(content, "package/content")
    content.unlink()
    return package


@contextmanager
def line(port: int, every: int) -> Iterator[tuple[int, Path]]:
    """A line to the service; its port, and the file in which it notes its cuts."""
    log = Path(tempfile.mkstemp(prefix="line-")[1])
    command = [sys.executable, "-m", "tests.bench.cutting_line", str(port), str(every), str(DELAY)]
    with log.open("w") as errors:
        process = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=errors, text=True)
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline()), log
    finally:
        process.kill()
        process.wait()
        log.unlink()


def uploader(service: Service, port: int, parallel: int = 8) -> SegmentedUploader:
    """The demo client at the end of a line."""
    return SegmentedUploader(
        f"http://127.0.0.1:{port}/3/",
        username=service.demo["DEPOSIT_USER"],
        password=service.demo["DEPOSIT_PASSWORD"],
        parallel=parallel,
        segment_size=16 * 2**20,
        first_wait=0.1,
        retries=30,
    )


def uncut(service: Service, package: Path, port: int) -> float:
    """One request; seconds."""
    started = time.monotonic()
    size, sha256 = package.stat().st_size, hashlib.sha256()
    with package.open("rb") as file:
        while chunk := file.read(256 * 1024):
            sha256.update(chunk)
    digest = base64.b64encode(sha256.digest()).decode()

    def pieces() -> Iterator[bytes]:
        with package.open("rb") as file:
            while chunk := file.read(256 * 1024):
                yield chunk

    answer = httpx.post(
        f"http://127.0.0.1:{port}/3/service/{service.demo['DEPOSIT_COLLECTION']}/",
        content=pieces(),
        auth=(service.demo["DEPOSIT_USER"], service.demo["DEPOSIT_PASSWORD"]),
        timeout=600,
        headers={
            "Content-Length": str(size),
            "Content-Type": "application/x-tar",
            "Content-Disposition": "attachment; filename=package.tar",
            "Packaging": "http://purl.org/net/sword/3.0/package/SimpleZip",
            "Digest": f"SHA-256={digest}",
            "In-Progress": "true",
        },
    )
    assert answer.status_code == 201, answer.text
    took = time.monotonic() - started
    auth = (service.demo["DEPOSIT_USER"], service.demo["DEPOSIT_PASSWORD"])
    url = answer.headers["Location"].replace(f":{port}/", f":{service.port}/")
    httpx.delete(url, auth=auth, timeout=600).raise_for_status()
    return took


class Memory:
    """Watches the web processes."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self.before = self._now()
        self.most = self.before
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> "Memory":
        self._thread.start()
        return self

    def __exit__(self, *args: object) -> None:
        self._done.set()
        self._thread.join()

    def _now(self) -> int:
        return max(map(rss, self._service.processes("gunicorn")), default=0)

    def _watch(self) -> None:
        while not self._done.wait(0.2):
            self.most = max(self.most, self._now())


def segmented(service: Service, package: Path, port: int) -> tuple[str, float]:
    """The Temporary-URL and the seconds."""
    sender = uploader(service, port)
    started = time.monotonic()
    url = sender.upload(package)
    took = time.monotonic() - started
    sender.close()
    return url, took


def deposited(service: Service, package: Path, url: str, port: int) -> str:
    """Deposit an upload and wait for its end."""
    sender = uploader(service, service.port)
    here = url.replace(f":{port}/", f":{service.port}/")
    collection = service.demo["DEPOSIT_COLLECTION"]
    to = f"http://127.0.0.1:{service.port}/3/service/{collection}/"
    made = sender.deposit(to, here, name=package.name, media_type="application/x-tar", metadata=METADATA)
    auth = (service.demo["DEPOSIT_USER"], service.demo["DEPOSIT_PASSWORD"])
    while True:
        document = httpx.get(made, auth=auth).json()
        state = document["state"][1]["description"]
        if state not in ("partial", "deposited", "verified", "loading"):
            return str(state)
        time.sleep(0.5)


def killed(service: Service, package: Path) -> float:
    """Upload while all web processes are killed in the middle and come back; seconds."""

    def kill() -> None:
        time.sleep(2)
        for pid in service.processes("gunicorn"):
            os.kill(pid, signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    url, took = segmented(service, package, service.port)
    killer.join()
    state = deposited(service, package, url, service.port)
    print(f"server killed in the middle: {took:.1f} s, then {state}")
    return took


def full_disk() -> None:
    """A staging area of 64 MiB: an upload that does not fit is refused at once, one that fits has its room."""
    with tempfile.TemporaryDirectory(prefix="small-disk-") as folder:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", folder], check=True)
        try:
            _fill(Path(folder))
        finally:
            subprocess.run(["umount", folder], check=True)


def _fill(disk: Path) -> None:
    with (
        running(STAGING_ROOT=str(disk / "staging"), RESERVED_BYTES="0") as service,
        tempfile.TemporaryDirectory() as folder,
    ):
        package = make_package(Path(folder), 40 * 2**20)
        sender = uploader(service, service.port)
        told = _File.of(package)
        url = sender._begin(told)
        # The disk fills up while the upload is under way; its own room is its own.
        (disk / "other").write_bytes(b"x" * 8 * 2**20)
        try:
            other = uploader(service, service.port)
            other._retries = 0
            other._begin(told)
            raise SystemExit("An upload without room was begun.")
        except UnavailableError as refused:
            print(f"full disk: a second upload is refused with {refused.status}: {refused.summary}")
        sender.upload(package, resume=url)
        print(f"full disk: the first one ends {deposited(service, package, url, service.port)}")


def rate(service: Service, package: Path) -> bool:
    """Compare the rates over a bad and a good line; whether the limits are kept."""
    whole = package.stat().st_size
    with line(service.port, 0) as (port, _):
        uncut(service, package, port)
        seconds = uncut(service, package, port)
    print(f"one request, line unbroken: {whole / seconds / 1e6:.0f} MB/s ({seconds:.1f} s)")
    with line(service.port, CUT_EVERY) as (port, log), Memory(service) as memory:
        url, took = segmented(service, package, port)
        cuts = len(log.read_text().split("\n")) - 1
    ratio = seconds / took
    print(f"segments, cut {cuts} times: {whole / took / 1e6:.0f} MB/s ({took:.1f} s)")
    print(f"ratio {ratio:.2f} (limit {LIMIT})")
    grown = memory.most - memory.before
    print(f"web process: {memory.before / 2**20:.0f} MiB before, at most {memory.most / 2**20:.0f} MiB")
    state = deposited(service, package, url, port)
    print(f"deposited: {state}")
    return ratio >= LIMIT and grown < FLAT and state == "done"


def main() -> None:
    """Measure, print, judge."""
    told = sys.argv[1:]
    size = int(told.pop(0)) if told and told[0].isdigit() else 4 * 1024**3
    parts = told or ["rate", "killed", "disk"]
    good = True
    if {"rate", "killed"} & {*parts}:
        with tempfile.TemporaryDirectory(prefix="bench-segments-") as folder:
            package = make_package(Path(folder), size)
            with running() as service:
                if "rate" in parts:
                    good = rate(service, package)
                if "killed" in parts:
                    killed(service, package)
    if "disk" in parts and os.geteuid() == 0:
        full_disk()
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
