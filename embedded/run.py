"""``make run``: everything in one terminal, until Ctrl-C.

PostgreSQL first, then migrations and the demo accounts, then the processes of the Procfile; the other way
round at the end. Nothing is begun before it is certain that the port is free and nobody else uses DATA_DIR.
"""

import contextlib
import dataclasses
import errno
import fcntl
import http.client
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from honcho.environ import parse_procfile

from embedded.binaries import PostgresError
from embedded.demo import Client, demo_clients, demo_package, deposit_command
from embedded.env_files import read_env_file, write_env_file
from embedded.postgres import Postgres
from embedded.processes import Processes
from settings.env import REPOSITORY, data_dir

NEEDED_BYTES = 500 * 1024**2

# How long each may finish its work after Ctrl-C, in seconds: uploads that arrive, packages that are read.
PATIENCE = {
    "web": 35.0,
    "checker": 60.0,
    "loader": 60.0,
    "dispatcher": 10.0,
    "scheduler": 10.0,
    "watch": 10.0,
}


class StartError(Exception):
    """Why the service cannot start here, and what to do."""


def main() -> int:
    """Run until stopped; 0 after Ctrl-C or SIGTERM, 1 with a message when it cannot start."""
    # Shells have what they start in the background ignore SIGINT; asked to stop, this stops all the same.
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, signal.default_int_handler)
    os.umask(0o077)
    try:
        port, data = _port(), _data_folder()
        with _alone_in(data):
            _serve(port, data)
    except (StartError, PostgresError) as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        print(f"\nThe disk is full: {error}. Make room and start again.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped before it had started.", file=sys.stderr)
        return 130
    return 0


def _serve(port: int, data: Path) -> None:
    with _database(data) as database:
        environment = _environment(port, data, database)
        base_url = f"http://127.0.0.1:{port}/1"
        clients = demo_clients(data / "demo.env", base_url)
        admin_is_new = _prepare(environment, clients)
        processes = Processes(
            parse_procfile((REPOSITORY / "Procfile").read_text()).processes, {**os.environ, **environment}
        )
        watch = Watch(port, database, processes, _welcome(port, data, clients[0], admin_is_new))
        processes.run(every_tick=watch, first_to_stop="web", patience=PATIENCE)
        print("Stopping PostgreSQL", flush=True)
    print("Stopped. Everything is kept in", data)


class Watch:
    """What the loop of the processes looks at: whether the server answers, whether PostgreSQL lives."""

    def __init__(
        self, port: int, database: Postgres | None, processes: Processes, welcome: list[str]
    ) -> None:
        self._port, self._database, self._processes, self._welcome = port, database, processes, welcome
        self._next_look = 0.0

    def __call__(self) -> None:
        """Called five times a second."""
        if time.monotonic() < self._next_look:
            return
        self._next_look = time.monotonic() + (0.3 if self._welcome else 2.0)
        if self._database is not None and not self._database.is_alive():
            self._processes.say("PostgreSQL ended; starting it again")
            try:
                self._database.start()
            except PostgresError as error:
                self._processes.say(str(error))
        if self._welcome and _is_healthy(self._port):
            for line in self._welcome:
                print(line, flush=True)
            self._welcome = []


