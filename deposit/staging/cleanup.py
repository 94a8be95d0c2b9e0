"""Housekeeping of the staging area: what no row needs goes, and nothing else.

A file is touched only when it is old, no row names it, and it was moved aside first and asked for again: whoever could
still be about to name it would have to have held it, finished, for all that time. What was moved aside stays a while
before it is gone, so that the record, restored from an older copy, does not cost the packages received since.
"""

import logging
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

from django.conf import settings

from deposit.models import Part, Upload
from deposit.staging import files

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
    for path in abandoned(age):
        with suppress(FileNotFoundError):
            path.unlink()
            swept.abandoned += 1
    for path in orphans(age):
        _set_aside(path, swept)
    _empty_trash(timedelta(days=settings.ORPHAN_KEEP_DAYS), swept)
    return swept


def abandoned(age: timedelta) -> Iterator[Path]:
    """Uploads that stopped: unfinished files to which nothing was written for ``age``."""
    yield from _old_files(files.root() / "incoming", age)


def orphans(age: timedelta) -> Iterator[Path]:
    """Finished files that nothing was written to for ``age`` and that no row names."""
    for day in _folders(files.root() / "packages"):
        old = _old_files(day, age)
        while paths := list(islice(old, _BATCH)):
            yield from _unnamed(paths)


def _unnamed(paths: Iterable[Path]) -> list[Path]:
    names = {str(path.relative_to(files.root())): path for path in paths}
    # In this order: an upload that is deposited just now is a part by the time it is no upload any more.
    named: set[str | None] = set(
        Upload.objects.filter(stored_as__in=names).values_list("stored_as", flat=True)
    )
    named |= set(Part.objects.filter(stored_as__in=names).values_list("stored_as", flat=True))
    return [path for name, path in names.items() if name not in named]


def _set_aside(path: Path, swept: Swept) -> None:
    trash = files.root() / "trash" / f"{datetime.now(UTC):%Y-%m-%d}"
    trash.mkdir(parents=True, exist_ok=True)
    # The day is kept in the name, so that an operator can put the file back.
    aside = trash / f"{path.parent.name}.{path.name}"
    with suppress(FileNotFoundError):
        path.rename(aside)
        if _unnamed([path]):
            swept.set_aside += 1
            logger.warning("staged file %s is named by no row, set aside as %s", path, aside)
        else:
            aside.rename(path)
            swept.restored += 1


def _empty_trash(keep: timedelta, swept: Swept) -> None:
    before = f"{datetime.now(UTC) - keep:%Y-%m-%d}"
    for day in _folders(files.root() / "trash"):
        if day.name < before:
            for entry in list(os.scandir(day)):
                Path(entry.path).unlink(missing_ok=True)
                swept.removed += 1
            day.rmdir()


def _folders(parent: Path) -> list[Path]:
    if not parent.is_dir():
        return []
    return sorted(Path(entry.path) for entry in os.scandir(parent) if entry.is_dir(follow_symlinks=False))


def _old_files(folder: Path, age: timedelta) -> Iterator[Path]:
    if not folder.is_dir():
        return
    before = (datetime.now(UTC) - age).timestamp()
    for entry in os.scandir(folder):
        with suppress(FileNotFoundError):
            if entry.is_file(follow_symlinks=False) and entry.stat(follow_symlinks=False).st_mtime <= before:
                yield Path(entry.path)
