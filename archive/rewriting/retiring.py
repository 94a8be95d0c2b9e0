"""Removing the files of packs that were replaced, when what replaced them is where they were."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime

from django.db.models import Q

from archive.errors import ArchiveError
from archive.models import Pack
from archive.storage import Storage
from archive.storage.replicated import copy_pack


def replace(old: Pack, new: Pack) -> None:
    """Record, in the caller's transaction, that a pack and those in it were replaced; its file may go at once."""
    Pack.objects.filter(Q(id=old.id) | Q(replaced_by=old)).update(replaced_by=new, shift=0)
    Pack.objects.filter(id=old.id).update(remove_at=datetime.now(UTC))


def retire(storage: Storage, replica: Storage | None) -> Iterator[tuple[Pack, str]]:
    """Remove the files that are due, each when the pack that replaced it is there.

    Tells each pack, and what held it up.
    """
    due = Pack.objects.filter(remove_at__lte=datetime.now(UTC)).select_related("replaced_by").order_by("id")
    for pack in due:
        try:
            _remove(pack, storage, replica)
        except (ArchiveError, OSError) as error:
            yield pack, str(error)
        else:
            yield pack, ""


def _remove(pack: Pack, storage: Storage, replica: Storage | None) -> None:
    new = pack.replaced_by
    assert new is not None
    with closing(storage.open(new.name)):
        pass
    if replica is not None:
        copy_pack(storage, replica, new.name)
        # First: what is missing in the primary is fetched from there.
        replica.delete(pack.name)
    storage.delete(pack.name)
    Pack.objects.filter(id=pack.id).update(remove_at=None, to_erase=False)
