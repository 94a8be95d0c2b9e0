"""A commit of a Git repository as a package: its very tree, with where it comes from."""

import io
import re
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from client.errors import UsageError
from client.packing import new_tar_gz
from client.trees import FILE, LINK, RUN, Tree, git_object

_MODES = {b"100644": FILE, b"100664": FILE, b"100755": RUN, b"120000": LINK}


@dataclass(frozen=True, kw_only=True, slots=True)
class Commit:
    """A commit. ``tree`` and ``commit`` in hexadecimal; ``origin`` the web address of its repository, or "".

    ``version`` is the tag that names it, or "".
    """

    folder: Path
    commit: str
    tree: str
    origin: str
    version: str

    @property
    def swhid(self) -> str:
        """Of the directory, as the deposit will get it."""
        return f"swh:1:dir:{self.tree}"

    @property
    def revision(self) -> str:
        """Of the commit, with its origin."""
        return f"swh:1:rev:{self.commit}" + (f";origin={self.origin}" if self.origin else "")


def commit_of(folder: Path, ref: str) -> Commit:
    """What ``ref`` names in the repository that ``folder`` is in. Raises `UsageError`."""
    if ref.startswith("-"):
        raise UsageError(f"{ref!r} names no commit.", "Give a branch, a tag or a commit, such as HEAD.")
    found = _git(folder, "rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")
    tree = _git(folder, "rev-parse", "--verify", f"{ref}^{{tree}}")
    if len(tree) != 40:
        raise UsageError(
            "This repository names its objects by SHA-256; the identifiers of the archive are those of SHA-1.",
            "Deposit the folder instead.",
        )
    tag = _git(folder, "describe", "--tags", "--exact-match", found, failing=True)
    remote = _git(folder, "config", "--get", "remote.origin.url", failing=True)
    return Commit(
        folder=folder, commit=found, tree=tree, origin=web_address(remote), version=tag.removeprefix("v")
    )


def _git(folder: Path, *words: str, failing: bool = False) -> str:
    """The answer of git. ``failing``: it may say no, which is ""."""
    try:
        done = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, check=False)
    except FileNotFoundError as error:
        raise UsageError("The program git is not installed.", "Install it, or deposit the folder.") from error
    if done.returncode and not failing:
        said = done.stderr.decode(errors="replace").strip().removeprefix("fatal: ")
        named = f"{words[-1].partition('^')[0]!r} names no commit in {folder}"
        raise UsageError(
            f"Git says: {said}" if said else f"{named}.", "Give a branch, a tag or a commit, such as HEAD."
        )
    return "" if done.returncode else done.stdout.decode(errors="replace").strip()


def web_address(remote: str) -> str:
    """The address at which people find a repository; "" for one on a disk. Passwords are left out."""
    short = re.fullmatch(r"(?:[\w.-]+@)?([\w.-]+\.[\w.-]+):(?!//)(.+)", remote)
    if short:
        return f"https://{short[1]}/{short[2].removesuffix('.git').strip('/')}"
    full = re.fullmatch(r"(https?|ssh|git)://(?:[^/@]*@)?([^/:]+)(:\d+)?/(.+)", remote)
    if not full:
        return ""
    web = full[1] in ("http", "https")
    scheme, port = (full[1], full[3] or "") if web else ("https", "")
    return f"{scheme}://{full[2]}{port}/{full[4].removesuffix('.git').strip('/')}"


