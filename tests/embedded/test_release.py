"""Releases: what is refused, and what comes of it, each in a repository of its own with the files of this one."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from client import __version__ as client_version
from deposit import __version__
from deposit.api.schema import versioned
from embedded.release_notes import ReleaseError, git, notes_of, read_release, versions

REPOSITORY = Path(__file__).resolve().parents[2]
LOG = """# Changes

## [Unreleased]

## [1.0.0] - 2026-12-01

### What an operator must do

Nothing.

## [0.9.0] - 2026-11-01
"""


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This working tree, committed, whatever it is of."""
    root = tmp_path_factory.mktemp("release") / "original"
    listed = subprocess.run(
        ["git", "-C", REPOSITORY, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        check=True,
        capture_output=True,
    ).stdout
    there = [name for name in listed.decode().split("\0") if name and (REPOSITORY / name).is_file()]
    for name in there:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(REPOSITORY / name, root / name)
    git(root, "init", "-q")
    _commit(root)
    return root


@pytest.fixture
def checkout(original: Path, tmp_path: Path) -> Path:
    """A clone of it, to spoil."""
    subprocess.run(["git", "clone", "-q", "--shared", original, tmp_path / "checkout"], check=True)
    return tmp_path / "checkout"


def _commit(root: Path) -> None:
    git(root, "add", "--all")
    git(root, "-c", "user.name=A", "-c", "user.email=a@example.org", "commit", "-qm", "All", "--allow-empty")


def _change(root: Path, name: str, pattern: str, text: str) -> None:
    path = root / name
    changed, count = re.subn(pattern, text, path.read_text(), count=1)
    assert count == 1
    path.write_text(changed)
    _commit(root)


def test_one_version_stands_everywhere() -> None:
    assert set(versions(REPOSITORY).values()) == {__version__}
    images = re.findall(
        r"/deposit-server:(\S+)", (REPOSITORY / "deploy" / "kubernetes" / "deposit.yaml").read_text()
    )
    assert set(images) == {__version__}
    assert client_version == __version__


def test_the_client_and_the_api_say_it() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "client", "--version"],
        cwd=REPOSITORY,
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout.split()[-1] == __version__
    assert versioned({"info": {}})["info"] == {"version": __version__}


def test_the_changes_of_this_version_say_what_operators_do() -> None:
    changelog = (REPOSITORY / "CHANGELOG.md").read_text()
    assert f"## [{__version__}]" not in changelog or "What an operator must do" in changelog


def test_a_clean_checkout_can_be_released(checkout: Path) -> None:
    _change(checkout, "CHANGELOG.md", r"(?s)\A.*\Z", LOG.replace("1.0.0", __version__))
    wanted = read_release(checkout)
    assert (wanted.version, wanted.tag, wanted.revision) == (
        __version__,
        f"v{__version__}",
        git(checkout, "rev-parse", "HEAD"),
    )
    assert wanted.notes == f"Deposit server {__version__}\n\n### What an operator must do\n\nNothing.\n"


def test_a_changed_checkout_is_refused(checkout: Path) -> None:
    (checkout / "README.md").write_text("something else")
    with pytest.raises(ReleaseError, match=r"(?s)not committed.*README\.md"):
        read_release(checkout)


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("client/version.py", r"__version__ = .*"),
        ("debian/changelog", r"\Adeposit-server \([^)]*\)"),
        ("deploy/container/Containerfile", r"ARG VERSION=\S+"),
    ],
)
def test_another_version_in_one_place_is_refused(checkout: Path, name: str, pattern: str) -> None:
    _change(checkout, name, pattern, "something else")
    with pytest.raises(ReleaseError, match=f"{name} says none"):
        read_release(checkout)


def test_a_version_that_has_its_tag_is_refused(checkout: Path) -> None:
    git(checkout, "tag", f"v{__version__}")
    with pytest.raises(ReleaseError, match="released already"):
        read_release(checkout)


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("## [1.0.0] - 2026-12-01", "## [1.0.1] - 2026-12-01", "no heading"),
        ("## [1.0.0] - 2026-12-01", "## [1.0.0]", "no heading"),
        ("### What an operator must do", "### Added", "What an operator must do"),
        ("## [Unreleased]\n", "## [Unreleased]\n\n- Something.\n", "not released"),
    ],
)
def test_changes_without_the_release_are_refused(before: str, after: str, words: str) -> None:
    assert before in LOG
    with pytest.raises(ReleaseError, match=words):
        notes_of(LOG.replace(before, after), "1.0.0")


def _release(checkout: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "embedded.release", *words],
        cwd=checkout,
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "GIT_COMMITTER_NAME": "A", "GIT_COMMITTER_EMAIL": "a@example.org"},
    )


def _prepare(checkout: Path) -> None:
    """What the page says is done before: promises are written down, and changes are those of the release."""
    command = [sys.executable, "-m", "tests.support.promises"]
    subprocess.run(command, cwd=checkout, check=True, capture_output=True)
    _change(checkout, "CHANGELOG.md", r"(?s)\A.*\Z", LOG.replace("1.0.0", __version__))


def test_a_release_is_built_twice_and_tagged(checkout: Path) -> None:
    _prepare(checkout)
    without = ["--without", "debian", "--without", "image", "--without", "sbom"]
    dry = _release(checkout, "--dry-run", *without)
    assert (dry.returncode, git(checkout, "tag", "--list")) == (0, ""), dry.stderr
    results = checkout / ".cache" / "release" / __version__
    sums = (results / "SHA256SUMS").read_text()
    assert [line.split()[1] for line in sums.splitlines()] == [
        f"deposit_client-{__version__}-py3-none-any.whl",
        f"deposit_client-{__version__}.tar.gz",
    ]
    made = _release(checkout, *without)
    assert made.returncode == 0, made.stderr
    assert (results / "SHA256SUMS").read_text() == sums
    assert git(checkout, "cat-file", "-t", f"v{__version__}") == "tag"
    assert "What an operator must do" in git(checkout, "tag", "--list", "-n99", f"v{__version__}")
    again = _release(checkout, *without)
    assert (again.returncode, "released already" in again.stderr) == (1, True)


def test_the_client_is_whole_when_it_is_installed(checkout: Path, tmp_path: Path) -> None:
    uv = Path(sys.executable).parent / "uv"
    target = tmp_path / "installed"
    words = ["--no-build-isolation", "--no-deps", "--offline", "-q", "--python", sys.executable]
    words += ["--target", str(target), str(checkout / "client")]
    subprocess.run([uv, "pip", "install", *words], check=True)
    for command in (["--version"], ["package", "build", "--help"], ["upload", "--help"]):
        done = subprocess.run(
            [sys.executable, "-m", "client", *command],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(target)},
            check=False,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr


@pytest.mark.skipif(
    "TEST_CLIENTS" not in os.environ, reason="needs the index of packages: set TEST_CLIENTS=1"
)
def test_the_sbom_is_the_same_twice_and_of_this_version(checkout: Path) -> None:
    _prepare(checkout)
    done = _release(checkout, "--dry-run", "--without", "debian", "--without", "image", "--without", "client")
    assert done.returncode == 0, done.stderr
    results = checkout / ".cache" / "release" / __version__
    assert f'"version": "{__version__}"' in (results / f"deposit-server-{__version__}.cdx.json").read_text()
