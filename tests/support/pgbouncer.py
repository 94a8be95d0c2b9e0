"""Debian's PgBouncer, before the tests' PostgreSQL."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg2

from embedded.account import Account
from tests.support.gunicorn_server import free_port

PGBOUNCER = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin:/usr/local/sbin")
REASON = "PgBouncer (Debian's package pgbouncer) is not installed"


@contextmanager
def pgbouncer(folder: Path, lines: str, database: dict[str, Any]) -> Iterator[str]:
    """Run it with these lines of ``pgbouncer.ini``, which name no address; its address for the database's user.

    ``database``: how to connect to the PostgreSQL behind it, as psycopg2 has it.
    """
    account = Account.for_database()
    port = free_port()
    users = folder / "userlist.txt"
    users.write_text(f'"{database["user"]}" "{database["password"]}"\n')
    (folder / "pgbouncer.ini").write_text(
        f"{lines}\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nauth_file = {users}\n"
        f"logfile = {folder}/log\npidfile = {folder}/pid\nunix_socket_dir =\n"
    )
    for path in (folder, *folder.iterdir()):
        if account.uid is not None:
            os.chown(path, account.uid, account.gid or 0)
    process = subprocess.Popen(
        [str(PGBOUNCER), "-q", str(folder / "pgbouncer.ini")],
        user=account.uid,
        group=account.gid,
        extra_groups=None if account.uid is None else [],
    )
    url = f"postgres://{quote(database['user'])}:{quote(database['password'])}@127.0.0.1:{port}/deposit"
    try:
        _wait_for(url, folder / "log")
        yield url
    finally:
        process.terminate()
        process.wait(20)


def _wait_for(url: str, log: Path) -> None:
    for _ in range(30):
        try:
            psycopg2.connect(url, connect_timeout=3).close()
        except psycopg2.OperationalError as error:
            failure = error
            time.sleep(0.1)
        else:
            return
    raise TimeoutError(f"PgBouncer did not start: {failure}\n{log.read_text() if log.exists() else ''}")
