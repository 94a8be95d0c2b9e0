"""A PostgreSQL of our own: made, started, watched and stopped from the programs in a wheel.

It listens on a Unix socket only, in a folder closed to all but its own account, and asks for a password.
Layout, with ``state`` the folder given::

    state/postgres.json    where the cluster is and its passwords (0600, ours)
    state/postgres.lock    held while one of us starts or stops it
    state/postgres/        the cluster (0700, owned by the database's account): data/, socket/, log

The last one is elsewhere when root runs us and the database's account cannot reach ``state``.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import psycopg2
from psycopg2 import sql

from embedded.account import Account
from embedded.binaries import MAJOR, PostgresError, find_binaries, system_folder

PORT = 5432
ROLE = "deposit"
DATABASE = "deposit"

# sun_path has 108 bytes on Linux (104 elsewhere), the last one a NUL; the socket's name takes 15.
_LONGEST_SOCKET_FOLDER = 103 - len(f"/.s.PGSQL.{PORT}.lock")
_NEEDED_BYTES = 300 * 1024**2
_LONGEST_LOG = 10 * 1024**2

# Only for the tests' own cluster: its contents are worth nothing after the run.
_VOLATILE = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_connections": "300",
}


class Postgres:
    """One cluster under one folder. ``start`` and ``stop`` are safe to call from several processes at once.

    ``durable=False`` is for tests: no fsync, and the role may create databases and go past triggers.
    """

    def __init__(self, state: Path, *, durable: bool = True, say: Callable[[str], None] = print) -> None:
        self.state = state.resolve()
        self.durable = durable
        self.say = say
        self._account = Account.for_database()
        self._binaries = Path()
        self._record: dict[str, str] = {}
        self._process: subprocess.Popen[bytes] | None = None

    # --- What callers use ------------------------------------------------------------------------------
    def start(self) -> None:
        """Make the cluster if there is none, start it if it does not answer, and create role and database.

        Raises PostgresError with a message for the person at the terminal.
        """
        with self._locked():
            self._binaries = find_binaries(self._account)
            self._record = self._read_record() or self._new_record()
            if not self._data.exists():
                self._initialise()
            if not self.accepts_connections():
                self._launch()
            try:
                self._create_role_and_database()
            except BaseException:
                self._abandon()
                raise

    def stop(self) -> None:
        """Stop the cluster, in good order, if it runs. Sessions that are still open are ended."""
        with self._locked():
            if not self._record or not (self._data / "postmaster.pid").exists():
                return
            done = self._account.run(
                [self._binaries / "pg_ctl", "stop", "-s", "-D", self._data, "-m", "fast", "-t", "120"]
            )
            if done.returncode and self.accepts_connections():
                raise PostgresError(f"PostgreSQL did not stop: {done.stdout.strip()}")
            if self._process is not None:
                self._process.wait(10)

    def accepts_connections(self) -> bool:
        """Whether a server answers on the cluster's socket (a process id alone proves nothing)."""
        return self._ready_code() == 0

    def is_alive(self) -> bool:
        """Whether the server still runs; cheaper than to ask it when it is a child of ours."""
        return self._process.poll() is None if self._process is not None else self.accepts_connections()

    def url(self, database: str = DATABASE) -> str:
        """``DATABASE_URL`` as both Django's settings and libpq's own tools read it."""
        password, host = self._record["password"], quote(str(self._socket), safe="/")
        return f"postgres://{ROLE}:{password}@/{database}?host={host}&port={PORT}"

    @property
    def log(self) -> Path:
        """The server's log file."""
        return self._folder / "log"

    # --- Where things are ------------------------------------------------------------------------------
    @property
    def _folder(self) -> Path:
        return Path(self._record["folder"])

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    @property
    def _socket(self) -> Path:
        return Path(self._record["socket"])

    @property
    def _record_file(self) -> Path:
        return self.state / "postgres.json"

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        self.state.mkdir(parents=True, exist_ok=True)
        with (self.state / "postgres.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _read_record(self) -> dict[str, str]:
        try:
            record: dict[str, str] = json.loads(self._record_file.read_text())
        except FileNotFoundError:
            return {}
        if not Path(record["folder"]).is_dir():
            raise PostgresError(
                f"The database of {self.state} was in {record['folder']}, which is gone. Bring it back, or "
                f"remove {self._record_file} to begin with an empty database."
            )
        return record

    def _new_record(self) -> dict[str, str]:
        folder = self._make_folder()
        record = {
            "folder": str(folder),
            "socket": str(self._make_socket_folder(folder)),
            "superuser_password": secrets.token_urlsafe(24),
            "password": secrets.token_urlsafe(24),
        }
        half = self._record_file.with_suffix(".new")
        half.touch(mode=0o600)
        half.write_text(json.dumps(record, indent=1) + "\n")
        half.rename(self._record_file)
        return record

    def _make_folder(self) -> Path:
        folder = self.state / "postgres"
        self._own_folder(folder)
        if self._account.can_write(folder):
            return folder
        if self._account.uid is None:
            raise PostgresError(f"{folder} cannot be written to. Choose another DATA_DIR.")
        folder.rmdir()
        elsewhere = system_folder() / hashlib.sha256(bytes(self.state)).hexdigest()[:16]
        self._own_folder(elsewhere)
        self.say(
            f"The database is kept in {elsewhere}: its unprivileged account (uid {self._account.uid}) "
            f"cannot reach {self.state}."
        )
        return elsewhere

    def _own_folder(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, exist_ok=True)
        self._account.give(folder)
        folder.chmod(0o700)

    def _make_socket_folder(self, folder: Path) -> Path:
        socket = folder / "socket"
        if len(bytes(socket)) > _LONGEST_SOCKET_FOLDER:
            # A Unix socket's path is short by nature; this one is private by its mode and owner.
            socket = Path("/tmp") / f"deposit-postgres-{secrets.token_hex(8)}"  # noqa: S108
        self._own_folder(socket)
        return socket

    # --- Making, starting ------------------------------------------------------------------------------
    def _initialise(self) -> None:
        free = shutil.disk_usage(self._folder).free
        if free < _NEEDED_BYTES:
            raise PostgresError(
                f"{self._folder} has {free // 1024**2} MiB free; a new database needs "
                f"{_NEEDED_BYTES // 1024**2}. Make room, or choose another DATA_DIR."
            )
        self.say(f"Making a PostgreSQL {MAJOR} database in {self._folder}")
        half, password_file = self._folder / "data.new", self._folder / "password"
        shutil.rmtree(half, ignore_errors=True)
        try:
            password_file.touch(mode=0o600)
            password_file.write_text(self._record["superuser_password"] + "\n")
            self._account.give(password_file)
            command = ["--auth=scram-sha-256", f"--pwfile={password_file}", "--username=postgres"]
            command += [
                "--locale-provider=builtin",
                "--locale=C.UTF-8",
                "--encoding=UTF8",
                "--data-checksums",
            ]
            command += [] if self.durable else ["--no-sync"]
            done = self._account.run([self._binaries / "initdb", *command, "-D", half])
            if done.returncode:
                shutil.rmtree(half, ignore_errors=True)
                raise PostgresError(f"PostgreSQL could not make its database:\n{done.stdout.strip()}")
            half.rename(self._data)
        finally:
            password_file.unlink(missing_ok=True)

    def _launch(self) -> None:
        self._check_version()
        self._remove_stale_pid_file()
        self._own_folder(self._socket)
        if self.log.exists() and self.log.stat().st_size > _LONGEST_LOG:
            self.log.rename(self.log.with_name("log.1"))
        with self.log.open("ab") as output:
            self._process = self._account.start(self._command(), output=output)
        try:
            self._wait_until_ready(self._process)
        except BaseException:
            self._abandon()
            raise

    def _abandon(self) -> None:
        """End the server that this start began, and no other."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(60)

    def _command(self) -> list[str | Path]:
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": f'"{self._socket}"',
            "unix_socket_permissions": "0700",
            "port": str(PORT),
            "timezone": "UTC",
            "log_timezone": "UTC",
            **({} if self.durable else _VOLATILE),
        }
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return [self._binaries / "postgres", "-D", self._data, *options]

    def _check_version(self) -> None:
        made_by = (self._data / "PG_VERSION").read_text().strip()
        if made_by != MAJOR:
            raise PostgresError(
                f"The database in {self._data} was made by PostgreSQL {made_by}; this release brings "
                f"{MAJOR}. Dump it with the release that made it, and load the dump into a new DATA_DIR."
            )

    def _remove_stale_pid_file(self) -> None:
        """Drop ``postmaster.pid`` when its process is certainly not a PostgreSQL any more.

        PostgreSQL would refuse to start when, after a crash, the number belongs to another process of ours
        (usual in a container) or to a zombie. Backends that outlive a killed server are still noticed: it
        also refuses while its old shared memory is in use.
        """
        pid_file = self._data / "postmaster.pid"
        try:
            status = Path("/proc", pid_file.read_text().split()[0], "stat").read_text()
        except (FileNotFoundError, IndexError):  # no server was killed, or PostgreSQL sees for itself
            return
        name, _, rest = status.rpartition(")")
        if not name.endswith("(postgres") or rest.split()[0] == "Z":
            pid_file.unlink()

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        """Wait as long as the server lives: after a crash it may have much to replay."""
        begun = told = time.monotonic()
        while not self.accepts_connections():
            if process.poll() is not None:
                raise PostgresError(f"PostgreSQL did not start. The end of {self.log}:\n{_tail(self.log)}")
            if time.monotonic() - told > 10:
                told = time.monotonic()
                self.say(f"PostgreSQL is getting ready ({told - begun:.0f} s so far); its log is {self.log}")
            time.sleep(0.03)

    def _ready_code(self) -> int:
        if not self._record:
            return 2
        command = [
            str(self._binaries / "pg_isready"),
            "-q",
            "-h",
            str(self._socket),
            "-p",
            str(PORT),
            "-t",
            "5",
        ]
        return self._account.run(command).returncode

    def _create_role_and_database(self) -> None:
        """The application is not a superuser: it owns its database and nothing else."""
        with contextlib.closing(self._connect_as_superuser()) as connection:
            connection.autocommit = True
            cursor = connection.cursor()
            cursor.execute("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = %s)", [ROLE])
            if cursor.fetchone() == (False,):
                rights = sql.SQL("LOGIN") if self.durable else sql.SQL("LOGIN CREATEDB")
                statement = sql.SQL("CREATE ROLE {} {} PASSWORD %s").format(sql.Identifier(ROLE), rights)
                cursor.execute(statement, [self._record["password"]])
            if not self.durable:
                # Tests delete their rows without the triggers that keep them.
                grant = sql.SQL("GRANT SET ON PARAMETER session_replication_role TO {}")
                cursor.execute(grant.format(sql.Identifier(ROLE)))
            cursor.execute("SELECT EXISTS (SELECT FROM pg_database WHERE datname = %s)", [DATABASE])
            if cursor.fetchone() == (False,):
                names = (sql.Identifier(DATABASE), sql.Identifier(ROLE))
                cursor.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(*names))

    def _connect_as_superuser(self) -> "psycopg2.extensions.connection":
        return psycopg2.connect(
            host=str(self._socket),
            port=PORT,
            user="postgres",
            password=self._record["superuser_password"],
            dbname="postgres",
            connect_timeout=30,
        )


def _tail(path: Path, lines: int = 15) -> str:
    with path.open("rb") as log:
        log.seek(max(0, os.fstat(log.fileno()).st_size - 8192))
        return "\n".join(log.read().decode(errors="replace").splitlines()[-lines:])
