"""The members of a package make the very tree that ordinary tools unpack: same SWHID."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.packages.trees import directory_id, unpacked_id

TAR_COMMANDS = {
    "gnu": "tar --format=gnu -cf {package} -C {tree} .",
    "posix": "tar --format=posix -cf {package} -C {tree} .",
    "pax with sub-second times": "tar --format=pax --xattrs -cf {package} -C {tree} .",
    "names without ./": "cd {tree} && tar -cf {package} -- *",
    "gz": "tar -czf {package} -C {tree} .",
    "bz2": "tar -cjf {package} -C {tree} .",
    "xz": "tar -cJf {package} -C {tree} .",
    "zst": "tar --zstd -cf {package} -C {tree} .",
    "sorted, one owner": "tar --sort=name --owner=0 --group=0 --mtime=@0 -czf {package} -C {tree} .",
    "hard links as files": "tar --hard-dereference -cf {package} -C {tree} .",
    "large records": "tar -b 512 -cf {package} -C {tree} .",
}
ZIP_COMMANDS = {
    "zip": "cd {tree} && zip -qry {package}.zip . && mv {package}.zip {package}",
    "zip, stored": "cd {tree} && zip -qry0 {package}.zip . && mv {package}.zip {package}",
    "zip, no directories": "cd {tree} && zip -qryD {package}.zip . && mv {package}.zip {package}",
    "zip, bzip2": "cd {tree} && zip -qry -Z bzip2 {package}.zip . && mv {package}.zip {package}",
    "zip, forced zip64": "cd {tree} && zip -qry -fz {package}.zip . && mv {package}.zip {package}",
    "zip, no extra fields": "cd {tree} && zip -qryX {package}.zip . && mv {package}.zip {package}",
}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Files of all sorts that an honest source package has."""
    root = tmp_path / "tree"
    (root / "src/deep" / "/".join("abcdefgh")).mkdir(parents=True)
    (root / "empty").mkdir()
    (root / "src/main.c").write_bytes(b"int main(void) { return 0; }\n" * 100)
    (root / "src/empty.h").write_bytes(b"")
    (root / "configure").write_bytes(b"#!/bin/sh\n")
    (root / "configure").chmod(0o755)
    (root / "src" / ("n" * 200)).write_bytes(b"long name")
    (root / "src/deep/a/b/c" / ("m" * 120)).write_bytes(b"long path")
    (root / "é ü.txt").write_bytes(b"UTF-8 name")
    Path(os.fsdecode(bytes(root) + b"/latin1-\xe9")).write_bytes(b"other name")
    (root / "back\\slash").write_bytes(b"legal on Unix")
    (root / "-rf").write_bytes(b"a dash")
    (root / "noise").write_bytes(os.urandom(300_000))
    (root / "zeros").write_bytes(bytes(3_000_000))
    (root / "link").symlink_to("src/main.c")
    (root / "src/up").symlink_to("../configure")
    (root / "src/dangling").symlink_to("nowhere")
    (root / "src/target").symlink_to("t" * 150)
    os.link(root / "noise", root / "src/hard")
    return root


def run(command: str, **places: Path) -> None:
    subprocess.run(["/bin/sh", "-c", command.format(**places)], check=True, capture_output=True)


@pytest.mark.parametrize("command", TAR_COMMANDS.values(), ids=TAR_COMMANDS)
def test_tar_members_make_the_unpacked_tree(command: str, tree: Path, tmp_path: Path) -> None:
    package, unpacked = tmp_path / "package", tmp_path / "unpacked"
    unpacked.mkdir()
    for option, program in {"--zstd": "zstd", "-cjf": "bzip2", "-cJf": "xz"}.items():
        if option in command and not shutil.which(program):
            pytest.skip(f"{program} is not installed")
    run(command, package=package, tree=tree)
    run("tar -xf {package} -C {unpacked}", package=package, unpacked=unpacked)

    assert directory_id(package) == unpacked_id(unpacked) == unpacked_id(tree)


@pytest.mark.skipif(
    not (shutil.which("zip") and shutil.which("unzip")), reason="zip or unzip is not installed"
)
@pytest.mark.parametrize("command", ZIP_COMMANDS.values(), ids=ZIP_COMMANDS)
def test_zip_members_make_the_unpacked_tree(command: str, tree: Path, tmp_path: Path) -> None:
    package, unpacked = tmp_path / "package", tmp_path / "unpacked"
    run(command, package=package, tree=tree)
    run("unzip -qq {package} -d {unpacked}", package=package, unpacked=unpacked)

    assert directory_id(package) == unpacked_id(unpacked)


@pytest.mark.skipif(not shutil.which("git"), reason="git is not installed")
@pytest.mark.parametrize("form", ["tar", "tar.gz", "zip"])
def test_git_archive_makes_the_tree_that_git_names(form: str, tree: Path, tmp_path: Path) -> None:
    package = tmp_path / "package"
    git = "git -C {tree} -c user.name=a -c user.email=a@example.org -c core.autocrlf=false "
    (tree / "empty").rmdir()
    Path(
        os.fsdecode(bytes(tree) + b"/latin1-\xe9")
    ).unlink()  # git's zip does not say in which encoding names are
    (tree / "back\\slash").rename(
        tree / "src/back\\slash"
    )  # unzip takes a lone backslash of git's zip for '/'
    run(
        f"git -C {{tree}} init -q && git -C {{tree}} add -A && {git} commit -qm x && "
        f"git -C {{tree}} archive --format={form} HEAD > {{package}}",
        tree=tree,
        package=package,
    )
    named = subprocess.run(
        ["git", "-C", str(tree), "rev-parse", "HEAD^{tree}"], check=True, capture_output=True, text=True
    )

    assert directory_id(package) == f"swh:1:dir:{named.stdout.strip()}"
