"""Removing the files of packs that were replaced, when what replaced them is where they were.

While a backup runs, nothing is removed: it copies packs that its snapshot of the index names.
"""

import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from itertools import islice

from archive.errors import ArchiveError, Damaged, PackMissing
from archive.locks import Lock, alone
from archive.models import Pack
from archive.storage import Storage
from archive.storage.replicated import copy_pack

# So many are recorded as removed at once.
_AT_ONCE = 200
_BACKUP = "A backup, or another process that removes files, is running; the file goes when it has ended."


def retire(
    storage: Storage, replica: Storage | None, *, until: float | None = None
) -> Iterator[tuple[Pack, str]]:
    """Remove the files that are due, until a moment of ``time.monotonic()``.

    Tells each pack, and what held it up: it is tried again by the next call. Safe to kill, and to run twice at once.
    """
    due = (
        Pack.objects.filter(remove_at__lte=datetime.now(UTC), replaced_by__isnull=False)
        .select_related("replaced_by")
        .order_by("replaced_by", "id")
    )
    there: dict[int, str] = {}
    with alone(Lock.REMOVE) as held:
        for packs in _batches(due.iterator()):
            if until is not None and time.monotonic() > until:
                return
            if not held:
                yield from ((pack, _BACKUP) for pack in packs)
                continue
            told = [(pack, _remove(pack, storage, replica, there)) for pack in packs]
            gone = [pack.id for pack, problem in told if not problem]
            # A crash before this only means that files which are gone are removed again.
            Pack.objects.filter(id__in=gone).update(remove_at=None, to_erase=False)
            yield from told


def _batches(packs: Iterator[Pack]) -> Iterator[list[Pack]]:
    while batch := list(islice(packs, _AT_ONCE)):
        yield batch


def _put_in_place(new: Pack, storage: Storage, replica: Storage | None) -> str:
    """See that a new pack is in both storages; what is in the way of that, or nothing."""
    try:
        with closing(storage.open(new.name)) as file:
            if file.size != new.size:
                raise Damaged(f"Pack {new.name} has {file.size} bytes instead of {new.size}.")
        if replica is not None and not _has(replica, new):
            copy_pack(storage, replica, new.name)
    except (ArchiveError, OSError) as error:
        return str(error)
    return ""


def _has(storage: Storage, pack: Pack) -> bool:
    try:
        with closing(storage.open(pack.name)) as file:
            return file.size == pack.size
    except PackMissing:
        return False


def _remove(pack: Pack, storage: Storage, replica: Storage | None, there: dict[int, str]) -> str:
    """Remove a pack's files; what is in the way of that, or nothing. ``there`` remembers what replaces whom."""
    new = pack.replaced_by
    assert new is not None
    if new.id not in there:
        there[new.id] = _put_in_place(new, storage, replica)
    if there[new.id]:
        return there[new.id]
    try:
        # First: what is missing in the primary storage is fetched from there.
        if replica is not None:
            replica.delete(pack.name)
        storage.delete(pack.name)
    except (ArchiveError, OSError) as error:
        return str(error)
    return ""
