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
    files["tagmanifest-sha256.txt"] = b"".join(
        f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n".encode()
        for name in ("bagit.txt", "manifest-sha256.txt")
    )
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


def _before(name: str, data: bytes) -> Change:
    return lambda files: files.update({name: data + files[name]})


def _twice(name: str) -> Change:
    return lambda files: files.update({name: files[name] * 2})


ZEROS = b"0" * 64
BOM = b"\xef\xbb\xbf"
CASES: list[tuple[str, str, Change]] = [
    ("no declaration", "bagit.declaration", _drop("bagit.txt")),
    ("unknown version", "bagit.declaration", _set("bagit.txt", DECLARATION.replace(b"1.0", b"7.7"))),
    ("three lines", "bagit.declaration", _add_to("bagit.txt", b"More: no\n")),
    (
        "lines in the other order",
        "bagit.declaration",
        _set("bagit.txt", b"\n".join(DECLARATION.split(b"\n")[1::-1])),
    ),
    ("blanks before the colon", "bagit.declaration", _set("bagit.txt", DECLARATION.replace(b":", b" :"))),
    ("byte-order mark in bagit.txt", "bagit.bom", _set("bagit.txt", BOM + DECLARATION)),
    ("byte-order mark in a manifest", "bagit.bom", _before("manifest-sha256.txt", BOM)),
    ("byte-order mark in bag-info.txt", "bagit.bom", _before("bag-info.txt", BOM)),
    ("unknown encoding", "bagit.encoding", _set("bagit.txt", DECLARATION.replace(b"UTF-8", b"KLINGON-1"))),
    ("no encoding of texts", "bagit.encoding", _set("bagit.txt", DECLARATION.replace(b"UTF-8", b"idna"))),
    (
        "other encoding than declared",
        "bagit.encoding",
        _set("bagit.txt", DECLARATION.replace(b"UTF-8", b"UTF-16")),
    ),
    ("bytes that are no UTF-8", "bagit.encoding", _add_to("bag-info.txt", b"Contact-Name: Andr\xe9\n")),
    ("the same file twice", "bagit.repeated", _twice("manifest-sha256.txt")),
    ("tag manifest without a manifest", "bagit.tagmanifest", _set("tagmanifest-sha256.txt", b"")),
    (
        "tag manifest in a tag manifest",
        "bagit.tagmanifest",
        _add_to("tagmanifest-sha256.txt", ZEROS + b"  tagmanifest-sha256.txt\n"),
    ),
    ("no label", "bagit.info", _add_to("bag-info.txt", b"no colon\n")),
    ("blanks before a colon", "bagit.info", _add_to("bag-info.txt", b"Contact-Name : X\n")),
    ("no blank behind a colon", "bagit.info", _add_to("bag-info.txt", b"Contact-Name:X\n")),
    ("oxum twice", "bagit.oxum", _add_to("bag-info.txt", b"payload-oxum: 258.2\n")),
    ("oxum that is no number", "bagit.oxum", _set("bag-info.txt", b"Payload-Oxum: all\n")),
    ("fetched file in no manifest", "bagit.fetch", _set("fetch.txt", b"https://example.org/c 3 data/c\n")),
    ("fetched from nowhere", "bagit.fetch", _set("fetch.txt", b"c.txt 3 data/a.txt\n")),
    ("fetched with a bad length", "bagit.fetch", _set("fetch.txt", b"https://example.org/c x data/a.txt\n")),
    (
        "a tag file that is fetched",
        "bagit.path",
        _set("fetch.txt", b"https://example.org/c - bag-info.txt\n"),
    ),
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


def test_a_hard_link_is_the_file_it_leads_to(tmp_path: Path) -> None:
    files = good_bag()
    digest = hashlib.sha256(files["data/a.txt"]).hexdigest().encode()
    files["manifest-sha256.txt"] += digest + b"  data/hard\n"
    files["bag-info.txt"] = b"Payload-Oxum: 260.3\n"
    del files["tagmanifest-sha256.txt"]
    path = pack(tmp_path, files)
    with tarfile.open(path, "a") as archive:
        link = tarfile.TarInfo("bag/data/hard")
        link.type, link.linkname = tarfile.LNKTYPE, "bag/data/a.txt"
        archive.addfile(link)
    assert codes(path) == []


def test_a_bag_without_payload_directory_is_told(tmp_path: Path) -> None:
    files = {"bagit.txt": DECLARATION, "manifest-sha256.txt": b"", "readme.txt": b"x"}
    files["tagmanifest-sha256.txt"] = good_bag()["tagmanifest-sha256.txt"].splitlines(keepends=True)[0]
    assert "bagit.payload" in codes(pack(tmp_path, files))


@pytest.mark.parametrize("version", ["0.97", "1.0"])
def test_another_normalisation_is_one_finding(tmp_path: Path, version: str) -> None:
    files = {"data/e\u0301te\u0301.csv": b"x", "bagit.txt": DECLARATION.replace(b"1.0", version.encode())}
    files["manifest-sha256.txt"] = f"{hashlib.sha256(b'x').hexdigest()}  data/\u00e9t\u00e9.csv\n".encode()
    problems = validate_bag(pack(tmp_path, files))
    assert [(problem.code, problem.subject) for problem in problems] == [
        ("bagit.normalization", "data/e\u0301te\u0301.csv")
    ]
    assert ("form NFC" in problems[0].message, "in NFD" in problems[0].message) == (True, True)


@pytest.mark.parametrize("encoding", ["UTF-16", "ISO-8859-1", "Shift_JIS"])
def test_tag_files_may_be_in_another_encoding(tmp_path: Path, encoding: str) -> None:
    name = "data/\u8868.txt" if encoding != "ISO-8859-1" else "data/\u00e9.txt"
    line = f"{hashlib.sha256(b'x').hexdigest()}  {name}\n"
    files = {name: b"x", "bagit.txt": DECLARATION.replace(b"UTF-8", encoding.encode())}
    files["manifest-sha256.txt"] = line.encode(encoding)
    assert codes(pack(tmp_path, files)) == []


PLAIN = hashlib.sha256(b"x").hexdigest()
FORMS = {
    "md5sum's binary star": f"{PLAIN} *data/a.txt\n",
    "a tab": f"{PLAIN}\tdata/a.txt\n",
    "capital digits": f"{PLAIN.upper()}  data/a.txt\n",
    "CRLF": f"{PLAIN}  data/a.txt\r\n",
    "CR": f"{PLAIN}  data/a.txt\r",
    "no line end": f"{PLAIN}  data/a.txt",
    "a leading ./": f"{PLAIN}  ./data/a.txt\n",
    "blank lines": f"\n{PLAIN}  data/a.txt\n\n",
}


@pytest.mark.parametrize("text", FORMS.values(), ids=FORMS)
def test_manifests_are_read_in_all_their_forms(tmp_path: Path, text: str) -> None:
    files = {"data/a.txt": b"x", "bagit.txt": DECLARATION, "manifest-sha256.txt": text.encode()}
    assert codes(pack(tmp_path, files)) == []


@pytest.mark.parametrize(
    ("version", "listed", "name"),
    [
        ("1.0", "100%25.txt", "100%.txt"),
        ("0.97", "100%25.txt", "100%25.txt"),
        ("0.97", "100%.txt", "100%.txt"),
    ],
)
def test_the_percent_sign_is_encoded_since_version_1(
    tmp_path: Path, version: str, listed: str, name: str
) -> None:
    declaration = DECLARATION.replace(b"1.0", version.encode())
    manifest = f"{PLAIN}  data/{listed}\n".encode()
    files = {f"data/{name}": b"x", "bagit.txt": declaration, "manifest-sha256.txt": manifest}
    assert codes(pack(tmp_path, files)) == []


def test_before_version_1_a_file_may_stand_in_one_manifest_of_two(tmp_path: Path) -> None:
    declaration = DECLARATION.replace(b"1.0", b"0.97")
    files = {"data/a": b"x", "data/b": b"x", "bagit.txt": declaration}
    files["manifest-sha256.txt"] = f"{PLAIN}  data/a\n".encode()
    files["manifest-md5.txt"] = f"{hashlib.md5(b'x').hexdigest()}  data/b\n".encode()
    assert codes(pack(tmp_path, files)) == []


def test_every_code_has_a_case() -> None:
    told = {code for _, code, _ in CASES}
    assert told >= set(CODES) - {
        "bagit.payload",
        "bagit.normalization",
        "bagit.link",
        "bagit.size",
        "bagit.more",
        "bagit.profile",
    }


def test_many_problems_are_counted_and_not_all_listed(tmp_path: Path) -> None:
    files = good_bag() | {f"data/extra{number}": b"x" for number in range(300)}
    found = codes(pack(tmp_path, files))
    assert (len(found), found[-1]) == (101, "bagit.more")


def test_what_is_no_package_is_no_bag(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"not an archive")
    with pytest.raises(PackageError):
        validate_bag(path)
