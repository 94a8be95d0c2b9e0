"""The whole service in processes of its own: web, checkers, loaders, dispatchers, scheduler, PostgreSQL and a broker.

As `make run` starts it, but for the handles: every process can be killed, frozen and thawed, and comes back by itself.
"""

import contextlib
import http.client
import json
import os
import random
import secrets
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import psycopg2
import psycopg2.extensions
from honcho.environ import parse_procfile

from embedded.postgres import Postgres
from tests.faults.brokers import Broker, free_port

REPOSITORY = Path(__file__).resolve().parents[2]
PASSWORD = "correct horse battery staple"
COMMANDS = parse_procfile((REPOSITORY / "Procfile").read_text()).processes


class Member:
    """One process of the service, kept running."""

    def __init__(
        self, name: str, command: str, environment: Mapping[str, str], log: Path, folder: Path = REPOSITORY
    ) -> None:
        self.name, self.log, self._folder = name, log, folder
        self._command, self._environment = command, environment
        self._stopping = False
        self.starts = 0
        self._lock = threading.Lock()
        self.process = self._start()
        self._keeper = threading.Thread(target=self._keep, daemon=True)
        self._keeper.start()

    def _start(self) -> subprocess.Popen[bytes]:
        self.starts += 1
        with self.log.open("ab") as log:
            return subprocess.Popen(
                ["/bin/sh", "-c", f"exec {self._command}"],
                cwd=self._folder,
                env=dict(self._environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _keep(self) -> None:
        while not self._stopping:
            self.process.wait()
            # What it had started dies with it, as under a service manager.
            self.send(signal.SIGKILL)
            time.sleep(0.3)
            with self._lock:
                if not self._stopping:
                    self.process = self._start()

    def send(self, number: signal.Signals) -> None:
        """Signal the process and all that it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)

    def kill_one(self, chance: random.Random) -> None:
        """Kill one process of the group: the main one or one of its children."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(chance.choice(self.pids()), signal.SIGKILL)

    def pids(self) -> list[int]:
        """The process and its children."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        with contextlib.suppress(OSError):
            return [self.process.pid, *map(int, children.read_text().split())]
        return [self.process.pid]

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """Stopped for the block, as a machine that hangs."""
        self.send(signal.SIGSTOP)
        try:
            yield
        finally:
            self.send(signal.SIGCONT)

    def stop(self, number: signal.Signals = signal.SIGTERM, seconds: float = 20) -> None:
        """Ask it to end, and make it."""
        with self._lock:
            self._stopping = True
        self.send(signal.SIGCONT)
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(seconds)
        self.send(signal.SIGKILL)
        self.process.wait()
        self._keeper.join()


class Service:
    """Everything, in one folder. Use as a context manager."""

    def __init__(
        self,
        folder: Path,
        broker: Broker,
        *,
        counts: Mapping[str, int] | None = None,
        commands: Mapping[str, str] = COMMANDS,
        clients: Sequence[str] = ("faults",),
        repository: Path = REPOSITORY,
        **settings: str,
    ) -> None:
        # Where the code is; another version's, perhaps.
        self.repository = repository
        self.folder, self.broker, self.clients = folder, broker, clients
        self.counts = {"web": 1, "checker": 1, "loader": 1, "dispatcher": 1, **(counts or {})}
        self.settings, self.commands = settings, commands
        self.postgres = Postgres(folder / "state", durable=True, say=lambda sentence: None)
        self.port = free_port()
        self.members: dict[str, Member] = {}
        self._connection: psycopg2.extensions.connection | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> "Service":
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o711)
        self.broker.start()
        self.postgres.start()
        self.environment = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            "DATABASE_URL": self.postgres.url(),
            "CELERY_BROKER_URL": self.broker.url,
            "SECRET_KEY": secrets.token_urlsafe(50),
            "DEPOSIT_EMBEDDED": "true",
            "DATA_DIR": str(self.folder),
            "DEPOSIT_ENV_FILE": str(self.folder / "none"),
            "DJANGO_SETTINGS_MODULE": "settings.embedded",
            "PORT": str(self.port),
            "WEB_WORKERS": "1",
            "PYTHONUNBUFFERED": "1",
            "PYTHONWARNINGS": "ignore",
            "LEASE_SECONDS": "2",
            "RESEND_SECONDS": "3",
            **self.settings,
        }
        try:
            self.manage("migrate", "--no-input", "-v0")
            self._make_clients()
            for name, count in self.counts.items():
                for number in range(count):
                    self.start(name, number)
            self.await_web()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop everything."""
        for member in self.members.values():
            member.send(signal.SIGCONT)
        # Not asked politely: how they end when asked is tested with the runner of the processes.
        for member in self.members.values():
            member.stop(signal.SIGKILL)
        self._forget_connection()
        self.postgres.stop()
        self.broker.stop()

    def start(self, name: str, number: int, *, run: Callable[[str], str] = str, **settings: str) -> None:
        """Start one more process of a role; ``run`` makes of its command one that runs it elsewhere."""
        command = run(self.commands[name].replace(f"-n {name} ", f"-n {name}{number} "))
        key = f"{name}{number}"
        log = self.folder / f"{key}.log"
        self.members[key] = Member(key, command, self.environment | settings, log, self.repository)

    def _make_clients(self) -> None:
        self.manage("collection", "create", "--name", "faults")
        for name in self.clients:
            self.manage(
                "user", "create", "--username", name, "--password", PASSWORD, "--collection", "faults",
                "--provider-url", "https://faults.example.org/", "--domain", "faults.example.org",
            )  # fmt: skip

    def await_web(self) -> None:
        """Wait until the web server answers."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if self._is_healthy():
                return
            time.sleep(0.1)
        raise TimeoutError((self.folder / "web0.log").read_text()[-2000:])

    def _is_healthy(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def manage(self, *arguments: str, check: bool = True) -> str:
        """Run ``manage.py``; returns what it prints."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=self.repository,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode and (check or not done.stdout):
            raise RuntimeError(f"manage.py {shlex.join(arguments)}: {done.stdout}{done.stderr}")
        return done.stdout

    def query(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Ask the database, over a connection that is kept while it lasts."""
        with self._lock:
            try:
                if self._connection is None:
                    self._connection = psycopg2.connect(self.postgres.url())
                    self._connection.autocommit = True
                cursor = self._connection.cursor()
                cursor.execute(statement, parameters)
                return list(cursor.fetchall())
            except psycopg2.Error:
                self._forget_connection()
                raise

    def _forget_connection(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def statuses(self) -> dict[int, str]:
        """Every deposit's status."""
        return dict(self.query("SELECT id, status FROM deposit_deposit"))

    def settle(self, seconds: float) -> dict[int, str]:
        """Wait until nothing waits any more; returns every deposit's status."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with contextlib.suppress(psycopg2.Error):
                if not self.waiting():
                    break
            time.sleep(0.1)
        return self.statuses()

    def waiting(self) -> int:
        """How many deposits wait for a worker or are with one."""
        waiting = "SELECT count(*) FROM deposit_deposit WHERE status IN ('deposited', 'verified', 'loading')"
        return int(self.query(waiting)[0][0])

    def kill_postgres(self, seconds: float) -> None:
        """The database server is killed and comes back after a while."""
        (pid_file,) = self.folder.rglob("postmaster.pid")
        os.kill(int(pid_file.read_text().split()[0]), signal.SIGKILL)
        while self.postgres.is_alive():
            time.sleep(0.02)
        time.sleep(seconds)
        self.postgres.start()

    def doctor(self) -> list[dict[str, Any]]:
        """What ``manage.py doctor --deep`` finds broken."""
        answer = self.manage("doctor", "--json", "--deep", check=False)
        found: list[dict[str, Any]] = json.loads(answer)["problems"]
        return found
