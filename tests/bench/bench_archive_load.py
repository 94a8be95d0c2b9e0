"""Loading a source tree, against git and against the sum of what cannot be left out.

    .venv/bin/python tests/bench/bench_archive_load.py package.tar.gz [--runs 3] [--folder FOLDER]

In one run, alternating, it times (a) our load into a durable archive (PostgreSQL and packs synced), (b) ``git add``
and ``git write-tree`` of the unpacked tree in a new repository, (c) the bare sum, on one core: decompression (isal),
SHA-1 and SHA-256 of every member, and one sequential synced write of the same bytes. The medians' ratios are held
against the stated limits; the exit code says whether they were kept.

Our packs are compressed, so that we write fewer bytes and compute more. Two more sums are printed, without a limit:
with a write of only as many bytes as our packs have, as if compression cost nothing; and with the compression too.

Then the package is loaded again: once read again, once by asking the archive for all that its directory holds, as the
loader does with a package that it knows.
"""

import argparse
import hashlib
import os
import resource
import statistics
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import zstandard
from isal import igzip

from archive.packs.layout import SHARED_FRAME
from archive.packs.writer import LEVEL
from tests.bench.archive_setup import archive, empty, load_package

GIT_LIMIT = 1.5
BARE_LIMIT = 1.5
MEMORY_LIMIT = 200
KNOWN_LIMIT = 1.0


def timed(run: Callable[[], object]) -> float:
    """Seconds of wall clock."""
    os.sync()
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def git(tree: Path, repository: Path) -> str:
    """The tree's identifier, from a new repository."""
    command = ["git", f"--git-dir={repository}", f"--work-tree={tree}"]
    subprocess.run([*command, "init", "-q"], check=True)
    subprocess.run([*command, "config", "gc.auto", "0"], check=True)
    subprocess.run([*command, "add", "-A", "-f", "."], check=True, cwd=tree)
    return subprocess.run([*command, "write-tree"], check=True, capture_output=True, text=True).stdout.strip()


def decompress_and_hash(package: Path, members: list[int]) -> None:
    """Decompress the package, and hash as many bytes in as many pieces as it has members."""
    with igzip.open(package) as stream:  # type: ignore[no-untyped-call]
        for length in members:
            data = stream.read(length)
            hashlib.sha1(data, usedforsecurity=False)
            hashlib.sha256(data)
        while stream.read(1024**2):
            pass


def compress(package: Path) -> None:
    """What the package holds, in frames as our packs have them."""
    compressor = zstandard.ZstdCompressor(level=LEVEL, write_checksum=True)
    with igzip.open(package) as stream:  # type: ignore[no-untyped-call]
        while frame := stream.read(SHARED_FRAME):
            compressor.compress(frame)


def write(count: int, scratch: Path) -> float:
    """Seconds to write so many bytes, one after the other, and sync them."""
    block = os.urandom(1024**2)
    path = scratch / "bare"

    def run() -> None:
        with path.open("wb") as target:
            for at in range(0, count, len(block)):
                target.write(block[: count - at])
            target.flush()
            os.fsync(target.fileno())

    seconds = timed(run)
    path.unlink()
    return seconds


def bare(package: Path, lengths: list[int], packed: int, scratch: Path) -> dict[str, float]:
    """The seconds of the three sums; ``packed``: the bytes of our packs."""
    decompressed = timed(lambda: decompress_only(package))
    hashed = timed(lambda: decompress_and_hash(package, lengths))
    compressed = timed(lambda: compress(package)) - decompressed
    written = write(sum(lengths), scratch)
    fewer = write(packed, scratch)
    print(
        f"    decompression {decompressed:.2f}s, hashes {hashed - decompressed:.2f}s, "
        f"write of {sum(lengths)} bytes {written:.2f}s, of {packed} bytes {fewer:.2f}s, zstd {compressed:.2f}s"
    )
    return {"bare": hashed + written, "fewer": hashed + fewer, "zstd": hashed + compressed + fewer}


