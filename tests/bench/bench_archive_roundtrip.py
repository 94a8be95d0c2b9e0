"""Tree in, tree out: real packages through the archive and back, against git, swh.model, tar and diff.

    .venv/bin/python tests/bench/bench_archive_roundtrip.py package.tar.gz other.zip … [--folder FOLDER]

Each package is unpacked with tar or unzip and loaded by us. The root's identifier must be the one that swh.model
computes from the unpacked tree and, when it has no empty directory, git's; our tar of it, unpacked, must show no
difference to ``diff -r``, and have the same modes.
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from swh.model import from_disk

from tests.bench.archive_setup import archive, empty, load_package


def unpack(package: Path, target: Path) -> None:
    """With the system's own tools."""
    target.mkdir()
    if package.suffix in (".zip", ".whl"):
        subprocess.run(["unzip", "-q", package, "-d", target], check=True)
    else:
        subprocess.run(["tar", "-xf", package, "-C", target], check=True)


def git_tree(tree: Path, repository: Path) -> str:
    """What git calls the tree."""
    command = ["git", f"--git-dir={repository}", f"--work-tree={tree}", "-c", "core.fileMode=true"]
    subprocess.run([*command, "init", "-q"], check=True)
    subprocess.run([*command, "-c", "core.autocrlf=false", "add", "-A", "-f", "."], check=True, cwd=tree)
    return subprocess.run([*command, "write-tree"], check=True, capture_output=True, text=True).stdout.strip()


def has_empty_directory(tree: Path) -> bool:
    """git does not know empty directories."""
    return any(not folders and not files for _, folders, files in os.walk(tree))


def swhid(tree: Path) -> str:
    """What swh.model calls the tree."""
    return str(from_disk.Directory.from_disk(path=os.fsencode(tree), max_content_length=None).hash.hex())


def round_trip(package: Path, scratch: Path) -> str:
    """One package; a line about it. Raises SystemExit at the first difference."""
    from archive import tar  # noqa: PLC0415 - settings exist only now

    work = scratch / f"{time.monotonic_ns()}"
    work.mkdir()
    unpack(package, work / "in")
    started = time.perf_counter()
    root, stats, _ = load_package(package)
    seconds = time.perf_counter() - started
    expected = swhid(work / "in")
    if root.hex() != expected:
        raise SystemExit(f"{package.name}: ours is {root.hex()}, swh.model's {expected}")
    by_git = "has empty directories"
    if not has_empty_directory(work / "in"):
        by_git = "as git"
        if git_tree(work / "in", work / "git") != root.hex():
            raise SystemExit(f"{package.name}: git disagrees")
    out = work / "out.tar"
    with out.open("wb") as file:
        file.writelines(tar.stream_tar(root))
    unpack(out, work / "out")
    subprocess.run(["diff", "-r", "--no-dereference", work / "in", work / "out"], check=True)
    if swhid(work / "out") != expected:
        raise SystemExit(f"{package.name}: a mode came back different")
    return (
        f"{package.name}: {stats.members} files, swh:1:dir:{expected}, as swh.model, {by_git}, {seconds:.2f}s"
    )


def main() -> int:
    """All packages, into one archive."""
    parser = argparse.ArgumentParser()
    parser.add_argument("packages", type=Path, nargs="+")
    parser.add_argument("--folder", type=Path, default=None)
    options = parser.parse_args()
    with archive(options.folder) as scratch:
        empty(scratch)
        for package in options.packages:
            print(round_trip(package, scratch), flush=True)
    print(f"{len(options.packages)} packages came back as they went in")
    return 0


if __name__ == "__main__":
    sys.exit(main())