def _is_healthy(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


# --- Before anything is begun --------------------------------------------------------------------------
def _port() -> int:
    given = os.environ.get("PORT", "8080")
    if not given.isdecimal() or not 0 < int(given) < 65536:
        raise StartError(f"PORT is {given!r}; a number from 1 to 65535 is needed.")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", int(given)))
        except OSError as error:
            raise StartError(
                f"Port {given} cannot be used ({error.strerror}). Choose another: PORT=8081 make run"
            ) from error
    return int(given)


def _data_folder() -> Path:
    data = data_dir()
    _check_space(data)
    try:
        if not data.is_dir():
            # The unprivileged account of the database must pass through, when we are root.
            data.mkdir(parents=True)
            data.chmod(0o711 if os.geteuid() == 0 else 0o700)
        if not os.access(data, os.W_OK | os.X_OK):
            raise StartError(f"{data} cannot be written to. Choose another folder: DATA_DIR=/path make run")
    except (FileExistsError, NotADirectoryError, PermissionError) as error:
        raise StartError(
            f"{data} cannot be made: {error.strerror}. Choose another: DATA_DIR=/path make run"
        ) from error
    for name in ("staging", "archive", "broker"):
        (data / name).mkdir(exist_ok=True)
    return data


def _check_space(data: Path) -> None:
    existing = next(path for path in (data, *data.parents) if path.exists())
    free = shutil.disk_usage(existing).free
    if free < NEEDED_BYTES:
        raise StartError(
            f"{existing} has {free // 1024**2} MiB free; at least {NEEDED_BYTES // 1024**2} are needed. Make "
            "room, or choose another folder: DATA_DIR=/path make run"
        )


@contextlib.contextmanager
def _alone_in(data: Path) -> Iterator[None]:
    """Hold DATA_DIR for this run; the lock ends with the process, however that ends."""
    with (data / "run.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise StartError(
                f"{data} is in use by another `make run` (process {lock.read().strip() or 'unknown'}). "
                "Stop that one, or choose another folder and port: DATA_DIR=/path PORT=8081 make run"
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


# --- Step by step --------------------------------------------------------------------------------------
@contextlib.contextmanager
def _database(data: Path) -> Iterator[Postgres | None]:
    """The embedded PostgreSQL, running; None when DATABASE_URL names another."""
    if os.environ.get("DATABASE_URL") or os.environ.get("DATABASE_URL_FILE"):
        yield None
        return
    postgres = Postgres(data)
    print("Starting PostgreSQL", flush=True)
    try:
        postgres.start()
        yield postgres
    finally:
        # Whoever is impatient now would only make the next start slower.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        postgres.stop()


def _environment(port: int, data: Path, database: Postgres | None) -> dict[str, str]:
    """Write ``deposit.env``, which completes the settings of this run and of every later ``manage.py``."""
    file = data / "deposit.env"
    kept = read_env_file(file)
    written = {"SECRET_KEY": secrets.token_urlsafe(50), "DEPOSIT_EMBEDDED": "true"} | kept
    if database is not None:
        written["DATABASE_URL"] = database.url()
    if written != kept:
        comment = "Settings of the embedded run. Keep SECRET_KEY; DATABASE_URL follows the database."
        write_env_file(file, written, comment=comment)
    return {
        "DATA_DIR": str(data),
        "DEPOSIT_ENV_FILE": str(file),
        "PORT": str(port),
        "PUBLIC_URL": os.environ.get("PUBLIC_URL", f"http://127.0.0.1:{port}/"),
        "DJANGO_SETTINGS_MODULE": "settings.embedded",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "PYTHONUNBUFFERED": "1",
        # Root in a container is what it is; Celery's lines about it at each start say nothing new.
        "PYTHONWARNINGS": "ignore::UserWarning:celery.platforms",
    }


def _prepare(environment: Mapping[str, str], clients: list[Client]) -> bool:
    """Bring the tables up to date and make what is missing of the demo accounts; whether the admin was new."""
    print("Bringing the tables up to date", flush=True)
    done = subprocess.run(
        [sys.executable, "-m", "embedded.prepare"],
        start_new_session=True,  # Ctrl-C is for us; it ends with us
        cwd=REPOSITORY,
        env={**os.environ, **environment},
        check=False,
        input=json.dumps([dataclasses.asdict(client) for client in clients]),
        stdout=subprocess.PIPE,
        text=True,
    )
    if done.returncode:
        raise StartError("The database could not be prepared; the reason is above.")
    password: str | None = json.loads(done.stdout)
    if password:
        print(f"\nAn administrator was made: admin, password {password} (shown only now)\n", flush=True)
    return password is not None


def _welcome(port: int, data: Path, client: Client, admin_is_new: bool) -> list[str]:
    admin = "as admin, with the password above" if admin_is_new else "as made before"
    return [
        "",
        f"  Deposit server    http://127.0.0.1:{port}/   as {client.username}, with the password of the command below",
        f"  SWORD API         http://127.0.0.1:{port}/1/servicedocument/",
        f"  Administration    http://127.0.0.1:{port}/admin/   {admin}",
        f"  Data              {data}",
        f"  For scripts       {data / 'demo.env'}",
        "",
        "  A first deposit, with the client of Software Heritage (pip install swh.deposit):",
        "",
        *deposit_command(client, f"http://127.0.0.1:{port}/1", demo_package(data)),
        "",
        "  Ctrl-C stops everything.",
        "",
    ]


if __name__ == "__main__":
    sys.exit(main())
