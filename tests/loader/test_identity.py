"""What the loader archives has the identifiers that git and swh.model give to the unpacked package."""

import io
import os
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest
from swh.model.from_disk import Directory

from archive.identifiers import SWHID
from archive.retrieval import read_object
from archive.tar import stream_tar
from deposit.models import Status
from tests.loader.conftest import Loaded

# path -> content; ("x", content) an executable, ("l", target) a symbolic link, None a directory.
Members = dict[bytes, bytes | tuple[str, bytes] | None]

MEMBERS: Members = {
    b"readme": b"hello\n",
    b"empty file": b"",
    b"run.sh": ("x", b"#!/bin/sh\n"),
    b"link": ("l", b"readme"),
    b"broken link": ("l", b"nowhere"),
    b"dir/to": ("l", b"../readme"),
    b"empty": None,
    b"a/very/deep/file": b"deep",
    b"a.very": b"sorts between",
    b"a-very": b"sorts before",
    b"a0": b"sorts after",
    b"same": b"hello\n",
    "ünïcødé/文件".encode(): b"names of all kinds",
    b"latin-1 \xe9\xff": b"not UTF-8",
    b" leading and trailing ": b"spaces",
    b"-rf": b"an option",
    b"big": bytes(range(256)) * 8192,
}


def make(members: Members, mode: str = "w:gz", **options: object) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(
        fileobj=buffer, mode=mode, encoding="utf-8", errors="surrogateescape", **options
    ) as tar:  # type: ignore[call-overload]
        for path, member in members.items():
            info = tarfile.TarInfo(os.fsdecode(path))
            content = b""
            if member is None:
                info.type, info.mode = tarfile.DIRTYPE, 0o755
            elif isinstance(member, tuple) and member[0] == "l":
                info.type, info.linkname = tarfile.SYMTYPE, os.fsdecode(member[1])
            elif isinstance(member, tuple):
                content, info.mode = member[1], 0o755
            else:
                content, info.mode = member, 0o644
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def unpack(members: Members, top: Path) -> Path:
    for path, member in members.items():
        place = top / os.fsdecode(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        if member is None:
            place.mkdir()
        elif isinstance(member, tuple) and member[0] == "l":
            place.symlink_to(os.fsdecode(member[1]))
        else:
            content = member[1] if isinstance(member, tuple) else member
            place.write_bytes(content)
            place.chmod(0o755 if isinstance(member, tuple) else 0o644)
    return top


def by_swh_model(top: Path) -> str:
    return str(Directory.from_disk(path=os.fsencode(top), max_content_length=None).swhid())


def by_git(top: Path) -> str:
    environment = {**os.environ, "GIT_DIR": str(top.parent / "git"), "GIT_WORK_TREE": str(top)}

    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", "-c", "core.autocrlf=false", *arguments],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()

    git("init", "-q")
    git("add", "-A", "--force", ".")
    return f"swh:1:dir:{git('write-tree')}"


@pytest.mark.parametrize(
    "options",
    [{"mode": "w"}, {"format": tarfile.GNU_FORMAT}, {"format": tarfile.PAX_FORMAT}, {"mode": "w:xz"}],
)
def test_a_tar_has_the_identifier_of_the_unpacked_tree(
    options: dict[str, object], loaded: Loaded, tmp_path: Path
) -> None:
    deposit = loaded(make(MEMBERS, **options))  # type: ignore[arg-type]
    assert deposit.status == Status.DONE, list(deposit.findings.values())
    assert deposit.swhid == by_swh_model(unpack(MEMBERS, tmp_path / "top"))


def test_git_agrees_where_it_has_no_empty_directories(loaded: Loaded, tmp_path: Path) -> None:
    members: Members = {path: member for path, member in MEMBERS.items() if member is not None}
    deposit = loaded(make(members))
    assert deposit.swhid == by_git(unpack(members, tmp_path / "top"))


def test_a_zip_has_the_identifier_of_the_unpacked_tree(loaded: Loaded, tmp_path: Path) -> None:
    members: Members = {
        b"readme": b"hello\n",
        b"run": ("x", b"#!/bin/sh\n"),
        b"link": ("l", b"readme"),
        b"empty": None,
        "ünïcødé/文件".encode(): b"",
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, member in members.items():
            kind, content = (member[0], member[1]) if isinstance(member, tuple) else ("f", member or b"")
            mode = {"x": 0o100755, "l": 0o120777, "f": 0o100644}[kind] if member is not None else 0o040755
            info = zipfile.ZipInfo(path.decode() + ("/" if member is None else ""))
            info.create_system, info.external_attr = 3, mode << 16
            archive.writestr(info, content)
    deposit = loaded(buffer.getvalue())
    assert deposit.status == Status.DONE, list(deposit.findings.values())
    assert deposit.swhid == by_swh_model(unpack(members, tmp_path / "top"))


def test_hard_links_are_files_with_the_same_content(loaded: Loaded, tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in (("original", b"content"), ("other", b"2")):
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(content), 0o755
            tar.addfile(info, io.BytesIO(content))
        for name, target in (("a", "original"), ("dir/b", "original"), ("c", "other")):
            link = tarfile.TarInfo(name)
            link.type, link.linkname, link.mode = tarfile.LNKTYPE, target, 0o755
            tar.addfile(link)
    deposit = loaded(buffer.getvalue())
    assert deposit.status == Status.DONE, list(deposit.findings.values())
    top = tmp_path / "top"
    top.mkdir()
    subprocess.run(["tar", "-xf", "-", "-C", top], check=True, input=buffer.getvalue())
    assert deposit.swhid == by_swh_model(top)


def test_packages_are_merged_and_the_newest_file_wins(loaded: Loaded, tmp_path: Path) -> None:
    older: Members = {
        b"pkg/kept": b"old",
        b"pkg/changed": b"old",
        b"pkg/run": b"",
        b"pkg/link": ("l", b"kept"),
    }
    newer: Members = {
        b"pkg/changed": b"new",
        b"pkg/run": ("x", b""),
        b"pkg/link": b"now a file",
        b"pkg/more": None,
    }
    deposit = loaded(make(older), make(newer, "w"))
    assert deposit.status == Status.DONE, list(deposit.findings.values())
    assert deposit.swhid == by_swh_model(unpack(older | newer, tmp_path / "top"))


def test_packages_that_contradict_each_other_are_rejected_with_the_path(loaded: Loaded) -> None:
    deposit = loaded(make({b"a": b"a file"}), make({b"a/b": b"below it"}))
    assert deposit.status == Status.REJECTED
    (finding,) = deposit.findings.filter(severity="error")
    assert (finding.area, finding.code) == ("archive", "package.conflict")
    assert "'a' is both a file and a directory" in finding.message


def test_the_tree_comes_back_byte_for_byte(loaded: Loaded, tmp_path: Path) -> None:
    deposit = loaded(make(MEMBERS))
    root = SWHID.parse(deposit.swhid or "").hash
    back = tmp_path / "back"
    back.mkdir()
    subprocess.run(["tar", "-xf", "-", "-C", back], check=True, input=b"".join(stream_tar(root)))
    expected = unpack(MEMBERS, tmp_path / "top")
    assert (
        subprocess.run(["diff", "-r", "--no-dereference", expected, back], capture_output=True).stdout == b""
    )
    assert by_swh_model(back) == by_swh_model(expected)


def test_a_second_load_of_the_same_content_writes_almost_nothing(loaded: Loaded, tmp_path: Path) -> None:
    noise = os.urandom(300_000)
    members: Members = {b"pkg/noise": noise, b"pkg/readme": b"x"}
    loaded(make(members), origin="https://hal.example.org/one")
    packs = {path: path.stat().st_size for path in (tmp_path / "archive/packs").rglob("*.zst")}
    second = loaded(make(members, "w:xz"), origin="https://hal.example.org/two")
    new = [path.stat().st_size for path in (tmp_path / "archive/packs").rglob("*.zst") if path not in packs]
    assert second.status == Status.DONE
    assert sum(packs.values()) > 300_000
    assert sum(new) < 10_000
    assert read_object(SWHID.parse(second.swhid or "")) != b""
