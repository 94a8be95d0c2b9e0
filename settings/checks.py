"""``manage.py check --deploy``: the folders, the database, the broker and the storage, as they really are.

Each message says what to do. Codes: ``settings.E01x`` folders, ``E02x`` database, ``E03x`` broker.
"""

import os
import stat
import tempfile
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import Error as DatabaseError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from settings.celery import app
from settings.database import LIMITS, OTHER_SESSIONS
from settings.postgres.base import DatabaseWrapper

OLDEST_POSTGRESQL = 15
BROKER_SECONDS = 6
_LITTLE_SPACE = 1024**3


@register(Tags.files, deploy=True)
def check_folders(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Each folder is there, closed to others, and takes a file that reaches the disk."""
    folders = {"STAGING_ROOT": settings.STAGING_ROOT, "ARCHIVE_ROOT": settings.ARCHIVE_ROOT}
    if settings.CELERY_BROKER_URL.startswith("filesystem:"):
        folders["CELERY_BROKER_DIR"] = settings.CELERY_BROKER_DIR
    return [problem for name, path in folders.items() for problem in _folder_problems(name, Path(path))]


def _folder_problems(name: str, folder: Path) -> Iterator[CheckMessage]:
    hint = f"Make it for the user that runs the service: install -d -m 0700 -o USER {folder}"
    if not folder.is_dir():
        yield Error(f"{name}: {folder} is not a folder.", hint=hint, id="settings.E010")
        return
    if folder.stat().st_mode & (stat.S_IROTH | stat.S_IWOTH):
        words = f"{name}: {folder} can be read or changed by everybody on this machine."
        yield Error(words, hint=f"chmod o-rw {folder}", id="settings.E011")
    try:
        _write_and_read(folder)
    except OSError as error:
        yield Error(f"{name}: {folder} does not take files: {error.strerror}.", hint=hint, id="settings.E012")
        return
    space = os.statvfs(folder)
    if space.f_bavail * space.f_frsize < _LITTLE_SPACE:
        yield Warning(f"{name}: less than 1 GiB is free in {folder}.", id="settings.W013")


def _write_and_read(folder: Path) -> None:
    """The way a package takes: write, fsync, rename, fsync of the folder, read."""
    handle, name = tempfile.mkstemp(prefix=".check-", dir=folder)
    half, whole = Path(name), Path(name + ".whole")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(b"check")
            file.flush()
            os.fsync(file.fileno())
        half.rename(whole)
        opened = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)
        if whole.read_bytes() != b"check":
            raise OSError(0, "what was written is not what is read")
    finally:
        half.unlink(missing_ok=True)
        whole.unlink(missing_ok=True)


@register("postgresql", deploy=True)
def check_database(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """PostgreSQL answers, is new enough, keeps what it confirms, and has this release's tables."""
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT current_setting('server_version_num')::int / 10000, current_setting('server_encoding'), "
                "current_setting('fsync'), current_setting('full_page_writes'), "
                "current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int"
            )
            version, encoding, fsync, full_page_writes, sessions = cursor.fetchone()
        waiting = MigrationExecutor(connection).migration_plan(
            MigrationExecutor(connection).loader.graph.leaf_nodes()
        )
    except DatabaseError as error:
        words = f"DATABASE_URL: the database cannot be reached: {str(error).strip()}"
        return [Error(words, hint="Start PostgreSQL, or correct DATABASE_URL.", id="settings.E020")]
    durable = fsync == full_page_writes == "on"
    return [*_database_problems(version, encoding, durable, len(waiting)), *_session_problems(sessions)]


