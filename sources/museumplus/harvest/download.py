"""An object with all that belongs to it, fetched into its work folder.

May be interrupted and run again: a file has its name only once it is whole, and what is there is not fetched again, as
long as it is the same package. What MuseumPlus no longer links is removed.
"""

import errno
import json
import os
import re
import shutil
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

from loader.destinations.preservation_service.workdir import WorkDir
from packages.formats.preservable import check_name
from sources.museumplus.harvest.client import MuseumPlusClient
from sources.museumplus.harvest.documents import (
    MultimediaRecord,
    ObjectRecord,
    parse_document,
    read_multimedia,
    read_object,
    single_item,
    whole_object,
)

_AT_ONCE = 3
_NAME_LENGTH = 200
_UNSAFE = re.compile(r"[\x00-\x1f\x7f/\\]")
_POLL_SECONDS = 2.0


class DiskFull(OSError):
    """There is not enough room for more packages. It passes, and is waited for."""

    def __init__(self, sentence: str) -> None:
        super().__init__(errno.ENOSPC, sentence)

    def __str__(self) -> str:
        return str(self.strerror)


@dataclass(frozen=True, kw_only=True, slots=True)
class Downloaded:
    """An object that was fetched: what its document says, and the ids of its attachments, with or without a file."""

    record: ObjectRecord
    attachment_ids: tuple[int, ...]


def check_room(folder: Path, minimum: int) -> None:
    """Raises DiskFull when fewer than ``minimum`` bytes are free."""
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if free < minimum:
        raise DiskFull(
            f"Only {free:,} bytes are free in {folder}, and {minimum:,} are kept free. Enqueue fewer objects at a time."
        )


def download_object(
    client: MuseumPlusClient,
    work: WorkDir,
    number: int,
    sip_id: str,
    *,
    lido_report: int,
    alive: Callable[[], None] = lambda: None,
) -> Downloaded:
    """Fetch an object, its attachments, activities and LIDO into ``work``.

    ``alive`` is called as the work moves on; what it raises stops it. Raises MuseumPlusError, NotPreservable, OSError.
    """
    _begin(work, sip_id)
    document = client.object_document(number)
    _begin_anew_if_changed(work, document)
    record = read_object(whole_object(parse_document(document)))
    _in_parallel(lambda linked: _attachment(client, work, linked), record.multimedia_ids, alive)
    _in_parallel(lambda linked: _activity(client, work, linked), record.collection_activity_ids, alive)
    _remove_others(work.attachments, record.multimedia_ids)
    _remove_others(work.activities, record.collection_activity_ids)
    _cached(work.reports / "lido.xml", lambda: client.lido(number, lido_report))
    alive()
    _write(work.reports / "Object.xml", document)
    work.log("download", f"object {number}, {len(record.multimedia_ids)} attachments")
    return Downloaded(record=record, attachment_ids=tuple(sorted(record.multimedia_ids)))


def safe_filename(record: MultimediaRecord) -> str:
    """The name of an attachment's file, in which nothing leads elsewhere. Raises NotPreservable."""
    name = _UNSAFE.sub("_", (record.filename or "").strip())
    if name.strip(". ") == "":
        return f"Multimedia_{record.id}.attachment"
    check_name(name)
    stem, dot, ending = name.rpartition(".")
    return name if len(name) <= _NAME_LENGTH else f"{(stem or ending)[: _NAME_LENGTH - 20]}{dot}{ending[:19]}"


def _begin(work: WorkDir, sip_id: str) -> None:
    """Begin or go on: what another package left is removed, for the object may have changed since."""
    marker = work.path / "download.json"
    try:
        same = json.loads(marker.read_text()) == sip_id
    except (FileNotFoundError, ValueError):
        same = False
    if not same:
        for leftover in (work.sip, work.workspace, work.logs):
            shutil.rmtree(leftover, ignore_errors=True)
        for name in ("extracted.json", "object.seen"):
            (work.path / name).unlink(missing_ok=True)
    work.make()
    marker.write_text(json.dumps(sip_id))


def _begin_anew_if_changed(work: WorkDir, document: bytes) -> None:
    """What an earlier attempt fetched for another state of the object is of no use."""
    seen = work.path / "object.seen"
    if seen.exists() and seen.read_bytes() != document:
        shutil.rmtree(work.sip, ignore_errors=True)
        work.make()
    _write(seen, document)


def _attachment(client: MuseumPlusClient, work: WorkDir, number: int) -> None:
    folder = work.attachments / str(number)
    folder.mkdir(parents=True, exist_ok=True)
    document = _cached(folder / "Multimedia.xml", lambda: client.multimedia_document(number))
    record = read_multimedia(single_item(parse_document(document)))
    target = folder / safe_filename(record)
    if not target.exists():
        half = target.with_name(target.name + ".download")
        if client.download(number, half) > 0:
            half.replace(target)
        else:
            half.unlink(missing_ok=True)


def _activity(client: MuseumPlusClient, work: WorkDir, number: int) -> None:
    folder = work.activities / str(number)
    folder.mkdir(parents=True, exist_ok=True)
    _cached(folder / "CollectionActivity.xml", lambda: client.activity_document(number))


def _cached(path: Path, fetch: Callable[[], bytes]) -> bytes:
    if path.exists():
        return path.read_bytes()
    data = fetch()
    _write(path, data)
    return data


def _write(path: Path, data: bytes) -> None:
    half = path.with_name(path.name + ".download")
    with half.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    half.replace(path)


def _remove_others(folder: Path, numbers: tuple[int, ...]) -> None:
    kept = {str(number) for number in numbers}
    if folder.is_dir():
        for path in folder.iterdir():
            if path.name not in kept:
                shutil.rmtree(path)


def _in_parallel(work: Callable[[int], None], numbers: tuple[int, ...], alive: Callable[[], None]) -> None:
    """Do ``work`` for each number, a few at once; the first failure is raised once those under way have ended."""
    remaining = iter(numbers)
    running: set[Future[None]] = set()
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="museumplus") as executor:
        while True:
            for number in remaining:
                running.add(executor.submit(work, number))
                if len(running) >= _AT_ONCE:
                    break
            if not running:
                return
            done, running = wait(running, timeout=_POLL_SECONDS, return_when=FIRST_COMPLETED)
            alive()
            for future in done:
                future.result()
