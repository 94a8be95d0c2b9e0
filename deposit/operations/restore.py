"""Putting a backup back: into an empty database and empty folders, checked byte by byte on the way."""

import hashlib
import json
import re
import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from archive.errors import ArchiveError
from archive.storage import primary_storage
from deposit.models import Part
from deposit.operations import erasures, pack_files
from deposit.operations.backup import (
    FORMAT,
    MANIFEST,
    RECORD,
    file_sha256,
    run_program,
    sync_file,
)
from deposit.operations.durable import BackupError, Say
from deposit.queue import dispatcher
from deposit.staging.storage import chunks_of, staging

_PACK = re.compile(r"[0-9a-f]{64}")


def restore(folder: Path, *, instant: str | None, say: Say) -> str:
    """Restore the newest backup in ``folder``, or that of an ``instant``; returns the instant.

    Raises `BackupError` before anything is changed when the backup is not whole or the service not empty.
    """
    source = _newest(folder) if instant is None else folder / instant
    manifest = _read(source)
    _require_whole(source, folder, manifest)
    _require_empty()
    _put_packs(folder, manifest["packs"])
    say(f"packs: {len(manifest['packs'])}")
    for name in manifest["staged"]:
        staging().put(name, folder / "staging" / name)
    say(f"staged files: {len(manifest['staged'])}")
    with connection.cursor() as cursor:
        cursor.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    connection.close()
    words = ("--no-owner", "--no-privileges", "--exit-on-error", f"--dbname={_dbname()}")
    run_program("pg_restore", *words, str(source / RECORD))
    # Messages that were out at that instant are lost by now.
    dispatcher.forget_what_was_sent()
    if needs_migration():
        say("This backup is older than the program. Next: manage.py migrate, then manage.py restore --finish")
    else:
        finish(folder, instant=source.name, say=say)
    return str(manifest["instant"])


def finish(folder: Path, *, instant: str | None, say: Say) -> None:
    """What has to follow once the record is in the form of this release; again does no harm. Raises `BackupError`.

    What was erased after the backup was made is erased again, before anybody can read it.
    """
    source = _newest(folder) if instant is None else folder / instant
    replaced = _read(source).get("replaced", {})
    try:
        erasures.apply_again(folder, replaced, say=say)
    except ArchiveError as error:
        raise BackupError(f"What was erased is not erased again yet: {error}") from error
    require_staged_as_recorded()


def needs_migration() -> bool:
    """Whether the record is not in the form of this release."""
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def _dbname() -> str:
    return str(connection.get_connection_params()["dbname"])


def _newest(folder: Path) -> Path:
    found = sorted(folder.glob(f"*Z/{MANIFEST}"))
    if not found:
        raise BackupError(f"There is no backup in {folder}.")
    return found[-1].parent


def _read(source: Path) -> dict[str, Any]:
    try:
        manifest: dict[str, Any] = json.loads((source / MANIFEST).read_text())
    except (OSError, ValueError) as error:
        raise BackupError(f"{source} is no whole backup: {error}") from error
    if not isinstance(manifest, dict):
        raise BackupError(f"{source / MANIFEST} is no manifest.")
    if manifest.get("format") != FORMAT:
        raise BackupError(f"{source} has the format {manifest.get('format')}; this release reads {FORMAT}.")
    sizes = [manifest.get("packs"), manifest.get("staged")]
    if not all(isinstance(each, dict) and all(type(size) is int for size in each.values()) for each in sizes):
        raise BackupError(f"{source / MANIFEST} does not say which files belong to the backup.")
    return manifest


def _require_whole(source: Path, folder: Path, manifest: dict[str, Any]) -> None:
    """Everything is there in its length, and the record is what was written; packs are hashed as they are copied.

    The manifest is a text that somebody may have changed: no name in it leads out of the folders.
    """
    strange = [name for name in manifest["packs"] if not _PACK.fullmatch(name)]
    strange += [name for name in manifest["staged"] if not _is_staged(name)]
    if strange:
        raise BackupError(f"The manifest names {strange[0]!r}, which is no file of a backup.")
    if _is_led_elsewhere(source / RECORD, source) or file_sha256(source / RECORD) != manifest.get(
        "record_sha256"
    ):
        raise BackupError(f"{source / RECORD} is damaged.")
    wanted = {pack_files.found(folder, name): size for name, size in manifest["packs"].items()}
    wanted |= {folder / "staging" / name: size for name, size in manifest["staged"].items()}
    linked = [path for path in wanted if _is_led_elsewhere(path, folder)]
    if linked:
        raise BackupError(f"{linked[0]} is, or lies behind, a symbolic link. No backup has such.")
    missing = [path for path, size in wanted.items() if not path.is_file() or path.stat().st_size != size]
    if missing:
        raise BackupError(
            f"{len(missing)} files of the backup are missing or cut off, the first: {missing[0]}"
        )


def _is_led_elsewhere(path: Path, folder: Path) -> bool:
    """Whether a symbolic link stands in the way to a file below a folder; ``packs`` and ``staging`` may be links."""
    return any(
        one.is_symlink() for one in (path, *path.parents) if one.parent != folder and folder in one.parents
    )


def _is_staged(name: str) -> bool:
    """Whether a name stays below the staging area, and is written the way the service writes names."""
    parts = name.split("/")
    return bool(name) and not any(part in ("", ".", "..") or "\\" in part or "\0" in part for part in parts)


def require_staged_as_recorded() -> None:
    """The packages that were put back are the ones that the record tells of. Raises `BackupError`."""
    wrong = []
    parts = Part.objects.exclude(stored_as=None).filter(digest_pending=False)
    for stored_as, sha256 in parts.values_list("stored_as", "sha256").iterator():
        # A file that is not there is the doctor's matter.
        with suppress(FileNotFoundError):
            digest = hashlib.sha256()
            for chunk in chunks_of(stored_as or ""):
                digest.update(chunk)
            if digest.hexdigest() != sha256:
                wrong.append(stored_as)
    if wrong:
        raise BackupError(
            f"{len(wrong)} staged files are not what the record tells, the first: {wrong[0]}. All else is restored; "
            "`manage.py doctor` says what to do about each."
        )


def _require_empty() -> None:
    with connection.cursor() as cursor:
        for table in ("deposit_deposit", "archive_pack"):
            cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [table])
            if cursor.fetchone()[0]:
                cursor.execute(f"SELECT EXISTS (SELECT FROM {table})")  # noqa: S608  two constants
                if cursor.fetchone()[0]:
                    raise BackupError("The database holds deposits or packs. Restore into an empty one.")
    if any(True for _ in primary_storage().packs()):
        raise BackupError("The archive's storage holds packs. Restore into an empty one.")


def _put_packs(folder: Path, names: Iterable[str]) -> None:
    """All of them, or none: a second try must find the archive empty."""
    put: list[str] = []
    try:
        for name in names:
            _put_pack(pack_files.found(folder, name), name)
            put.append(name)
    except BaseException:
        for name in put:
            primary_storage().delete(name)
        raise


def _put_pack(path: Path, name: str) -> None:
    storage = primary_storage()
    copy = storage.workspace() / f"restored-{name}"
    try:
        shutil.copyfile(path, copy)
        if file_sha256(copy) != name:
            raise BackupError(f"{path} is damaged: its bytes are not what its name says.")
        sync_file(copy)
        storage.adopt(copy, name)
    finally:
        copy.unlink(missing_ok=True)
