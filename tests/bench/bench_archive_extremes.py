"""Very many files, and one very large one: time per file and memory must stay flat.

    .venv/bin/python tests/bench/bench_archive_extremes.py [--files 1000000] [--gigabytes 20] [--folder FOLDER]

Loads trees of 10^3 files up to ``--files`` (every file different, 30 to 200 bytes, 1,000 to a directory, and the most
in a single directory too), then one content of ``--gigabytes`` (half of it incompressible), each into an emptied
archive; reads all of it back and compares. Each load runs in a process of its own, whose peak memory is held against
the limit.
"""

import argparse
import hashlib
import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.bench.archive_setup import archive, empty

MEMORY_LIMIT = 200
FLAT_LIMIT = 1.5
_BLOCK = 1024**2


def blocks(gigabytes: float) -> Iterator[bytes]:
    """Deterministic bytes: a random block and a text block in turn, every one different."""
    noise, text = os.urandom(_BLOCK), b"The quick brown fox jumps over the lazy dog. " * 30_000
    for number in range(int(gigabytes * 1024)):
        head = number.to_bytes(8, "big")
        body = noise if number % 2 else text
        yield head + body[8:_BLOCK]


def load_files(count: int, per_directory: int) -> tuple[float, bytes]:
    """Load so many small files; the seconds it took and the root."""
    from django.db import transaction  # noqa: PLC0415 - settings exist only now

    from archive.ingest import Ingest  # noqa: PLC0415
    from archive.tree import Tree  # noqa: PLC0415

    started = time.perf_counter()
    tree = Tree()
    with Ingest() as ingest:
        for number in range(count):
            data = b"file %d\n" % number + hashlib.sha256(b"%d" % number).digest() * (1 + number % 6)
            tree.add_file(b"d%d/f%d" % (number // per_directory, number), ingest.add_content(data))
        root = ingest.add_tree(tree)
        ingest.seal()
        with transaction.atomic():
            ingest.publish()
    return time.perf_counter() - started, root


def read_files(count: int, root: bytes) -> float:
    """Read the tree back as a tar; the seconds it took."""
    from archive import tar  # noqa: PLC0415

    started = time.perf_counter()
    length = sum(map(len, tar.stream_tar(root)))
    if length < count * 1024:
        raise SystemExit(f"The tar has only {length} bytes.")
    return time.perf_counter() - started


def rebuild() -> float:
    """Drop the index and make it anew from the packs; the seconds it took. Ends the run when it is another."""
    from django.db import connection  # noqa: PLC0415 - settings exist only now

    from archive import maintenance  # noqa: PLC0415
    from archive.storage import default_storage  # noqa: PLC0415

    def state() -> object:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*), sum(length), sum(position) FROM archive_object")
            return cursor.fetchone()

    before = state()
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE archive_pack, archive_object, archive_origin, archive_visit CASCADE")
    started = time.perf_counter()
    for _ in maintenance.rebuild(default_storage()):
        pass
    seconds = time.perf_counter() - started
    if state() != before:
        raise SystemExit(f"The index was {before} and is {state()}.")
    return seconds


def load_large(gigabytes: float) -> tuple[float, bytes]:
    """Load one content; the seconds it took and its identifier."""
    from django.db import transaction  # noqa: PLC0415

    from archive.ingest import Ingest  # noqa: PLC0415

    started = time.perf_counter()
    with Ingest() as ingest:
        identifier = ingest.add_content_stream(blocks(gigabytes), int(gigabytes * 1024) * _BLOCK)
        ingest.seal()
        with transaction.atomic():
            ingest.publish()
    return time.perf_counter() - started, identifier


def read_large(gigabytes: float, identifier: bytes) -> float:
    """Read it back, hashing; the seconds it took."""
    from archive import retrieval  # noqa: PLC0415
    from archive.identifiers import SWHID, ObjectType, object_header  # noqa: PLC0415

    started = time.perf_counter()
    length, chunks = retrieval.open_content(SWHID(ObjectType.CONTENT, identifier))
    digest = hashlib.sha1(object_header(ObjectType.CONTENT, length), usedforsecurity=False)
    for chunk in chunks:
        digest.update(chunk)
    if digest.digest() != identifier:
        raise SystemExit("The large content came back different.")
    return time.perf_counter() - started


def alone(run: Callable[[], Any]) -> tuple[Any, int]:
    """The answer of a call in a process of its own, and that process's peak memory in MiB."""
    receive, send = multiprocessing.Pipe(duplex=False)

    def child(send: Connection) -> None:
        from django.db import connection  # noqa: PLC0415

        connection.connect()
        # The peak is inherited from the parent; this begins a new one.
        Path("/proc/self/clear_refs").write_text("5")
        answer = run()
        peak = next(
            line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")
        )
        send.send((answer, int(peak.split()[1]) // 1024))

    process = multiprocessing.get_context("fork").Process(target=child, args=(send,))
    process.start()
    send.close()
    try:
        answer, peak = receive.recv()
    except EOFError:
        raise SystemExit("The load failed.") from None
    process.join()
    return answer, peak


def rebuilt(what: str) -> int:
    """Rebuild and print; the peak in MiB."""
    seconds, peak = alone(rebuild)
    print(f"index of {what} made anew: {seconds:.2f}s, peak {peak} MiB", flush=True)
    return peak


def main() -> int:
    """Print figures; 0 when memory and cost per file stay within the limits."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--files", type=int, default=1_000_000)
    parser.add_argument("--gigabytes", type=float, default=20)
    parser.add_argument("--folder", type=Path, default=None)
    options = parser.parse_args()
    peaks: list[int] = []
    costs: list[float] = []
    with archive(options.folder) as scratch:
        counts = [10**power for power in range(3, 9) if 10**power <= options.files]
        for count, wide in [(count, 1000) for count in counts] + [(count, count) for count in counts[-1:]]:
            empty(scratch)
            (seconds, root), peak = alone(lambda: load_files(count, wide))  # noqa: B023
            if count == counts[-1]:
                peaks.append(rebuilt(f"{count} files"))
            back, back_peak = alone(lambda: read_files(count, root))  # noqa: B023
            print(
                f"{count} files, {wide} to a directory: {seconds:.2f}s, {seconds / count * 1e6:.0f} us each, "
                f"peak {peak} MiB; read back {back:.2f}s, peak {back_peak} MiB",
                flush=True,
            )
            peaks += [peak, back_peak]
            costs.append(seconds / count)
        if options.gigabytes:
            empty(scratch)
            (seconds, identifier), peak = alone(lambda: load_large(options.gigabytes))
            peaks.append(rebuilt(f"{options.gigabytes} GiB"))
            back, back_peak = alone(lambda: read_large(options.gigabytes, identifier))
            rate = options.gigabytes * 1024 / seconds
            print(
                f"{options.gigabytes} GiB: {seconds:.1f}s, {rate:.0f} MiB/s, peak {peak} MiB; read back {back:.1f}s, "
                f"{options.gigabytes * 1024 / back:.0f} MiB/s, peak {back_peak} MiB",
                flush=True,
            )
            peaks += [peak, back_peak]
    kept = max(peaks) < MEMORY_LIMIT
    print(f"peak memory: {max(peaks)} MiB, limit {MEMORY_LIMIT}: {'kept' if kept else 'MISSED'}")
    if len(costs) > 1:
        # The first thousand pay for opening everything; from 10^4 on the cost of a file must not grow.
        growth = costs[-1] / min(costs[1:])
        flat = growth <= FLAT_LIMIT
        print(
            f"cost of a file at the end / least: {growth:.2f}, limit {FLAT_LIMIT}: {'kept' if flat else 'MISSED'}"
        )
        kept = kept and flat
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
