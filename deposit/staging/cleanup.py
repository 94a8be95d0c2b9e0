"""Housekeeping of the staging area: what no row needs goes, and nothing else.

A file is touched only when it is old, no row names it, and it was moved aside first and asked for again: whoever could
still be about to name it would have to have held it, finished, for all that time. What was moved aside stays a while
before it is gone, so that the record, restored from an older copy, does not cost the packages received since.
"""

import logging
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice

from django.conf import settings

from deposit.models import Part, Upload
from deposit.staging.interface import Leftover
from deposit.staging.storage import staging

logger = logging.getLogger(__name__)

_BATCH = 1000


@dataclass(kw_only=True, slots=True)
class Swept:
    """How many files a sweep dealt with."""

    abandoned: int = 0
    set_aside: int = 0
    restored: int = 0
    removed: int = 0


def orphan_age() -> timedelta:
    """How long a file must have been left alone before the cleanup looks at it."""
    return timedelta(hours=settings.ORPHAN_AGE_HOURS)


def sweep(*, age: timedelta | None = None) -> Swept:
    """Remove what uploads left that were cut off; set aside files that no row names; empty the trash of older days."""
    age = orphan_age() if age is None else age
    swept = Swept()
    for left in abandoned(age):
        swept.abandoned += left.remove()
    for name in orphans(age):
        _set_aside(name, swept)
    keep = timedelta(days=settings.ORPHAN_KEEP_DAYS)
    swept.removed = staging().empty_trash(f"{datetime.now(UTC) - keep:%Y-%m-%d}")
    return swept


def abandoned(age: timedelta) -> Iterator[Leftover]:
    """Uploads that stopped: what nothing was written to for ``age``, and has no name yet."""
    yield from staging().abandoned(age)


def orphans(age: timedelta) -> Iterator[str]:
    """The names of finished files that are older than ``age`` and that no row names."""
    old = staging().finished(age)
    while names := list(islice(old, _BATCH)):
        yield from _unnamed(names)


def _unnamed(names: list[str]) -> list[str]:
    # In this order: an upload that is deposited just now is a part by the time it is no upload any more.
    named: set[str | None] = set(
        Upload.objects.filter(stored_as__in=names).values_list("stored_as", flat=True)
    )
    named |= set(Part.objects.filter(stored_as__in=names).values_list("stored_as", flat=True))
    return [name for name in names if name not in named]


def _set_aside(name: str, swept: Swept) -> None:
    with suppress(FileNotFoundError):
        aside = staging().set_aside(name)
        if _unnamed([name]):
            swept.set_aside += 1
            logger.warning("staged file %s is named by no row, set aside as %s", name, aside)
        else:
            staging().put_back(aside, name)
            swept.restored += 1
