"""What is released: its version, which stands in several files, and what `CHANGELOG.md` says of it."""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

# Who reads the version, and where it stands there. The first is the one that the others have to equal.
PLACES = {
    "deposit/__init__.py": r'^__version__ = "([^"]+)"$',
    "client/version.py": r'^__version__ = "([^"]+)"$',
    "pyproject.toml": r'^version = "([^"]+)"$',
    "debian/changelog": r"\Adeposit-server \(([^)]+)\) ",
    "deploy/container/Containerfile": r"^ARG VERSION=(\S+)$",
    "deploy/kubernetes/deposit.yaml": r"image: \S+/deposit-server:(\S+)$",
}
FOR_OPERATORS = "### What an operator must do"


class ReleaseError(Exception):
    """Why this cannot be released, for whoever wants to."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Release:
    """One release. ``time``: of its commit, in seconds since 1970; all files that are built are of that time."""

    version: str
    revision: str
    time: int
    notes: str

    @property
    def tag(self) -> str:
        """What the tag is called."""
        return f"v{self.version}"


def git(root: Path, *words: str) -> str:
    """What git answers. Raises `subprocess.CalledProcessError`."""
    done = subprocess.run(["git", "-C", str(root), *words], check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout.strip()


def versions(root: Path) -> dict[str, str]:
    """The version by each file that names it; empty where none is found."""
    found = {
        place: re.search(form, (root / place).read_text(), re.MULTILINE) for place, form in PLACES.items()
    }
    return {place: match[1] if match else "" for place, match in found.items()}


def notes_of(changelog: str, version: str) -> str:
    """What the changelog says of a version, without its heading. Raises `ReleaseError`."""
    heading = rf"^## \[{re.escape(version)}\] - \d{{4}}-\d{{2}}-\d{{2}}$\n(.*?)(?=^## |\Z)"
    match = re.search(heading, changelog, re.MULTILINE | re.DOTALL)
    if not match:
        raise ReleaseError(f"CHANGELOG.md has no heading `## [{version}] - YYYY-MM-DD`")
    if FOR_OPERATORS not in match[1]:
        raise ReleaseError(f"CHANGELOG.md does not say of {version} `{FOR_OPERATORS}`, be it nothing")
    waiting = re.search(r"^## \[Unreleased\]$\n(.*?)(?=^## |\Z)", changelog, re.MULTILINE | re.DOTALL)
    if waiting and waiting[1].strip():
        raise ReleaseError(f"CHANGELOG.md has changes that are not released; move them to {version}")
    return match[1].strip()


def read_release(root: Path) -> Release:
    """What would be released from this checkout. Raises `ReleaseError` when it is not ready."""
    changed = git(root, "status", "--porcelain")
    if changed:
        raise ReleaseError(f"there are changes that are not committed:\n{changed}")
    found = versions(root)
    version = next(iter(found.values()))
    others = [f"{place} says {said or 'none'}" for place, said in found.items() if said != version]
    if not version or others:
        raise ReleaseError(f"the version is {version or 'missing'}, but {', '.join(others)}")
    if git(root, "tag", "--list", f"v{version}"):
        raise ReleaseError(f"v{version} is released already; the next needs another version")
    notes = f"Deposit server {version}\n\n{notes_of((root / 'CHANGELOG.md').read_text(), version)}\n"
    revision, time = git(root, "log", "-1", "--format=%H %ct").split()
    return Release(version=version, revision=revision, time=int(time), notes=notes)
