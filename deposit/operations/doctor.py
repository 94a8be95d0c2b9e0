"""``manage.py doctor``: is everything that was promised still true of the record, the files and the archive?

Each invariant has a code, a sentence, and what to do when it is broken. Nothing here changes anything but `mend`,
which does only what cannot do harm. Fit for a service that runs: what a look finds broken is looked at again.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import connection

from archive.maintenance import orphans as orphan_packs
from archive.maintenance import remove_orphans, returned, verify
from archive.storage import default_storage
from deposit.models import Deposit, Part, Status
from deposit.monitoring.sessions import read_sessions
from deposit.operations.invariants import INVARIANTS, Invariant
from deposit.queue import dispatcher
from deposit.staging import cleanup
from deposit.staging.storage import chunks_of, staging


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """One broken invariant at one place. ``mendable``: ``--fix`` mends it without risk."""

    code: str
    subject: str
    message: str
    remedy: str
    mendable: bool = False


def examine(*, deep: bool = False, age: timedelta | None = None, archive: bool = True) -> Iterator[Problem]:
    """Look at everything; ``deep`` reads every staged package again and compares its SHA-256.

    ``age``: how old a file without a row must be to count as an orphan. ``archive``: compare index and packs too.
    """
    for invariant in INVARIANTS:
        yield from _record(invariant)
    yield from _dispatcher()
    yield from _sessions()
    yield from _packages(deep=deep)
    yield from _leftovers(cleanup.orphan_age() if age is None else age)
    if archive:
        yield from _archive()


def mend(*, age: timedelta | None = None) -> list[str]:
    """Do what is safe: sweep the staging area, remove orphaned packs, send again what waits. Tells what was done."""
    swept = cleanup.sweep(age=age)
    done = [f"{name.replace('_', ' ')}: {getattr(swept, name)}" for name in swept.__slots__]
    removed = remove_orphans(default_storage(), **({} if age is None else {"age": age}))
    dispatcher.heal()
    dispatcher.forget_what_was_sent()
    return [*done, f"orphaned packs removed: {len(removed)}", "waiting deposits will be sent again"]


def _record(invariant: Invariant) -> Iterator[Problem]:
    with connection.cursor() as cursor:
        cursor.execute(invariant.query, _bounds())
        for deposit, told in cursor.fetchall():
            yield Problem(
                code=invariant.code,
                subject="queue" if deposit is None else f"deposit {deposit}",
                message=invariant.message.format(told),
                remedy=invariant.remedy.format(deposit),
                mendable=invariant.mendable,
            )


def _bounds() -> dict[str, float]:
    return {"late": 2 * settings.LEASE_SECONDS + 60, "long": 15 * 60 + 2 * settings.RESEND_SECONDS}


def _dispatcher() -> Iterator[Problem]:
    work = Deposit.objects.filter(status__in=[Status.DEPOSITED, Status.VERIFIED, Status.LOADING]).exists()
    if work and not dispatcher.is_led():
        yield Problem(
            code="queue.no_dispatcher",
            subject="dispatcher",
            message="Deposits wait, and no dispatcher runs.",
            remedy="Start `manage.py dispatch`.",
        )


def _sessions() -> Iterator[Problem]:
    sessions = read_sessions()
    if sessions.wanted > sessions.limit:
        yield Problem(
            code="database.sessions",
            subject="database",
            message=f"The service may ask for {sessions.wanted} sessions; PostgreSQL gives {sessions.limit}.",
            remedy="Raise max_connections, or lower WEB_CONNECTIONS, WEB_WORKERS or the workers' slots; see "
            "DATABASE_CONNECTIONS.",
        )


def _packages(*, deep: bool) -> Iterator[Problem]:
    """Every package that a row names is there, as long as it was, and (deep) byte for byte."""
    parts = Part.objects.filter(stored_as__isnull=False).order_by("pk")
    for part in parts.iterator(chunk_size=2000):
        problem = _wrong_with(part, deep=deep)
        # The row may have gone meanwhile, and its file after it.
        if problem and Part.objects.filter(pk=part.pk).exists():
            yield problem


def _wrong_with(part: Part, *, deep: bool) -> Problem | None:
    assert part.stored_as is not None
    path, wrong = staging().where(part.stored_as), None
    try:
        size = staging().size(part.stored_as)
        if size != part.size:
            wrong = ("file.size", f"{path} has {size} bytes instead of {part.size}.")
        elif deep and _sha256(part.stored_as) != part.sha256:
            wrong = ("file.damaged", f"{path} is not what was sent: its SHA-256 differs.")
    except OSError as error:
        wrong = ("file.missing", f"{path} cannot be read: {error.strerror or error}.")
    if wrong is None:
        return None
    return Problem(
        code=wrong[0],
        subject=f"deposit {part.deposit_id}",
        message=wrong[1],
        remedy="Restore the file from a backup (or from STAGING_ROOT/trash); else ask the client to deposit again.",
    )


def _sha256(stored_as: str) -> str:
    digest = hashlib.sha256()
    for chunk in chunks_of(stored_as):
        digest.update(chunk)
    return digest.hexdigest()


def _leftovers(age: timedelta) -> Iterator[Problem]:
    for left in cleanup.abandoned(age):
        yield Problem(
            code="file.abandoned",
            subject=left.subject,
            message="An upload was cut off and left this file.",
            remedy="`manage.py doctor --fix` removes it; so does the scheduler.",
            mendable=True,
        )
    for name in cleanup.orphans(age):
        yield Problem(
            code="file.orphan",
            subject=staging().where(name),
            message="No row names this package.",
            remedy="`manage.py doctor --fix` sets it aside in STAGING_ROOT/trash; so does the scheduler. If the "
            "database was restored from an older copy, keep it.",
            mendable=True,
        )


def _archive() -> Iterator[Problem]:
    storage = default_storage()
    orphans = {pack.name for pack in (*orphan_packs(storage), *returned(storage))}
    for difference in verify(storage):
        if difference is None:
            continue
        orphan = difference.pack in orphans
        yield Problem(
            code="archive.orphan" if orphan else "archive.difference",
            subject=f"pack {difference.pack}",
            message=f"{difference.reason} ({difference.count})",
            remedy="`manage.py doctor --fix` removes it."
            if orphan
            else "`manage.py archive rebuild` writes the index anew from the packs; lost packs come from the replica.",
            mendable=orphan,
        )
