"""The page on a standby, word for word: two clusters, one killed, the other promoted, and the service goes on."""

import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from embedded.account import Account
from embedded.binaries import find_binaries
from tests.support.gunicorn_server import REPOSITORY, free_port
from tests.support.restarting_server import restarting_server
from tests.support.samples import atom_entry

pytestmark = [
    pytest.mark.timeout(240),
    pytest.mark.skipif("TEST_FAULTS" not in os.environ, reason="takes half a minute: set TEST_FAULTS=1"),
]
PAGE = (REPOSITORY / "docs" / "how-to" / "standby.md").read_text()
PASSWORD = "a password of the tests"


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """A PostgreSQL on loopback, run by an account that may."""

    programs: Path
    folder: Path
    port: int

    def run(self, *commands: str, primary: int = 0) -> str:
        """Commands of the page, as the user that the page names, on this machine. Stops at the first that fails."""
        script = "\n".join(["set -eu", *commands]).replace("db1.example.org", f"127.0.0.1 port={primary}")
        account = Account.for_database()
        done = subprocess.run(
            ["bash", "-c", script],
            check=False,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            cwd="/",
            user=account.uid,
            group=account.gid,
            extra_groups=None if account.uid is None else [],
            env={
                "PATH": f"{self.programs}:{os.environ['PATH']}",
                "PGDATA": str(self.folder),
                "PGHOST": "127.0.0.1",
                "PGPORT": str(self.port),
                "PGUSER": "postgres",
                "PGPASSWORD": PASSWORD,
                "PGDATABASE": "postgres",
                "LC_ALL": "C.UTF-8",
            },
        )
        assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def configure(self) -> None:
        """What Debian's packages set: where it listens."""
        with (self.folder / "postgresql.conf").open("a") as file:
            file.write(f"port = {self.port}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = ''\n")


def commands_of(heading: str, block: int = 0) -> list[str]:
    """The commands of a block of the page, by the heading above it."""
    section = re.split(r"^## ", PAGE, flags=re.MULTILINE)
    (text,) = [one for one in section if one.startswith(heading)]
    found = re.findall(r"```console\n(.*?)```", text, re.DOTALL)[block]
    return re.findall(r"^\$ (.*)$", found, re.MULTILINE)


@pytest.fixture
def clusters() -> Iterator[tuple[Cluster, Cluster]]:
    """A primary that runs, and the place of a standby that is still empty."""
    account = Account.for_database()
    programs = find_binaries(account)
    with tempfile.TemporaryDirectory(prefix="standby-", dir="/tmp") as scratch:
        folder = Path(scratch)
        if account.uid is not None:
            os.chown(folder, account.uid, account.gid or 0)
        primary, standby = (
            Cluster(programs=programs, folder=folder / name, port=free_port())
            for name in ("primary", "standby")
        )
        primary.run(
            f'echo "{PASSWORD}" > "$PGDATA.password"',
            'initdb -D "$PGDATA" -U postgres --pwfile="$PGDATA.password" -A scram-sha-256 -E UTF8 > /dev/null',
        )
        primary.configure()
        primary.run('pg_ctl start -w -D "$PGDATA" -l "$PGDATA/log" > /dev/null')
        try:
            yield primary, standby
        finally:
            for cluster in (primary, standby):
                cluster.run('pg_ctl stop -m immediate -D "$PGDATA" > /dev/null 2>&1 || true')


def environment(primary: Cluster, standby: Cluster, folder: Path) -> dict[str, str]:
    """Of a process of the service that knows both, as the page says."""
    hosts = f"127.0.0.1:{primary.port},127.0.0.1:{standby.port}"
    address = (
        f"postgres://postgres:{PASSWORD.replace(' ', '%20')}@{hosts}/deposit?target_session_attrs=read-write"
    )
    return {
        "DATABASE_URL": address,
        "DATA_DIR": str(folder),
        "STAGING_ROOT": str(folder / "staging"),
        "DEPOSIT_EMBEDDED": "true",
        "DJANGO_SETTINGS_MODULE": "settings.embedded",
        "SECRET_KEY": "no secret, for nothing is signed here",
    }


