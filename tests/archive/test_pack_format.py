"""A stranger reads a pack: only sha256sum, zstd, tar and git, as the format's description says."""

import random
import re
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from archive.identifiers import SWHID, ObjectType
from archive.ingest import Ingest
from archive.objects import Alias, Metadata, Release, Snapshot, Timestamp
from archive.packs import LARGE
from archive.storage import FileStorage
from tests.archive.conftest import add_package

needs_programs = pytest.mark.skipif(
    not (shutil.which("zstd") and shutil.which("git")), reason="zstd or git is not installed"
)

TYPES = {"cnt": "blob", "dir": "tree", "rel": "tag", "snp": "snapshot", "emd": "raw_extrinsic_metadata"}
DATE = datetime(2026, 1, 1, tzinfo=UTC)
DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "reference" / "pack-format.md"


@pytest.fixture
def pack(storage: FileStorage, db: None, tmp_path: Path) -> Path:
    source = random.Random(5)
    package = {b"dir/%d" % n: source.randbytes(n * 37) for n in range(200)}
    with Ingest(storage) as ingest:
        root = add_package(ingest, package | {b"large": source.randbytes(2 * LARGE + 3), b"empty": b""})
        target = SWHID(ObjectType.DIRECTORY, root)
        release = Release(name=b"1", target=target, author=b"A <a>", date=Timestamp.of(DATE), message=b"")
        named = SWHID(ObjectType.RELEASE, ingest.add_release(release))
        snapshot = ingest.add_snapshot(Snapshot({b"HEAD": Alias(b"1"), b"1": named}))
        ingest.add_metadata(
            Metadata(
                target=target,
                format="f",
                document=b"<a/>",
                authority=("a", "b"),
                fetcher=("c", "d"),
                discovery_date=DATE,
            )
        )
        ingest.add_visit("https://a.example/", snapshot=snapshot, date=DATE)
        ingest.seal()
        path = storage.path(ingest._packing.names[0])
        copy = tmp_path / path.name
        copy.write_bytes(path.read_bytes())
    return copy


def shell(command: str, **names: object) -> bytes:
    """A pipeline; the names are shell variables in it."""
    settings = {name: str(value) for name, value in names.items()}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command],
        env={"PATH": "/usr/bin:/bin", **settings},
        capture_output=True,
        check=True,
    )
    return done.stdout


def test_the_name_is_the_sha256_of_the_pack(pack: Path) -> None:
    assert shell('sha256sum < "$PACK"', PACK=pack).split()[0].decode() == pack.name.removesuffix(".tar.zst")


@needs_programs
def test_every_member_has_the_identifier_that_git_computes(pack: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    shell('zstd -dc "$PACK" | tar -xf - -C "$OUT"', PACK=pack, OUT=out)
    names = sorted(path.name for path in out.glob("swh:1:*"))
    kinds = [name.split(":")[2] for name in names]
    assert {kind: kinds.count(kind) for kind in TYPES} == {"cnt": 201, "dir": 2, "rel": 1, "snp": 1, "emd": 1}
    for kind, git_type in TYPES.items():
        mine = [name for name in names if name.split(":")[2] == kind]
        done = subprocess.run(
            ["git", "hash-object", "-t", git_type, "--literally", "--no-filters", *mine],
            cwd=out,
            check=True,
            capture_output=True,
            text=True,
        )
        assert done.stdout.split() == [name.split(":")[3] for name in mine]
    assert [path.name for path in (out / "visit").iterdir()] != []


@needs_programs
def test_one_content_is_cut_out_with_the_numbers_of_its_line(pack: Path, tmp_path: Path) -> None:
    (command,) = re.findall(r"^\$ (tail -c .*)$", DOCUMENT.read_text(), re.MULTILINE)
    for name in ("OFFSET", "STORED", "POSITION", "LENGTH"):
        command = re.sub(rf"\b{name}\b", f"${name}" if f"({name} " not in command else name, command)
    command = command.replace(" PACK ", ' "$PACK" ')
    index = shell('zstd -dc "$PACK" | tar -xOf - --wildcards "index/*"', PACK=pack).decode().splitlines()
    for line in random.Random(1).sample([line for line in index if line.startswith("swh:1:cnt:")], 20):
        name, sha256, length, offset, stored, position = line.split("\t")
        numbers = {"OFFSET": offset, "STORED": stored, "POSITION": position, "LENGTH": length}
        # `head` closes the pipe early, which is no failure here.
        data = shell("set +o pipefail; " + command, PACK=pack, **numbers)
        found = subprocess.run(["sha256sum"], input=data, capture_output=True, check=True).stdout.split()[0]
        assert (found.decode(), len(data)) == (sha256, int(length)), name
