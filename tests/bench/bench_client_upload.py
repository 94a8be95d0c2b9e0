"""``deposit upload`` over a line that is cut ten times: ``python -m tests.bench.bench_client_upload [BYTES]`` (4 GiB).

The command as a person gives it, in a process of its own, which must end well, with one deposit that is done and has
the very bytes. It prints how often the line was cut, the rates with and without cuts, and the memory of the client.
Exits with 1 when something arrived twice, or not at all.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx

from client.uploading import _hash
from tests.bench.bench_segments import line, make_package
from tests.bench.service import REPOSITORY, Service, running

CUTS = 10
# A command that had to be started again would count as one that failed.
TIMEOUT = 900


def upload(service: Service, package: Path, port: int, home: Path) -> tuple[int, float]:
    """Give the command over a line; the number of its deposit, and the seconds until it had arrived."""
    demo = service.demo
    environment = {
        **os.environ,
        "HOME": str(home),
        "DEPOSIT_BASE_URL": f"http://127.0.0.1:{port}/1/",
        "DEPOSIT_USER": demo["DEPOSIT_USER"],
        "DEPOSIT_PASSWORD": demo["DEPOSIT_PASSWORD"],
    }
    words = ["upload", str(package), "--name", "A large file", "--author", "Nobody", "--json"]
    words += ["--collection", demo["DEPOSIT_COLLECTION"]]
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "client", *words],
        cwd=REPOSITORY,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
    )
    took = time.monotonic() - started
    if done.returncode:
        raise SystemExit(f"deposit upload ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return int(json.loads(done.stdout)["deposit_id"]), took


def ended(service: Service, deposit_id: int) -> dict[str, object]:
    """Wait for the end of a deposit; what the API says of it."""
    auth = (service.demo["DEPOSIT_USER"], service.demo["DEPOSIT_PASSWORD"])
    while True:
        answer = httpx.get(f"http://127.0.0.1:{service.port}/api/deposits/{deposit_id}/", auth=auth)
        answer.raise_for_status()
        document: dict[str, object] = answer.json()
        if document["status"] not in ("partial", "deposited", "verified", "loading"):
            return document
        time.sleep(0.5)


def main() -> None:
    """Measure, print, judge."""
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 4 * 1024**3
    with tempfile.TemporaryDirectory(prefix="bench-client-") as folder, running() as service:
        package = make_package(Path(folder), size)
        whole = package.stat().st_size
        sha256 = _hash(package, 0, whole).hex()
        with line(service.port, whole // (CUTS + 1)) as (port, log):
            deposit_id, took = upload(service, package, port, Path(folder))
            cuts = len(log.read_text().split("\n")) - 1
        print(f"deposit upload, cut {cuts} times: {whole / took / 1e6:.0f} MB/s ({took:.1f} s)")
        document = ended(service, deposit_id)
        auth = (service.demo["DEPOSIT_USER"], service.demo["DEPOSIT_PASSWORD"])
        found = httpx.get(f"http://127.0.0.1:{service.port}/api/deposits/", auth=auth).json()
        mine = [one for one in found["results"] if one["title"] == "A large file"]
        parts = [part["sha256"] for part in document["parts"] if part["kind"] == "package"]  # type: ignore[attr-defined]
        print(f"deposit {deposit_id} is {document['status']}; deposits of that title: {len(mine)}")
        print(f"the bytes are {'the same' if parts == [sha256] else 'OTHERS'}")
        most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        print(f"memory of the client: at most {most // 1024} MiB")
        good = document["status"] == "done" and len(mine) == 1 and parts == [sha256] and cuts >= CUTS
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
