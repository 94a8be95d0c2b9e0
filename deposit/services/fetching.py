"""Fetching the packages elsewhere that depositors refer to.

A pending part has a `Fetch`, the work order: claimed with a lease, kept alive while bytes come, finished by whoever
still holds it. The deposit of a client that has nothing more to send is complete when the last of them is here.
"""

import logging
from contextlib import suppress
from datetime import timedelta

from django.conf import settings
from django.db import Error, connection, transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from deposit import lifecycle
from deposit.intake import download
from deposit.intake.admission import quota_left
from deposit.intake.limits import Sizes
from deposit.models import Deposit, EventName, Fetch, FetchState, Part, PartKind, Status
from deposit.refusals import Kind, Refusal
from deposit.services.by_reference import WAITING
from deposit.services.deposits import complete_fetched
from deposit.staging.files import StagedFile, staging_file

logger = logging.getLogger(__name__)

# How long whoever fetches may be silent before another takes over.
LEASE_SECONDS = 60
# After a fault on the way the next attempt waits this long, doubled each time.
RETRY_SECONDS = 30
MAX_ATTEMPTS = 6

# The key of the advisory lock of whoever fetches.
_FETCHING = 0x5E4D_0005_0000_0001


class _Lost(Refusal):
    """Another has the fetch now, or nobody wants its file any more."""

    def __init__(self) -> None:
        super().__init__(Kind.NOT_FOUND, "by_reference.lost", "The fetch has passed to another.")


def fetch_due() -> None:
    """Fetch all that is due. One process at a time does so, or fetching would take every worker from its checks."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [_FETCHING])
        row = cursor.fetchone()
    if not (row and row[0]):
        return
    try:
        while fetch_next():
            pass
    finally:
        # The lock ends with the session at the latest.
        with suppress(Error), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_FETCHING])


def fetch_next() -> bool:
    """Fetch one file that is due; False when none is."""
    fetch = _claim()
    if fetch is None:
        return False
    try:
        with staging_file(limit=_most(fetch.part), promised=fetch.part.size) as file:
            for chunk in download.download(
                fetch.url, expected=fetch.part.size or None, tell=lambda received: _renew(fetch, received)
            ):
                file.write(chunk)
            staged = file.finish()
            if staged.sha256 != fetch.part.sha256:
                raise Refusal(
                    Kind.CHECKSUM_MISMATCH,
                    "by_reference.digest",
                    f"What is there has the SHA-256 {staged.sha256}, not the announced {fetch.part.sha256}.",
                )
            _finish(fetch, staged)
    except _Lost:
        logger.warning("fetch=%s dropped: another has it, or the file is not wanted any more", fetch.pk)
    except Refusal as refusal:
        reason = f"{refusal.summary} {refusal.hint}".strip()
        if refusal.kind is Kind.STORAGE_FULL:
            _try_later(fetch, reason)
        else:
            _give_up(fetch, reason)
    except OSError as error:
        _try_later(fetch, str(error) or type(error).__name__)
    return True


def _most(part: Part) -> int:
    """How many bytes may come for a pending part. Raises `Refusal` when there is no room in its client's quota."""
    most = min(settings.MAX_BY_REFERENCE_SIZE, Sizes.of(part.deposit.collection).upload)
    left = quota_left(part.deposit.client)
    # A size that was announced is counted already; without one the file may take what is left.
    if left is None or part.size:
        return most
    if left <= 0:
        raise Refusal(
            Kind.FORBIDDEN,
            "client.quota",
            "The client's quota is used up.",
            "Ask the operators of this service for more.",
        )
    return min(most, left)


def _claim() -> Fetch | None:
    with transaction.atomic():
        fetch = (
            Fetch.objects.select_for_update(skip_locked=True, of=("self",))
            .filter(Q(lease_expires_at__isnull=True) | Q(lease_expires_at__lte=Now()), state__in=WAITING)
            .filter(due_at__lte=Now())
            .select_related("part__deposit__collection", "part__deposit__client")
            .order_by("due_at")
            .first()
        )
        if fetch is None:
            return None
        fetch.token += 1
        fetch.attempts += 1
        Fetch.objects.filter(pk=fetch.pk).update(
            state=FetchState.DOWNLOADING,
            token=fetch.token,
            attempts=fetch.attempts,
            received=0,
            lease_expires_at=Now() + timedelta(seconds=LEASE_SECONDS),
        )
        return fetch


def _held(fetch: Fetch) -> Q:
    return Q(pk=fetch.pk, token=fetch.token, state=FetchState.DOWNLOADING, lease_expires_at__gt=Now())


def _renew(fetch: Fetch, received: int) -> None:
    """Say that bytes still come, and how many have. Raises `_Lost`."""
    until = Now() + timedelta(seconds=LEASE_SECONDS)
    if not Fetch.objects.filter(_held(fetch)).update(lease_expires_at=until, received=received):
        raise _Lost


def _finish(fetch: Fetch, staged: StagedFile) -> None:
    """The pending part becomes a package, and the deposit complete if it waited for this one. Raises `_Lost`."""
    with transaction.atomic():
        deposit = Deposit.objects.select_for_update().filter(parts=fetch.part_id).first()
        held = Fetch.objects.select_for_update().filter(_held(fetch)).first()
        if deposit is None or held is None or deposit.status != Status.PARTIAL:
            raise _Lost
        part = held.part
        part.kind, part.stored_as, part.size = PartKind.PACKAGE, staged.stored_as, staged.size
        part.save(update_fields=["kind", "stored_as", "size"])
        Fetch.objects.filter(pk=held.pk).update(
            state=FetchState.FETCHED, received=staged.size, lease_expires_at=None, log=""
        )
        _tell(deposit, EventName.FETCH, package=part.name, url=held.url, size=staged.size)
        waiting = Fetch.objects.filter(part__deposit=deposit, part__kind=PartKind.PENDING)
        if held.completes and not waiting.exists():
            complete_fetched(deposit)


def _tell(deposit: Deposit, name: EventName, **detail: object) -> None:
    Deposit.objects.filter(pk=deposit.pk).update(revision=F("revision") + 1)
    deposit.revision += 1
    status = deposit.status
    lifecycle.record(deposit, name, actor="fetcher", source=status, target=status, **detail)


def _give_up(fetch: Fetch, reason: str) -> None:
    """It will never work as it stands: the depositor is told why."""
    with transaction.atomic():
        deposit = Deposit.objects.select_for_update().filter(parts=fetch.part_id).first()
        given_up = Fetch.objects.filter(_held(fetch)).update(
            state=FetchState.ERROR, lease_expires_at=None, log=reason
        )
        if deposit and given_up:
            _tell(deposit, EventName.FETCH_FAILED, url=fetch.url, reason=reason)
    logger.warning("fetch=%s event=failed reason=%s", fetch.pk, reason)


def _try_later(fetch: Fetch, reason: str) -> None:
    """Something on the way failed; after enough attempts it is given up."""
    if fetch.attempts >= MAX_ATTEMPTS:
        _give_up(fetch, f"After {fetch.attempts} attempts: {reason}")
        return
    wait = RETRY_SECONDS * 2 ** (fetch.attempts - 1)
    Fetch.objects.filter(_held(fetch)).update(
        state=FetchState.PENDING,
        lease_expires_at=None,
        log=reason,
        due_at=Now() + timedelta(seconds=wait),
    )
    logger.warning("fetch=%s postponed for %s s: %s", fetch.pk, wait, reason)