def decompress_only(package: Path) -> None:
    """Decompress the package."""
    with igzip.open(package) as stream:  # type: ignore[no-untyped-call]
        while stream.read(1024**2):
            pass


def member_lengths(package: Path) -> list[int]:
    """The lengths of the files in the package."""
    with igzip.open(package) as stream:  # type: ignore[no-untyped-call]
        tar = tarfile.open(fileobj=stream, mode="r|")  # noqa: SIM115 - reads the stream above
        return [member.size for member in tar if member.isfile()]


def main() -> int:
    """Print the ratios; 0 when all limits are kept."""
    parser = argparse.ArgumentParser()
    parser.add_argument("package", type=Path)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=None)
    options = parser.parse_args()
    lengths = member_lengths(options.package)
    with archive(options.folder) as scratch:
        tree = scratch / "tree"
        tree.mkdir()
        subprocess.run(["tar", "-xzf", options.package, "-C", tree], check=True)
        seconds: dict[str, list[float]] = {
            name: [] for name in ("load", "git", "bare", "fewer", "zstd", "known")
        }
        for _ in range(options.runs):
            one_run(options.package, scratch, lengths, seconds)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return report(seconds, len(lengths), memory)


def one_run(package: Path, scratch: Path, lengths: list[int], seconds: dict[str, list[float]]) -> None:
    """Load into an emptied archive, then git, then the bare sum, then the same load again."""
    empty(scratch)
    loads: list[tuple[str, int]] = []
    trees: list[str] = []

    def load() -> None:
        root, stats, phases = load_package(package)
        loads.append((root.hex(), stats.bytes_written))
        print("   ", " ".join(f"{name}={value:.2f}s" for name, value in phases.items()))

    repository = scratch / f"git-{len(seconds['git'])}"
    seconds["load"].append(timed(load))
    seconds["git"].append(timed(lambda: trees.append(git(scratch / "tree", repository))))
    for name, value in bare(package, lengths, loads[0][1], scratch).items():
        seconds[name].append(value)
    again = timed(load)
    seconds["known"].append(timed(lambda: require_whole(loads[0][0])))
    if loads[0][0] != trees[0]:
        raise SystemExit(f"Our directory {loads[0][0]} is not git's {trees[0]}.")
    print(
        f"load {seconds['load'][-1]:.2f}s, git {seconds['git'][-1]:.2f}s, bare {seconds['bare'][-1]:.2f}s; "
        f"the same package again {again:.2f}s, writing {loads[1][1]} of {loads[0][1]} bytes; "
        f"known as a whole {seconds['known'][-1]:.2f}s"
    )


def require_whole(root: str) -> None:
    """Find all of the directory in the index."""
    from archive.index import has_whole_directory  # noqa: PLC0415 - settings exist only now

    if not has_whole_directory(bytes.fromhex(root)):
        raise SystemExit(f"The archive lacks something of {root}.")


def report(seconds: dict[str, list[float]], members: int, memory: int) -> int:
    """The medians, their ratios and the limits."""
    load, by_git, by_bare, fewer, zstd, known = (
        statistics.median(seconds[name]) for name in ("load", "git", "bare", "fewer", "zstd", "known")
    )
    print(f"{members} files: load {members / load:.0f} files/s, git {members / by_git:.0f} files/s")
    print(f"load / sum that writes as little as our packs are, uncompressed: {load / fewer:.2f}")
    print(f"load / sum with compression: {load / zstd:.2f}")
    kept = True
    for name, value, limit, good in (
        ("git / load (more is better)", by_git / load, GIT_LIMIT, by_git / load >= GIT_LIMIT),
        ("load / bare sum (less is better)", load / by_bare, BARE_LIMIT, load / by_bare <= BARE_LIMIT),
        ("known as a whole, s", known, KNOWN_LIMIT, known < KNOWN_LIMIT),
        ("peak memory, MiB", float(memory), float(MEMORY_LIMIT), memory < MEMORY_LIMIT),
    ):
        print(f"{name}: {value:.2f}, limit {limit:.2f}: {'kept' if good else 'MISSED'}")
        kept = kept and good
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
