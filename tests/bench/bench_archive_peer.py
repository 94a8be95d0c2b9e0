"""Loading a source tree, against Software Heritage's own loader in the same run.

    .venv/bin/python tests/bench/bench_archive_peer.py package.tar.gz --peer PYTHON [--runs 3] [--folder FOLDER]

PYTHON is an interpreter that has swh.loader.core 5.24 and swh.storage 4.3 from PyPI. The peer's tables are in memory,
which is to its favour: ours are in a synced PostgreSQL. Its contents are (a) in memory too, (b) in one synced file
each, as in production. Both make the same directory identifier, or the benchmark fails.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.bench.archive_setup import archive, empty, load_package

MEMORY_LIMIT, FILES_LIMIT = 1.0, 10.0
PEER = Path(__file__).with_name("archive_peer_load.py")


def peer(python: Path, package: Path, objects: Path | None) -> tuple[float, str]:
    """The peer's seconds, without its start, and the root it found."""
    command = [str(python), str(PEER), str(package)]
    if objects is not None:
        objects.mkdir()
        command.append(str(objects))
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    answer = json.loads(done.stdout.splitlines()[-1])
    print(
        f"    peer {'files' if objects else 'memory'}: {answer['seconds']:.2f}s, {answer['memory']} MiB",
        flush=True,
    )
    return answer["seconds"], answer["root"]


def main() -> int:
    """Print the ratios; 0 when the limits are kept."""
    parser = argparse.ArgumentParser()
    parser.add_argument("package", type=Path)
    parser.add_argument("--peer", type=Path, required=True)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=None)
    options = parser.parse_args()
    seconds: dict[str, list[float]] = {"ours": [], "memory": [], "files": []}
    with archive(options.folder) as scratch:
        for run in range(options.runs):
            empty(scratch)
            started = time.perf_counter()
            root, _, _ = load_package(options.package)
            seconds["ours"].append(time.perf_counter() - started)
            print(f"    ours: {seconds['ours'][-1]:.2f}s", flush=True)
            for kind, objects in (("memory", None), ("files", scratch / f"objects-{run}")):
                taken, theirs = peer(options.peer, options.package, objects)
                if theirs != root.hex():
                    raise SystemExit(f"The peer's directory is {theirs}, ours {root.hex()}.")
                seconds[kind].append(taken)
    ours = statistics.median(seconds["ours"])
    kept = True
    for kind, limit in (("memory", MEMORY_LIMIT), ("files", FILES_LIMIT)):
        ratio = statistics.median(seconds[kind]) / ours
        print(
            f"peer with contents in {kind} / ours: {ratio:.1f}, limit {limit}: {'kept' if ratio >= limit else 'MISSED'}"
        )
        kept = kept and ratio >= limit
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
