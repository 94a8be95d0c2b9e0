"""One run of moving in: accounts, then deposits by number, then, if wished, the loads."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from django.db import connection

from deposit.models import AdvisoryLock
from deposit.operations.swh_deposit.accounts import advance, move_accounts
from deposit.operations.swh_deposit.deposits import Window
from deposit.operations.swh_deposit.reloading import reload_done
from deposit.operations.swh_deposit.report import Report
from deposit.operations.swh_deposit.source import Source, SourceError, opened
from deposit.operations.swh_deposit.uploads import Uploads

_WINDOW = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """What is to be moved. ``collection``: this one alone. ``since``: only deposits in which something came since then.

    ``final``: the other server has stopped, so take up what it left half-done. ``load``: load done deposits into our
    archive too. ``headroom``: so many numbers after the newest there are left to the other server.
    """

    database: str
    uploads: Uploads
    collection: str | None = None
    since: datetime | None = None
    dry_run: bool = False
    final: bool = False
    load: bool = False
    headroom: int = 10_000
    digests: Mapping[str, str] = field(default_factory=dict)


def move(options: Options, say: Callable[[str], None]) -> Report:
    """Move in what is not here yet. ``say`` is told how far it is. Raises `SourceError`, `Refusal` (disk full)."""
    report = Report(dry_run=options.dry_run)
    with opened(options.database) as source, _alone():
        number = _number_of(source, options.collection)
        places = move_accounts(source, only=options.collection, report=report)
        if not options.dry_run:
            # Deposits that come here from now on take no number that is still to come there.
            advance("deposit_deposit", source.newest() + (0 if options.final else options.headroom))
        window = Window(source, options.uploads, places, report, final=options.final, digests=options.digests)
        for rows in source.deposits(collection=number, since=options.since, most=_WINDOW):
            window.take(rows)
            say(f"up to deposit {rows[-1].id}: {_progress(report)}")
        if options.load and not options.dry_run:
            reload_done(source.name, report)
    return report


def _number_of(source: Source, name: str | None) -> int | None:
    if name is None:
        return None
    for number, found in source.collections().items():
        if found == name:
            return number
    raise SourceError(f"The other server has no collection {name}.")


def _progress(report: Report) -> str:
    return ", ".join(
        f"{number} {what}" for what, number in report.counts.items() if what.startswith("deposits")
    )


@contextmanager
def _alone() -> Iterator[None]:
    """One run at a time; the lock ends with the database session at the latest."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [AdvisoryLock.MOVING_IN])
        if cursor.fetchone() != (True,):
            raise SourceError("Another run moves deposits in at this moment.")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [AdvisoryLock.MOVING_IN])
