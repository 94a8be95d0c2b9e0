"""Backups and what was erased: restored, it does not come back; and a later backup takes it out of the folder."""

import json
import os
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg2
import pytest
import zstandard

from client import Depositor, Metadata
from tests.client.conftest import Server
from tests.client.test_backup import manage, other_database


def said(done: "subprocess.CompletedProcess[str]") -> str:
    """What a command that succeeded printed."""
    assert done.returncode == 0, done.stderr
    return done.stdout


def deposited(server: Server, folder: Path, files: dict[str, bytes]) -> int:
    """A deposit of these files that is archived."""
    work = folder / "work"
    work.mkdir()
    for name, content in files.items():
        (work / name).write_bytes(content)
    package = folder / f"{next(iter(files))}.tar"
    subprocess.run(["tar", "-C", work, "-cf", package, "."], check=True)
    for name in files:
        (work / name).unlink()
    work.rmdir()
    with Depositor(server.base_url, username=server.username, password=server.password) as depositor:
        receipt = depositor.upload(package, metadata=Metadata(name="A thing", authors=("Ada",)))
        assert depositor.wait(receipt.deposit_id, timeout=60).status == "done"
        return int(receipt.deposit_id)


def shown(server: Server, request: int) -> Any:
    return json.loads(said(manage(server, "deletion", "show", "--id", str(request), "--json")))


def wait_for(server: Server, request: int, name: str) -> None:
    for _ in range(60):
        if shown(server, request).get(name):
            return
        time.sleep(1)
    raise AssertionError(f"no {name}: {shown(server, request)}")


def erased(server: Server, deposit: int) -> int:
    """Erased by two administrators; the number of the request."""
    for name in ("adam", "eve"):
        manage(server, "role", "create", "--username", name, "--no-password")
        said(manage(server, "role", "grant", "--username", name, "--role", "administrator"))
    words = ["--deposit-id", str(deposit), "--kind", "erase", "--reason", "A court has ordered it."]
    asked = json.loads(said(manage(server, "deletion", "request", "--user", "adam", *words, "--json")))
    wait_for(server, asked["id"], "goes")
    said(manage(server, "deletion", "approve", "--user", "eve", "--id", str(asked["id"])))
    wait_for(server, asked["id"], "erased_at")
    return int(asked["id"])


def holds(folder: Path, secret: bytes) -> bool:
    """Whether a file below a folder has these bytes, in its zstd frames, too."""
    for path in folder.rglob("*"):
        if not path.is_file():
            continue
        data = path.read_bytes()
        at = data.find(b"\x28\xb5\x2f\xfd")
        while at >= 0:
            with suppress(zstandard.ZstdError):
                data += zstandard.ZstdDecompressor().decompressobj().decompress(data[at:])
            at = data.find(b"\x28\xb5\x2f\xfd", at + 1)
        if secret in data:
            return True
    return False


def restored(server: Server, backups: Path, instant: str, elsewhere: Path, secret: bytes) -> str:
    """An instant restored elsewhere, looked at; what the command said."""
    for name in ("staging", "archive"):
        (elsewhere / name).mkdir(parents=True)
    with other_database() as url:
        there = {
            "DATABASE_URL": url,
            "DATA_DIR": str(elsewhere),
            "STAGING_ROOT": str(elsewhere / "staging"),
            "ARCHIVE_ROOT": str(elsewhere / "archive"),
        }
        told = said(manage(server, "restore", backups, "--instant", instant, **there))
        said(manage(server, "archive", "verify", **there))
        assert not holds(elsewhere / "archive", secret)
        with psycopg2.connect(url) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT erased FROM deposit_withdrawal")
            assert cursor.fetchall() == [(True,)]
            cursor.execute("SELECT count(*) FROM archive_erasedobject WHERE kind = 0")
            assert cursor.fetchone() == (1,)
            cursor.execute("SELECT count(*) FROM deposit_workitem WHERE kind = 'erase'")
            assert cursor.fetchone() == (1,)
        connection.close()
    return told


@pytest.mark.skipif("TEST_FAULTS" not in os.environ, reason="two backups and two restores: set TEST_FAULTS=1")
def test_a_backup_from_before_brings_nothing_back(server: Server, tmp_path: Path) -> None:
    secret = os.urandom(30).hex().encode()
    backups = tmp_path / "backups"
    number = deposited(server, tmp_path, {"secret": secret})
    other = os.urandom(30).hex().encode()
    deposited(server, tmp_path, {"other": other})
    first = Path(said(manage(server, "backup", backups)).split()[-1]).name
    request = erased(server, number)
    assert not holds(server.data / "archive", secret)
    assert not holds(server.data / "staging", secret)
    # The worker has told the folder, which still has the packs of that day.
    assert [path.name for path in (backups / "erasures").iterdir()] == [f"{request}.json"]
    assert holds(backups / "packs", secret)
    told = restored(server, backups, first, tmp_path / "one", secret)
    assert "erased again: 1" in told
    # The next backup takes it out of the folder; the older instant is restored all the same, with all else.
    said(manage(server, "backup", backups))
    assert not holds(backups / "packs", secret)
    assert not holds(backups / "staging", secret)
    assert holds(backups / "packs", other)
    restored(server, backups, first, tmp_path / "two", secret)
    assert holds(tmp_path / "two" / "archive", other)
