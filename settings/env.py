"""The environment, read in one place.

Every setting is an environment variable; ``NAME_FILE`` names a file that holds the value instead (for
secrets). Variables that are not set are looked up in an environment file: ``DEPOSIT_ENV_FILE`` if set, else
``DATA_DIR/deposit.env``, which ``make run`` writes. What is set in the environment wins over the file.
"""

import os
from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured

REPOSITORY = Path(__file__).resolve().parent.parent

# An unprivileged uid that every system has; the embedded database runs under it when we are root.
NOBODY = 65534


def _searchable_by_others(path: Path) -> bool:
    return all(parent.stat().st_mode & 0o001 for parent in path.resolve().parents if parent.exists())


def data_dir() -> Path:
    """Where everything that must survive a restart lives, when nothing else is configured.

    ``DATA_DIR`` if set, in the environment or in the file that ``DEPOSIT_ENV_FILE`` names; else the folder of that
    file, when the archive is there. Without such a file ``data/`` in the checkout, or ``/var/lib/deposit-server`` for
    root when the unprivileged uid of the embedded database could not reach the checkout. Raises ImproperlyConfigured
    rather than look for one service's archive in another's folder.
    """
    named = os.environ.get("DEPOSIT_ENV_FILE")
    file = Path(named).resolve() if named and Path(named).is_file() else None
    if file:
        environ.FileAwareEnv.read_env(file)
    given = os.environ.get("DATA_DIR")
    if given:
        return Path(given).resolve()
    if file and (file.parent / "archive").is_dir():
        return file.parent
    if file and not {"ARCHIVE_ROOT", "STAGING_ROOT"} <= os.environ.keys():
        raise ImproperlyConfigured(
            f"{file} does not say where the data are, and neither does the environment. Set DATA_DIR, in either, to "
            "the folder that holds archive/ and staging/."
        )
    here = REPOSITORY / "data"
    if os.geteuid() == 0 and not _searchable_by_others(here):
        return Path("/var/lib/deposit-server")
    return here


def env_file() -> Path:
    """The file that completes the environment; it need not exist."""
    given = os.environ.get("DEPOSIT_ENV_FILE")
    return Path(given) if given else data_dir() / "deposit.env"


def read_env() -> environ.FileAwareEnv:
    """The environment completed by the environment file, as a typed reader."""
    env = environ.FileAwareEnv()
    path = env_file()
    if path.is_file():
        environ.FileAwareEnv.read_env(path)
    return env


def name_settings() -> None:
    """Where ``DJANGO_SETTINGS_MODULE`` names none: production, unless DEPOSIT_EMBEDDED says that it is a trial."""
    if "DJANGO_SETTINGS_MODULE" not in os.environ:
        is_trial = read_env().bool("DEPOSIT_EMBEDDED", default=False)
        os.environ["DJANGO_SETTINGS_MODULE"] = "settings.embedded" if is_trial else "settings.production"


def in_journal() -> bool:
    """Whether systemd's journal takes what this process says, and so knows when it said it."""
    return "JOURNAL_STREAM" in os.environ


def as_pair(name: str, values: list[float]) -> tuple[float, float]:
    """Two numbers of a setting, as warning and error. Raises ImproperlyConfigured for more or fewer."""
    if len(values) != 2:
        raise ImproperlyConfigured(f"{name} takes two numbers, warning,error; it has {len(values)}.")
    return values[0], values[1]
