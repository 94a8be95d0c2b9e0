"""Run by the peer's own Python: one load with swh.loader.core into swh.storage; prints a line of JSON.

    python archive_peer_load.py package.tar.gz [folder for objects]

The storage's tables are in memory; its contents too, or in one synced file each when a folder is given.
"""

import functools
import http.server
import json
import os
import resource
import sys
import threading
import time
from pathlib import Path

from swh.loader.package.archive.loader import ArchiveLoader
from swh.storage import get_storage


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves the package, because the loader takes it by URL."""

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


def main() -> None:
    """Load once."""
    package = Path(sys.argv[1]).resolve()
    handler = functools.partial(Quiet, directory=str(package.parent))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    objects: dict[str, object] = {"cls": "memory"}
    if len(sys.argv) > 2:
        objects = {"cls": "pathslicing", "root": sys.argv[2], "slicing": "0:2/2:4/4:6", "compression": "none"}
    storage = get_storage("memory", objstorage=objects)
    artifact = {
        "time": "2020-01-01T00:00:00+00:00",
        "url": f"http://127.0.0.1:{server.server_port}/{package.name}",
        "filename": package.name,
        "version": "1",
        "length": package.stat().st_size,
    }
    os.sync()
    started = time.perf_counter()
    answer = ArchiveLoader(storage, "https://archive.example/origin", [artifact]).load()
    seconds = time.perf_counter() - started
    branches = storage.snapshot_get(bytes.fromhex(answer["snapshot_id"]))["branches"]
    released = next(one["target"] for one in branches.values() if one["target_type"] == "release")
    (release,) = storage.release_get([released])
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps({"seconds": seconds, "root": release.target.hex(), "memory": memory}))


if __name__ == "__main__":
    main()
