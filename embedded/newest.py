"""``python3 -m embedded newest``: a part of lint and tests on the newest Python of this machine, in about a minute.

The whole runs on the Python that the environment was made with; this finds what a newer one has removed or changed.
Interpreters are sought on PATH, among pyenv's, and where uv keeps its own; uv may fetch one. Without any it says so.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from embedded.lint import ENVIRONMENT
from embedded.setup import REPOSITORY

# The newest that is tried: later ones may have no wheels yet of what we need.
NEWEST = (3, 14)
PLACE = REPOSITORY / ".cache" / "newest"
UV = Path(sys.executable).parent / "uv"
# Wide and quick: one part for each way in which a new Python breaks things. Settings, hostile packages and the sandbox,
# the archive, the checker, one whole life over HTTP, a delivery, and what the client computes by itself.
PART = [
    "tests/settings/test_env.py",
    "tests/packages/test_cases.py",
    "tests/packages/test_sandbox.py",
    "tests/archive/test_ingest.py",
    "tests/checker/test_checking.py",
    "tests/deposit/sword/test_contract.py",
    "tests/loader/test_workflow.py",
    "tests/client/test_packing.py",
    "tests/client/test_swhid.py",
]
# What ruff says does not depend on the interpreter; types do, and they are looked at where Python's own library is used
# most.
TYPED = ["client", "packages", "server", "settings"]


def version_of(python: Path) -> tuple[int, int]:
    """Its version; (0, 0) for what does not run, or has no ``venv``."""
    words = "import sys, venv; print(*sys.version_info[:2])"
    try:
        done = subprocess.run([python, "-c", words], check=False, capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return 0, 0
    found = re.fullmatch(r"(\d+) (\d+)\n", done.stdout)
    return (int(found[1]), int(found[2])) if found and done.returncode == 0 else (0, 0)


def candidates() -> list[Path]:
    """Interpreters that may be newer than this one."""
    minors = range(NEWEST[1], sys.version_info[1], -1)
    on_path = [shutil.which(f"python{NEWEST[0]}.{minor}") for minor in minors]
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    kept = Path.home() / ".local" / "share" / "uv" / "python"
    found = [Path(name) for name in on_path if name]
    return [*found, *pyenv.glob("3.*/bin/python"), *kept.glob("cpython-3.*/bin/python3")]


def newest() -> Path | None:
    """The newest that this machine has, up to `NEWEST`; None when it has none that is newer than ours."""
    known = {python: version_of(python) for python in candidates()}
    newer = {python: one for python, one in known.items() if sys.version_info[:2] < one <= NEWEST}
    return max(newer, key=lambda python: newer[python]) if newer else None


def fetch() -> Path | None:
    """One that uv fetches; None where it cannot be reached."""
    wanted = f"{NEWEST[0]}.{NEWEST[1]}"
    command = [str(UV), "python", "install", "-q", "--install-dir", str(PLACE / "python"), wanted]
    try:
        done = subprocess.run(command, check=False, capture_output=True, timeout=90)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return next((PLACE / "python").glob("cpython-*/bin/python3"), None) if done.returncode == 0 else None


def prepare(python: Path) -> Path:
    """An environment with all that is pinned. Raises CalledProcessError when something cannot be installed there."""
    venv = PLACE / "venv"
    subprocess.run([UV, "venv", "-q", "--clear", "--python", python, venv], check=True)
    installed = venv / "bin" / "python"
    words = ["--require-hashes", "-r", "requirements-dev.txt", "--python", str(installed)]
    subprocess.run([UV, "pip", "install", "-q", *words], check=True, cwd=REPOSITORY)
    return installed


def lint(python: Path) -> int:
    """The part of ``make lint`` that depends on the interpreter; the number of checks that failed."""
    version = ".".join(map(str, version_of(python)))
    rooms = sorted(path.parent.name for path in REPOSITORY.glob("*/__init__.py"))
    checks: list[list[str | Path]] = [
        # Whatever it warns of will be an error one day.
        [python, "-W", "error", "-m", "compileall", "-q", "-f", *rooms],
        [python, "-m", "mypy", "--python-version", version, "--cache-dir", PLACE / "mypy", *TYPED],
        [python, "-W", "ignore::RuntimeWarning", "manage.py", "makemigrations", "--check", "--dry-run"],
    ]
    here = {"PYTHONPYCACHEPREFIX": str(PLACE / "bytecode")}
    failed = 0
    for command in checks:
        done = subprocess.run(command, check=False, cwd=REPOSITORY, env={**os.environ, **ENVIRONMENT, **here})
        failed += done.returncode != 0
    return failed


def main() -> int:
    """0 when lint and tests are well, or with one line where there is no newer Python."""
    python = newest() or fetch()
    if python is None:
        print(
            "No Python newer than ours is on this machine, and uv cannot fetch one: not tried on a newer one."
        )
        return 0
    print(f"--- a part of lint and tests on {python} ({'.'.join(map(str, version_of(python)))})", flush=True)
    installed = prepare(python)
    failed = lint(installed)
    words = ["-m", "pytest", "-q", "-n", "auto", "--dist", "loadfile", "-p", "no:cacheprovider", *PART]
    tests = subprocess.run([installed, *words], check=False, cwd=REPOSITORY).returncode
    return int(bool(failed or tests))


if __name__ == "__main__":
    sys.exit(main())