def manage(
    *words: str, primary: Cluster, standby: Cluster, folder: Path, given: str = ""
) -> subprocess.CompletedProcess[str]:
    """A command of the service, with ``given`` to read."""
    own = {name: value for name, value in os.environ.items() if name != "DEPOSIT_ENV_FILE"}
    return subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=REPOSITORY,
        env={**own, **environment(primary, standby, folder)},
        input=given,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_standby_takes_over_and_nothing_is_lost(clusters: tuple[Cluster, Cluster], tmp_path: Path) -> None:
    primary, standby = clusters

    def ask(*words: str) -> str:
        done = manage(*words, primary=primary, standby=standby, folder=tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    make_standby(primary, standby, tmp_path)
    ask("collection", "create", "--name", "papers")
    primary.run('pg_ctl stop -m immediate -D "$PGDATA" > /dev/null')
    assert manage("collection", "list", primary=primary, standby=standby, folder=tmp_path).returncode != 0
    assert standby.run(*commands_of("Take over")).splitlines()[-1] == "t"
    assert "papers" in ask("collection", "list")
    assert standby.run(*commands_of("See that it worked")).strip() == "f"
    ask("migrate", "--check")
    ask("collection", "create", "--name", "theses")
    assert "are whole" in ask("doctor", "--no-archive")


def make_standby(primary: Cluster, standby: Cluster, folder: Path) -> None:
    """The record, and a standby for which the primary waits before it confirms anything."""
    for name in ("staging", "archive"):
        (folder / name).mkdir(mode=0o700)
    primary.run("createdb deposit", *_with_password(commands_of("Make the standby", 0)))
    done = manage("migrate", "--no-input", "-v0", primary=primary, standby=standby, folder=folder)
    assert done.returncode == 0, done.stderr
    base, start = _with_password(commands_of("Make the standby", 1))
    standby.run(base, primary=primary.port)
    # pg_basebackup copies the configuration, and with it the port.
    standby.configure()
    standby.run(start)
    assert "streaming" in primary.run(*commands_of("Make the standby", 2))
    primary.run(*commands_of("Make the standby", 3))


@dataclass
class Load:
    """Clients that deposit without a pause; each keeps what it was answered."""

    url: str
    answers: list[tuple[float, int, str]] = field(default_factory=list)
    _end: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Deposit until told to stop."""
        with httpx.Client(auth=("loader", PASSWORD), timeout=30) as client:
            while not self._end.is_set():
                kind = {"Content-Type": "application/atom+xml;type=entry", "In-Progress": "true"}
                try:
                    answer = client.post(f"{self.url}/1/papers/", content=atom_entry(), headers=kind)
                except httpx.TransportError:
                    continue
                place = answer.headers.get("Location", "")
                self.answers.append((time.monotonic(), answer.status_code, place))
                if answer.status_code == 503:
                    assert int(answer.headers["Retry-After"]) > 0
                    time.sleep(0.1)

    def stop(self) -> None:
        """Let the clients end."""
        self._end.set()

    def taken(self, since: float = 0.0) -> list[int]:
        """The numbers of the deposits that were answered 201."""
        found = [
            re.findall(r"/papers/(\d+)/", place)
            for at, status, place in list(self.answers)
            if status == 201 and at > since
        ]
        return [int(number) for (number, *_) in found]

    def wait_for(self, number: int, since: float) -> None:
        """Wait until so many more were taken."""
        end = time.monotonic() + 60
        while len(self.taken(since)) < number:
            assert time.monotonic() < end, Counter(status for _, status, _ in self.answers)
            time.sleep(0.05)


def test_what_was_answered_under_load_is_in_the_standby_that_is_promoted(
    clusters: tuple[Cluster, Cluster], tmp_path: Path
) -> None:
    primary, standby = clusters
    make_standby(primary, standby, tmp_path)
    words = ("user", "create", "--username", "loader", "--password-stdin", "--collection", "papers")
    for command in (
        ("collection", "create", "--name", "papers"),
        (*words, "--provider-url", "https://e.org/"),
    ):
        done = manage(*command, primary=primary, standby=standby, folder=tmp_path, given=PASSWORD + "\n")
        assert done.returncode == 0, done.stdout + done.stderr
    with restarting_server(**environment(primary, standby, tmp_path)) as server:
        load = Load(server.url)
        clients = [threading.Thread(target=load.run) for _ in range(8)]
        for client in clients:
            client.start()
        load.wait_for(60, since=0.0)
        primary.run('pg_ctl stop -m immediate -D "$PGDATA" > /dev/null')
        time.sleep(1)
        before = load.taken()
        promoted = time.monotonic()
        assert standby.run(*commands_of("Take over")).splitlines()[-1] == "t"
        load.wait_for(60, since=promoted)
        first = min(at for at, status, _ in load.answers if status == 201 and at > promoted)
        load.stop()
        for client in clients:
            client.join()
    statuses = Counter(status for _, status, _ in load.answers)
    assert set(statuses) == {201, 503}
    assert first - promoted < 20
    kept = standby.run("psql -d deposit -Atc 'SELECT id FROM deposit_deposit'").split()
    assert len(before) >= 60
    assert sorted(set(load.taken()) - {int(number) for number in kept}) == []
    sys.stderr.write(
        f"{statuses}; the first 201 came {first - promoted:.1f} s after the standby was promoted\n"
    )


def _with_password(commands: list[str]) -> list[str]:
    assert any("choose another" in one for one in commands)
    return [one.replace("choose another", "another password") for one in commands]
