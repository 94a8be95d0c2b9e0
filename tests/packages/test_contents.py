"""What a depositor is warned of, by the members of a package."""

import hashlib
from pathlib import Path

import pytest

from packages import Kind, Limits, open_package
from packages.contents import Contents
from packages.listing import Entry
from packages.sandbox import validate
from packages.warnings import WARNINGS
from tests.packages.building import ZipEntry, tar, tar_entry, zip_archive

KEY = b"-----BEGIN OPENSSH PRIVATE KEY-----\nxxxx\n"
LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12345\n"
EMPTY = hashlib.sha256(b"").hexdigest().encode()
FULL = hashlib.sha256(b"x").hexdigest().encode()
Files = dict[str, bytes]
CASES: list[tuple[str, set[str], Files]] = [
    ("plain files", set(), {"p/README": b"x", "p/a.txt": b"y"}),
    (
        "an archive beside the system's files",
        {"nested", "system-files"},
        {"p.tar.gz": b"x", "__MACOSX/._p.tar.gz": b"y"},
    ),
    (
        "an archive by its bytes, without a name",
        {"nested", "system-files"},
        {"p": b"\x1f\x8b\x08xx", ".DS_Store": b"y"},
    ),
    ("an archive among other files", set(), {"p.tar.gz": b"x", "README": b"y"}),
    ("Finder's files", {"system-files"}, {"p/a": b"x", "p/.DS_Store": b"y"}),
    ("AppleDouble files", {"system-files"}, {"p/a": b"x", "p/._a": b"y"}),
    ("the Explorer's files", {"system-files"}, {"p/a": b"x", "p/Thumbs.db": b"y"}),
    ("a pointer of Git LFS", {"lfs"}, {"p/a": b"x", "p/data.bin": LFS}),
    ("capitals", {"case"}, {"p/Readme": b"x", "p/README": b"y"}),
    ("composed and decomposed", {"case"}, {"p/\u00e9": b"x", "p/e\u0301": b"y"}),
    ("folders that differ in capitals", set(), {"p/A/x": b"x", "p/a/y": b"y"}),
    ("software without a licence", {"licence"}, {"p/setup.py": b"x", "p/a.py": b"y"}),
    ("software with a licence", set(), {"p/setup.py": b"x", "p/LICENSE.txt": b"y"}),
    ("software with a licence in British spelling", set(), {"p/Makefile": b"x", "p/licence": b"y"}),
    ("software with REUSE's licences", set(), {"p/pom.xml": b"x", "p/LICENSES/MIT.txt": b"y"}),
    ("Debian's licences", set(), {"p/configure": b"x", "p/debian/copyright": b"y"}),
    ("a backslash in a name", {"portable"}, {"p/a": b"x", "p/b\\c": b"y"}),
    ("a name that begins like a drive", {"portable"}, {"B::Concise.3pm": b"x", "b": b"y"}),
    ("a private key by its header", {"secret"}, {"p/a": b"x", "p/test.pem": KEY}),
    ("a private key by its name", {"secret"}, {"p/a": b"x", "p/id_rsa": b"y"}),
    ("a private key of PuTTY", {"secret"}, {"p/a": b"x", "p/my.ppk": b"PuTTY-User-Key-File-2: ssh-rsa\n"}),
    (
        "a public key",
        set(),
        {"p/a": b"x", "p/id_rsa.pub": b"ssh-rsa AAAA", "p/c.pem": b"-----BEGIN CERTIFICATE-----"},
    ),
    ("a token in a file of settings", {"secret"}, {"p/a": b"x", "p/.env": b"TOKEN=ghp_" + b"a" * 36}),
    ("settings without tokens", set(), {"p/a": b"x", "p/.env": b"DEBUG=1\n"}),
    ("an empty file that should not be", {"empty"}, {"p/a": b"", "p/SHA256SUMS": FULL + b"  a\n"}),
    ("an empty file as it should be", set(), {"p/a": b"", "p/SHA256SUMS": EMPTY + b" *./a\n"}),
]


def told(path: Path, limits: Limits | None = None) -> set[str]:
    """The warnings of a package, as the confined reader tells them."""
    proof = validate(path, limits or Limits(), alive=lambda: None)
    return {warning.code.removeprefix("package.warning.") for warning in proof.warnings}


@pytest.mark.parametrize(("about", "codes", "files"), CASES, ids=[case[0] for case in CASES])
@pytest.mark.parametrize("form", ["tar", "zip"])
def test_the_depositor_is_warned(
    form: str, about: str, codes: set[str], files: Files, tmp_path: Path
) -> None:
    path = tmp_path / "package"
    members = [(name.encode(), data) for name, data in files.items()]
    if form == "tar":
        path.write_bytes(tar(*(tar_entry(name, data) for name, data in members)))
    else:
        path.write_bytes(zip_archive(*(ZipEntry(name=name, data=data) for name, data in members)))

    assert told(path) == codes


def test_an_archive_in_a_folder_is_told(tmp_path: Path) -> None:
    path = tmp_path / "package"
    path.write_bytes(tar(tar_entry(b"p/", typeflag=b"5"), tar_entry(b"p/inner.zip", b"x")))

    assert told(path) == {"nested"}


