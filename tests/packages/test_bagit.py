"""Bags (RFC 8493): complete and valid, or told what is missing or wrong."""

import hashlib
import io
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from packages import PackageError
from packages.bagit import CODES, validate_bag

DECLARATION = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
Files = dict[str, bytes]


def _manifest(files: Files, algorithm: str = "sha256") -> bytes:
    payload = {name: data for name, data in files.items() if name.startswith("data/")}
    return b"".join(
        f"{hashlib.new(algorithm, data).hexdigest()}  {name}\n".encode() for name, data in payload.items()
    )


def good_bag() -> Files:
    """A valid bag: payload, manifest, tag manifest, Payload-Oxum."""
    files = {"data/a.txt": b"a\n", "data/deep/b.bin": bytes(range(256))}
    files["bagit.txt"] = DECLARATION
    files["bag-info.txt"] = b"Source-Organization: Archive\nPayload-Oxum: 258.2\n"
    files["manifest-sha256.txt"] = _manifest(files)
    tagged = hashlib.sha256(DECLARATION).hexdigest().encode()
    files["tagmanifest-sha256.txt"] = tagged + b"  bagit.txt\n"
    return files


def pack(tmp_path: Path, files: Files, base: str = "bag/") -> Path:
    """The bag as a tar."""
    path = tmp_path / "bag.tar"
    with tarfile.open(path, "w") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(base + name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def codes(path: Path) -> list[str]:
    return [problem.code for problem in validate_bag(path)]


@pytest.mark.parametrize("base", ["bag/", ""])
def test_a_valid_bag_has_no_problems(tmp_path: Path, base: str) -> None:
    assert validate_bag(pack(tmp_path, good_bag(), base)) == []


def test_algorithms_may_be_spelt_as_sword_spells_them(tmp_path: Path) -> None:
    files = good_bag()
    renamed = {name.replace("manifest-sha256", "manifest-sha-256"): data for name, data in files.items()}
    assert renamed.keys() != files.keys()
    renamed.pop("tagmanifest-sha-256.txt", None)
    assert codes(pack(tmp_path, renamed)) == []


def test_a_bag_made_by_the_reference_library_is_valid(tmp_path: Path) -> None:
    folder = tmp_path / "made"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / "per%cent.txt").write_bytes(b"x")
    (folder / "plain.txt").write_bytes(b"y" * 1000)
    subprocess.run([sys.executable, "-m", "bagit", "--quiet", "--sha512", "--md5", str(folder)], check=True)
    path = tmp_path / "made.tar"
    with tarfile.open(path, "w") as archive:
        archive.add(folder, "made")
    assert validate_bag(path) == []


Change = Callable[[Files], None]


def _set(name: str, data: bytes) -> Change:
    return lambda files: files.update({name: data})


def _drop(name: str) -> Change:
    def change(files: Files) -> None:
        del files[name]

    return change


def _add_to(name: str, data: bytes) -> Change:
    return lambda files: files.update({name: files[name] + data})


ZEROS = b"0" * 64
CASES: list[tuple[str, str, Change]] = [
    ("no declaration", "bagit.declaration", _drop("bagit.txt")),
    ("unknown version", "bagit.declaration", _set("bagit.txt", DECLARATION.replace(b"1.0", b"7.7"))),
    ("other encoding", "bagit.declaration", _set("bagit.txt", DECLARATION.replace(b"UTF-8", b"UTF-16"))),
    ("no manifest", "bagit.manifest", _drop("manifest-sha256.txt")),
    ("broken line", "bagit.manifest", _add_to("manifest-sha256.txt", b"nonsense\n")),
    ("short checksum", "bagit.manifest", _add_to("manifest-sha256.txt", b"abcd data/c\n")),
    ("unknown algorithm", "bagit.algorithm", _set("manifest-crc32.txt", b"00000000 data/a.txt\n")),
    ("path climbs", "bagit.path", _add_to("manifest-sha256.txt", ZEROS + b"  ../etc/passwd\n")),
    ("payload elsewhere", "bagit.path", _add_to("manifest-sha256.txt", ZEROS + b"  bagit.txt\n")),
    ("hole", "bagit.missing", _add_to("manifest-sha256.txt", ZEROS + b"  data/hole\n")),
    ("fetch is not followed", "bagit.missing", _add_to("manifest-sha256.txt", ZEROS + b"  data/remote\n")),
    ("missing tag file", "bagit.missing", _add_to("tagmanifest-sha256.txt", ZEROS + b"  gone.txt\n")),
    ("unlisted payload", "bagit.unlisted", _set("data/extra", b"x")),
    ("listed in one manifest of two", "bagit.unlisted", _set("manifest-md5.txt", b"")),
    ("changed payload", "bagit.checksum", _set("data/a.txt", b"b\n")),
    ("changed tag file", "bagit.checksum", _set("bagit.txt", DECLARATION.replace(b"\n", b"\r\n"))),
    ("wrong oxum", "bagit.oxum", _set("bag-info.txt", b"Payload-Oxum: 1.1\n")),
]


@pytest.mark.parametrize(("name", "code", "change"), CASES, ids=[case[0] for case in CASES])
def test_a_broken_bag_is_told_what_is_wrong(tmp_path: Path, name: str, code: str, change: Change) -> None:
    files = good_bag()
    change(files)
    assert code in codes(pack(tmp_path, files))
    assert set(codes(pack(tmp_path, files))) <= set(CODES)


def test_a_link_in_a_bag_is_refused(tmp_path: Path) -> None:
    path = pack(tmp_path, good_bag())
    with tarfile.open(path, "a") as archive:
        link = tarfile.TarInfo("bag/data/link")
        link.type, link.linkname = tarfile.SYMTYPE, "a.txt"
        archive.addfile(link)
    assert codes(path) == ["bagit.link"]


def test_many_problems_are_counted_and_not_all_listed(tmp_path: Path) -> None:
    files = good_bag() | {f"data/extra{number}": b"x" for number in range(300)}
    found = codes(pack(tmp_path, files))
    assert (len(found), found[-1]) == (101, "bagit.more")


def test_what_is_no_package_is_no_bag(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"not an archive")
    with pytest.raises(PackageError):
        validate_bag(path)