@contextmanager
def packed_commit(commit: Commit) -> Iterator[Path]:
    """A ``.tar.gz`` of exactly what a commit holds, whatever the working tree and its attributes say.

    Raises `UsageError` for submodules: a package cannot hold them, and the identifier would be another.
    """
    base = commit.folder.resolve().name or "package"
    with tempfile.TemporaryDirectory(prefix="deposit-") as temporary:
        target = Path(temporary) / f"{base}-{commit.version or commit.commit[:12]}.tar.gz".replace("/", "-")
        tree = Tree()
        with new_tar_gz(target) as tar, _contents(commit.folder) as content_of:
            for path, mode, blob in _entries(commit):
                _add(tar, path, mode, content_of(blob))
                tree.add(path, _MODES[mode], bytes.fromhex(blob.decode()))
        if tree.swhid() != commit.swhid:
            raise UsageError(
                "The tree of this commit has permissions or folders that no package keeps.",
                "Deposit the folder instead; its identifier is another than that of the commit.",
            )
        yield target


def _entries(commit: Commit) -> Iterator[tuple[bytes, bytes, bytes]]:
    """Path, mode and blob of every file, in git's order."""
    command = ["git", "-C", str(commit.folder), "ls-tree", "-r", "-z", "--full-tree", commit.tree]
    listed = subprocess.run(command, capture_output=True, check=True).stdout
    for line in filter(None, listed.split(b"\0")):
        described, _, path = line.partition(b"\t")
        mode, kind, blob = described.split(b" ")
        if kind == b"commit":
            raise UsageError(
                f"{path.decode(errors='replace')} is a submodule, which no package can hold as such.",
                "Deposit the folder with the submodule's files (git submodule update --init --recursive).",
            )
        yield path, mode, blob


@contextmanager
def _contents(folder: Path) -> Iterator[Callable[[bytes], bytes]]:
    """Ask git for blobs, by one process for all of them."""
    command = ["git", "-C", str(folder), "cat-file", "--batch"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin
        assert process.stdout
        asks: IO[bytes] = process.stdin
        answers: IO[bytes] = process.stdout

        def content_of(blob: bytes) -> bytes:
            asks.write(blob + b"\n")
            asks.flush()
            head = answers.readline().split()
            if len(head) != 3:
                raise UsageError(
                    "The repository lacks an object of this commit.", "Fetch it whole: git fetch --unshallow"
                )
            content = answers.read(int(head[2]))
            answers.read(1)
            if git_object(b"blob", content) != bytes.fromhex(blob.decode()):
                raise UsageError("The repository is damaged.", "git fsck tells more.")
            return content

        yield content_of


def _add(tar: tarfile.TarFile, path: bytes, mode: bytes, content: bytes) -> None:
    member = tarfile.TarInfo(path.decode("utf-8", "surrogateescape"))
    if _MODES[mode] == LINK:
        member.type, member.linkname = tarfile.SYMTYPE, content.decode("utf-8", "surrogateescape")
        tar.addfile(member)
    else:
        member.size, member.mode = len(content), 0o755 if _MODES[mode] == RUN else 0o644
        tar.addfile(member, io.BytesIO(content))


def ignored_in(folder: Path) -> Callable[[str], bool]:
    """What the .gitignore files of a folder name, whether or not it is a repository; git itself decides."""
    names = []
    for place in sorted(folder.rglob("*")):
        name = place.relative_to(folder).as_posix()
        if ".git" not in name.split("/"):
            names.append(name + ("/" if place.is_dir() and not place.is_symlink() else ""))
    with tempfile.TemporaryDirectory(prefix="deposit-") as empty:
        _git(Path(empty), "init", "-q", "--bare", "--template=", empty)
        command = ["git", f"--git-dir={empty}", f"--work-tree={folder.resolve()}", "-c", "core.excludesFile="]
        command += ["-c", "core.bare=false", "check-ignore", "-z", "--stdin", "--no-index"]
        asked = b"\0".join(name.encode("utf-8", "surrogateescape") for name in names)
        done = subprocess.run(command, input=asked, capture_output=True, check=False, cwd=folder)
    if done.returncode not in (0, 1):
        raise UsageError(f"Git says: {done.stderr.decode(errors='replace').strip()}")
    found = {name.decode("utf-8", "surrogateescape").rstrip("/") for name in done.stdout.split(b"\0") if name}
    return lambda name: name in found
