"""Keeping the replica up to the primary storage: what it lacks is copied, what was removed is removed there, too."""

from collections.abc import Iterable, Iterator

from archive.errors import PackMissing
from archive.models import Pack
from archive.storage import Storage, StoredPack
from archive.storage.replicated import copy_pack


def removed(names: Iterable[str]) -> set[str]:
    """Which of these packs were replaced by others, and removed."""
    gone = Pack.objects.filter(
        sha256__in=[bytes.fromhex(name) for name in names], replaced_by__isnull=False, remove_at=None
    )
    return {pack.name for pack in gone.only("sha256").iterator()}


def _copy(primary: Storage, replica: Storage, name: str) -> bool:
    """Copy a pack; whether it is in the replica now: it may be replaced and removed meanwhile."""
    try:
        copy_pack(primary, replica, name)
    except PackMissing:
        if Pack.objects.filter(sha256=bytes.fromhex(name), replaced_by__isnull=False).exists():
            return False
        raise
    # It is removed from the replica first.
    if removed([name]):
        replica.delete(name)
        return False
    return True


def replicate(primary: Storage, replica: Storage) -> Iterator[StoredPack]:
    """Copy every pack of the index that the replica lacks, or has in another size. Safe to stop and to call again.

    What no load has published yet, or ever will, is not copied: nobody would remove it from there.
    """
    there = {pack.name: pack.size for pack in replica.packs()}
    here = list(primary.packs())
    known = {pack.name for pack in Pack.objects.only("sha256").iterator()}
    for pack in here:
        lacks = there.pop(pack.name, None) != pack.size
        if lacks and pack.name in known and _copy(primary, replica, pack.name):
            yield pack
    for name in removed(there):
        replica.delete(name)
