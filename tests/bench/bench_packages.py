"""How much the strict reader costs beyond decompression, and how much memory a million members take.

    python -m tests.bench.bench_packages [package ...]

Every ratio is taken in one run, as the best of several rounds of both sides in turn, in CPU seconds. Packages given as
arguments (tar.gz, plain tar) are measured, too. Exit code 1 if a limit is exceeded.
"""

import argparse
import io
import random
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, cast

from isal import igzip
from isal.isal_zlib import crc32

from packages import Kind, open_package
from packages.compression import deflate_decoder
from packages.limits import MIB, Limits

ROUNDS = 5
READ = 256 * 1024
TAR_FILES, ZIP_FILES, MANY_FILES = 40_000, 50_000, 1_000_000
TAR_LIMIT = 1.5
"""Reading a tar.gz of files of 16 KB on average, against bare decompression by isal."""
MEMBER_LIMIT = 10.0
"""Microseconds for one member beyond the codec."""
ZIPFILE_LIMIT = 1.0
"""Reading and verifying a zip archive of small files, against Python's zipfile doing so."""
MEMORY_LIMIT = 200
"""MiB of a process that goes through a million members."""


def seconds(rounds: int, *actions: Callable[[], object]) -> list[float]:
    """The best CPU time of each action; they take turns, so that noise meets all alike."""
    best = [float("inf")] * len(actions)
    for _ in range(rounds):
        for index, action in enumerate(actions):
            start = time.process_time()
            action()
            best[index] = min(best[index], time.process_time() - start)
    return best


def read_members(path: Path) -> int:
    """Read every member as the loader does; how many there are."""
    count = 0
    with open_package(path) as package:
        for member in package:
            count += 1
            if member.kind is Kind.FILE and member.size <= MIB:
                member.read()
            elif member.kind is Kind.FILE:
                for _ in member.chunks():
                    pass
    return count


def decompress(path: Path) -> None:
    """What cannot be avoided: the bytes, decompressed if they are compressed."""
    compressed = path.read_bytes()[:2] == b"\x1f\x8b"
    opened = igzip.open(path) if compressed else path.open("rb")  # type: ignore[no-untyped-call]
    with opened as stream:
        while stream.read(READ):
            pass


def gzip_file(path: Path) -> IO[bytes]:
    """A gzip file to write to, fast."""
    return cast(IO[bytes], igzip.open(path, "wb"))  # type: ignore[no-untyped-call]


def source_text(chance: random.Random, size: int) -> bytes:
    """Text that compresses about as well as source code does."""
    words = [b"%x" % chance.getrandbits(24) for _ in range(200)]
    text = b" ".join(chance.choices(words, k=size // 6))
    return text[:size]


def make_tar(path: Path) -> None:
    """A tar.gz of files whose sizes are spread as in a source tree (16 KB on average)."""
    chance = random.Random(1)
    texts = [source_text(chance, int(chance.lognormvariate(8.8, 1.3))) for _ in range(500)]
    with gzip_file(path) as stream, tarfile.open(fileobj=stream, mode="w|") as archive:
        for number in range(TAR_FILES):
            info = tarfile.TarInfo(
                f"source-1.0/part{number // 400}/module{number % 400 // 20}/file_{number}.c"
            )
            text = texts[number % len(texts)]
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text))


def make_zip(path: Path) -> None:
    """A zip archive of small files."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(ZIP_FILES):
            archive.writestr(f"data/part{number // 500}/file_{number}.txt", f"line {number}\n" * 100)


def make_many(path: Path) -> None:
    """A tar.gz of a million tiny files."""
    with gzip_file(path) as stream, tarfile.open(fileobj=stream, mode="w|") as archive:
        for number in range(MANY_FILES):
            info = tarfile.TarInfo(f"package/records/{number // 1000:04}/{number:07}.json")
            info.size = 20
            archive.addfile(info, io.BytesIO(b"%020d" % number))


def zip_codec(path: Path) -> Callable[[], object]:
    """Decompression and CRC of every member, with nothing around it."""
    data = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        places = [
            (i.header_offset + 30 + len(i.filename), i.compress_size, i.file_size) for i in archive.infolist()
        ]

    def run() -> None:
        for start, length, size in places:
            crc32(deflate_decoder(Limits()).decompress(data[start : start + length], size + 1))

    return run


def zip_test(path: Path) -> None:
    """Python's own check of a zip archive."""
    with zipfile.ZipFile(path) as archive:
        archive.testzip()


def peak_memory() -> int:
    """Peak memory of this process in MiB (rusage would report the parent's, if that was larger)."""
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) // 1024


def memory_of_many(path: Path) -> tuple[int, float]:
    """Peak memory (MiB) and seconds of a fresh process that goes through the package."""
    command = [sys.executable, "-m", "tests.bench.bench_packages", "--peak", str(path)]
    start = time.monotonic()
    peak = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return int(peak), time.monotonic() - start


def report(name: str, value: float, limit: float, detail: str) -> bool:
    """One line of the report; whether the value keeps its limit."""
    kept = value <= limit
    print(f"{'ok  ' if kept else 'OVER'} {name}: {value:.2f} (limit {limit:g}); {detail}")
    return kept


def measure_tar(path: Path, name: str) -> bool:
    count = read_members(path)
    bare, whole = seconds(ROUNDS, lambda: decompress(path), lambda: read_members(path))
    each = (whole - bare) / count * 1e6
    detail = f"{whole:.2f} s / {bare:.2f} s for {count} members of {path.stat().st_size / MIB:.0f} MiB"
    kept = report(f"{name}, microseconds per member beyond the codec", each, MEMBER_LIMIT, detail)
    if path.read_bytes()[:2] == b"\x1f\x8b":
        kept &= report(f"{name}, ratio to bare decompression", whole / bare, TAR_LIMIT, detail)
    return kept


def measure_zip(path: Path) -> bool:
    codec, whole, others = seconds(
        ROUNDS, zip_codec(path), lambda: read_members(path), lambda: zip_test(path)
    )
    detail = (
        f"{whole:.2f} s; codec alone {codec:.2f} s, zipfile.testzip {others:.2f} s for {ZIP_FILES} members"
    )
    kept = report(
        "zip, microseconds per member beyond the codec",
        (whole - codec) / ZIP_FILES * 1e6,
        MEMBER_LIMIT,
        detail,
    )
    return kept & report("zip, ratio to zipfile.testzip", whole / others, ZIPFILE_LIMIT, detail)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("packages", nargs="*", type=Path)
    parser.add_argument(
        "--peak", type=Path, help="only go through this package and print the peak memory in MiB"
    )
    arguments = parser.parse_args()
    if arguments.peak:
        read_members(arguments.peak)
        print(peak_memory())
        return 0
    kept = True
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        make_tar(place / "tree.tar.gz")
        kept &= measure_tar(place / "tree.tar.gz", "tar.gz")
        make_zip(place / "files.zip")
        kept &= measure_zip(place / "files.zip")
        make_many(place / "many.tar.gz")
        peak, took = memory_of_many(place / "many.tar.gz")
        kept &= report("a million members, MiB", peak, MEMORY_LIMIT, f"{took:.1f} s with the start of Python")
    for path in arguments.packages:
        kept &= measure_tar(path, path.name)
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