def test_an_empty_submodule_is_told(tmp_path: Path) -> None:
    path = tmp_path / "package"
    modules = b'[submodule "a"]\n\tpath = lib/a\n\turl = x\n[submodule "b"]\n\tpath = lib/b\n'
    folders = (tar_entry(b"p/lib/%b/" % name, typeflag=b"5") for name in (b"a", b"b"))
    path.write_bytes(tar(tar_entry(b"p/.gitmodules", modules), *folders, tar_entry(b"p/lib/b/file", b"x")))

    warnings = validate(path, Limits(), alive=lambda: None).warnings

    assert [(one.code, one.subject) for one in warnings] == [("package.warning.submodule", "p/lib/a")]


def test_an_absolute_link_is_told_where_it_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "package"
    path.write_bytes(tar(tar_entry(b"l", typeflag=b"2", link=b"/dev/null")))

    assert told(path, Limits(links_outside=True)) == {"link"}


def test_many_of_a_kind_are_one_warning(tmp_path: Path) -> None:
    path = tmp_path / "package"
    path.write_bytes(tar(*(tar_entry(b"%d/.DS_Store" % n, b"x") for n in range(50)), tar_entry(b"a", b"x")))

    [warning] = validate(path, Limits(), alive=lambda: None).warnings

    assert (warning.subject, warning.message.endswith("This concerns 49 more.")) == ("0/.DS_Store", True)


def test_what_was_looked_at_can_still_be_read(tmp_path: Path) -> None:
    path = tmp_path / "package"
    path.write_bytes(
        zip_archive(ZipEntry(name=b"a", data=b"small"), ZipEntry(name=b"b", data=b"x" * 100_000))
    )

    with open_package(path) as package:
        contents = Contents(package.noted)
        seen = [
            contents.see(member) for member in package if member.kind is Kind.FILE and member.path == b"a"
        ]
        assert [b"".join(member.chunks()) for member in seen] == [b"small"]


ELF = b"\x7fELF\2\1\1" + bytes(60_000)
PRODUCTS: list[tuple[str, set[str], Files]] = [
    ("sources only", set(), {"p/a.c": b"x", "p/LICENSE": b"y"}),
    ("a program without an extension", {"build-product"}, {"p/a.c": b"x", "p/a": ELF}),
    ("a small program", {"build-product"}, {"p/a.c": b"x", "p/a": ELF[:200]}),
    ("a Windows program", {"build-product"}, {"p/a.c": b"x", "p/setup": b"MZ\x90\0\3\0" + bytes(99)}),
    (
        "a text that begins as one",
        set(),
        {"p/a.c": b"x", "p/MZ.txt": b"MZ is the mark of Mark Zbikowski.\n" * 9},
    ),
    ("an object file", {"build-product"}, {"p/a.c": b"x", "p/a.o": b"y"}),
    ("Java's classes", {"build-product"}, {"p/A.java": b"x", "p/A.class": b"\xca\xfe\xba\xbe"}),
    ("a folder of caches", {"build-product"}, {"p/a.py": b"x", "p/__pycache__/a.txt": b"y"}),
    ("a script that may be executed", set(), {"p/configure.sh": b"#!/bin/sh\n"}),
]


@pytest.mark.parametrize(("about", "codes", "files"), PRODUCTS, ids=[case[0] for case in PRODUCTS])
def test_products_are_told_where_sources_are_wanted(
    about: str, codes: set[str], files: Files, tmp_path: Path
) -> None:
    path = tmp_path / "package"
    path.write_bytes(tar(*(tar_entry(name.encode(), data) for name, data in files.items())))

    entries: list[Entry] = []
    proof = validate(path, Limits(source_only=True), alive=lambda: None, take=entries.extend)

    assert {warning.code.removeprefix("package.warning.") for warning in proof.warnings} == codes
    assert told(path) == set()
    # What was looked at is hashed whole.
    blobs = {e.path.decode(): e.blob for e in entries if e.kind is Kind.FILE}
    assert blobs == {
        name: hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).digest()
        for name, data in files.items()
    }


@pytest.mark.parametrize(
    ("files", "prefers_one", "prefers_none"),
    [
        ({"p/a": b"x", "p/b": b"y"}, False, True),
        ({"a": b"x", "b": b"y"}, True, False),
        ({"p/a": b"x", "b": b"y"}, True, False),
        ({"p/a": b"x", "q/b": b"y"}, True, False),
        ({"a": b"x"}, True, False),
    ],
)
def test_the_top_is_told_as_the_collection_prefers_it(
    files: Files, prefers_one: bool, prefers_none: bool, tmp_path: Path
) -> None:
    path = tmp_path / "package"
    path.write_bytes(tar(*(tar_entry(name.encode(), data) for name, data in files.items())))

    assert ("top-folder" in told(path, Limits(top_folder="one"))) is prefers_one
    assert ("top-folder" in told(path, Limits(top_folder="none"))) is prefers_none
    assert told(path) == set()


def test_every_warning_on_contents_has_a_case() -> None:
    known = {code.removeprefix("package.warning.") for code in WARNINGS}
    from_cases = {code for _, codes, _ in CASES for code in codes} | {"submodule", "link"}
    from_cases |= {"build-product", "top-folder"}
    assert from_cases <= known
    assert known - from_cases == {"backslash", "encoding", "end", "repeated", "special"}