def _session_problems(sessions: int) -> Iterator[CheckMessage]:
    """``sessions``: what PostgreSQL gives to those who are no superusers."""
    wanted = settings.DATABASE_CONNECTIONS
    if wanted > sessions:
        words = (
            f"DATABASE_CONNECTIONS: the service may ask for {wanted} sessions; PostgreSQL gives {sessions}."
        )
        hint = (
            "Raise max_connections in postgresql.conf, or lower WEB_WORKERS, WEB_CONNECTIONS or the workers' slots, "
            "and set DATABASE_CONNECTIONS to the sum of all hosts."
        )
        yield Warning(words, hint=hint, id="settings.W025")
    web = settings.WEB_WORKERS * settings.WEB_CONNECTIONS
    if web + OTHER_SESSIONS > wanted:
        words = (
            f"DATABASE_CONNECTIONS is {wanted}, and the web of this host alone may ask for {web} sessions (WEB_WORKERS "
            f"x WEB_CONNECTIONS) beside {OTHER_SESSIONS} of other processes."
        )
        hint = "Set it to the sum of all hosts: see the page on database connections."
        yield Warning(words, hint=hint, id="settings.W026")


@register("postgresql", deploy=True)
def check_web_database(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Where the web has an address of its own: it answers, and its sessions have limits.

    A pooler takes no settings along with a connection, so they are set in it.
    """
    if not settings.DATABASE_DIRECT_URL:
        return []
    given = {**settings.WEB_DATABASE, "CONN_MAX_AGE": 0, "POOL_SIZE": None, "ATOMIC_REQUESTS": False}
    web = DatabaseWrapper(connection.settings_dict | given, "web")
    try:
        with web.cursor() as cursor:
            cursor.execute("SELECT " + ", ".join(f"current_setting('{name}')" for name in LIMITS))
            found = dict(zip(LIMITS, cursor.fetchone(), strict=True))
    except DatabaseError as error:
        words = f"DATABASE_URL: the database cannot be reached by the web: {str(error).strip()}"
        return [Error(words, hint="Start the pooler, or correct DATABASE_URL.", id="settings.E027")]
    finally:
        web.close()
    endless = [name for name, value in found.items() if value == "0"]
    if not endless:
        return []
    words = f"DATABASE_URL: sessions of the web have no {' and no '.join(endless)}: one that hangs holds up the others."
    lines = " ".join(f"SET {name} = ''{LIMITS[name]}'';" for name in LIMITS)
    return [
        Warning(
            words,
            hint=f"In pgbouncer.ini, in the line of the database: connect_query = '{lines}'",
            id="settings.W028",
        )
    ]


def _database_problems(version: int, encoding: str, durable: bool, waiting: int) -> Iterator[CheckMessage]:
    if version < OLDEST_POSTGRESQL:
        words = f"PostgreSQL is version {version}; {OLDEST_POSTGRESQL} or newer is needed."
        yield Error(words, hint="Upgrade the server.", id="settings.E021")
    if encoding != "UTF8":
        words = f"The database is encoded in {encoding}; names of files need UTF8."
        yield Error(words, hint="Create the database with ENCODING 'UTF8'.", id="settings.E022")
    if not durable:
        words = (
            "PostgreSQL runs without fsync or full_page_writes: a power cut would lose deposits it confirmed."
        )
        yield Error(words, hint="Switch both on in postgresql.conf.", id="settings.E023")
    if waiting:
        words = f"{waiting} migrations are not applied."
        yield Error(words, hint="Run `manage.py migrate`.", id="settings.E024")


@register("broker", deploy=True)
def check_broker(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """The broker answers within seconds. (Deposits are taken and kept without it; they only wait.)"""
    outcome: list[Exception | None] = []
    # A frozen broker would block for long: the answer is waited for in a thread that may be left behind.
    thread = threading.Thread(target=lambda: outcome.append(_try_broker()), daemon=True)
    thread.start()
    thread.join(BROKER_SECONDS)
    reason = outcome[0] if outcome else TimeoutError(f"no answer in {BROKER_SECONDS} s")
    if reason is None:
        return []
    words = f"CELERY_BROKER_URL: the broker cannot be used: {type(reason).__name__}: {reason}"
    return [Error(words, hint="Start the broker, or correct CELERY_BROKER_URL.", id="settings.E030")]


def _try_broker() -> Exception | None:
    try:
        with app.connection_for_write(connect_timeout=BROKER_SECONDS // 2) as broker:
            broker.ensure_connection(max_retries=1, timeout=BROKER_SECONDS // 2)
    except Exception as error:  # noqa: BLE001 (whatever a broker's library raises is the answer)
        return error
    return None
