"""Keeping the replica up to the primary storage: what it lacks is copied, what was removed is removed there, too."""

from collections.abc import Iterable, Iterator

from archive.models import Pack
from archive.storage import Storage, StoredPack
from archive.storage.replicated import copy_pack


def removed(names: Iterable[str]) -> set[str]:
    """Which of these packs were replaced by others, and removed."""
    gone = Pack.objects.filter(
        sha256__in=[bytes.fromhex(name) for name in names], replaced_by__isnull=False, remove_at=None
    )
    return {pack.name for pack in gone.only("sha256").iterator()}


def replicate(primary: Storage, replica: Storage) -> Iterator[StoredPack]:
    """Copy every pack that the replica lacks, or has in another size. Safe to stop and to call again."""
    there = {pack.name: pack.size for pack in replica.packs()}
    for pack in primary.packs():
        if there.pop(pack.name, None) != pack.size:
            copy_pack(primary, replica, pack.name)
            # While it was copied it may have been removed, from the replica first.
            if removed([pack.name]):
                replica.delete(pack.name)
            yield pack
    for name in removed(there):
        replica.delete(name)
