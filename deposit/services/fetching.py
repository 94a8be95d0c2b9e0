"""Fetching the packages elsewhere that depositors refer to: side by side, few at a time from one host.

A pending part has a `Fetch`, and a fetch that is open a work item. The deposit of a client that has nothing more to
send is complete when the last of its files is here. Rows are locked in this order: deposit, work item, fetch.
"""

import logging
from urllib.parse import SplitResult

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F

from deposit import lifecycle
from deposit.intake import download
from deposit.intake.admission import quota_left
from deposit.intake.limits import Sizes
from deposit.models import (
    AdvisoryLock,
    Deposit,
    EventName,
    Fetch,
    FetchState,
    Part,
    PartKind,
    Status,
    WorkItem,
)
from deposit.queue import items
from deposit.queue.claims import Claim, LeaseLost
from deposit.queue.leases import Lease, is_outage, kept
from deposit.queue.policies import LONG
from deposit.queue.registry import Kind as WorkKind
from deposit.queue.registry import Later, Taking, register
from deposit.refusals import Kind, Refusal
from deposit.services.by_reference import WAITING
from deposit.services.deposits import complete_fetched
from deposit.staging.files import StagedFile
from deposit.staging.interface import Incoming
from deposit.staging.storage import object_at, staging_file

logger = logging.getLogger(__name__)

# A fetch that finds its host busy is offered again after this long; one that ends offers the next one at once.
_BUSY_SECONDS = 30.0

_AT_HOST = """
SELECT count(*) FROM deposit_workitem
WHERE sent_at IS NOT NULL AND queue = 'fetch' AND kind = 'fetch' AND id <> %s
    AND lease_expires_at > statement_timestamp() AND arguments->>'host' = %s
"""
_NEXT_AT_HOST = """
UPDATE deposit_workitem SET due_at = statement_timestamp(), sent_at = NULL WHERE id = (
    SELECT id FROM deposit_workitem
    WHERE kind = 'fetch' AND arguments->>'host' = %s AND lease_expires_at IS NULL AND attempts = 0 AND last_fault = ''
    ORDER BY due_at, id LIMIT 1 FOR UPDATE SKIP LOCKED
)
"""
# A worker of the version before has its lease in the fetch itself, whose model knows it no more.
_HELD_BEFORE = (
    "SELECT coalesce(lease_expires_at > statement_timestamp(), false) FROM deposit_fetch WHERE id = %s"
)
_HEAL = """
INSERT INTO deposit_workitem (kind, key, deposit_id, queue, share, heavy, arguments)
SELECT 'fetch', wanted.id::text, part.deposit_id, 'fetch', deposit.client_id, part.size >= %s,
    jsonb_build_object('host', lower(substring(wanted.url from '://([^/?#]+)')))
FROM deposit_fetch wanted JOIN deposit_part part ON part.id = wanted.part_id
JOIN deposit_deposit deposit ON deposit.id = part.deposit_id
WHERE wanted.state IN ('pending', 'downloading')
    AND NOT coalesce(wanted.lease_expires_at > statement_timestamp(), false)
    AND NOT EXISTS (SELECT FROM deposit_workitem item WHERE item.kind = 'fetch' AND item.key = wanted.id::text)
LIMIT 1000 ON CONFLICT DO NOTHING
"""


def fetch(fetch_id: int, *, worker: str) -> None:
    """Fetch one file if it is due; twice, late or in vain does no harm."""
    claim = items.claim(Fetch.WORK, fetch_id, worker=worker)
    if claim is None:
        return
    try:
        with kept(claim) as lease:
            wanted = Fetch.objects.select_related("part__deposit__collection", "part__deposit__client")
            found = wanted.filter(pk=fetch_id).first()
            if found is None:
                raise LeaseLost("The file is not wanted any more.")
            _get(found, claim, lease)
    except LeaseLost as lost:
        logger.warning("fetch=%s dropped: %s", fetch_id, lost)


class _Dropped(Refusal):
    """Another has the fetch now, or nobody wants its file: what has come is thrown away."""

    def __init__(self) -> None:
        super().__init__(Kind.NOT_FOUND, "by_reference.lost", "The fetch has passed to another.")


def _get(fetch: Fetch, claim: Claim, lease: Lease) -> None:
    try:
        with staging_file(limit=_most(fetch.part), promised=fetch.part.size) as file:
            try:
                _copy(fetch, lease, file)
                _finish(fetch, claim, _finished(fetch, file))
            except LeaseLost:
                raise _Dropped from None
    except _Dropped as dropped:
        raise LeaseLost(dropped.summary) from None
    except Refusal as refusal:
        reason = f"{refusal.summary} {refusal.hint}".strip()
        if refusal.kind in (Kind.STORAGE_FULL, Kind.UNAVAILABLE):
            _try_later(fetch, claim, reason, counts=False)
        else:
            _give_up(fetch, claim, reason)
    except OSError as error:
        _try_later(fetch, claim, str(error) or type(error).__name__, counts=not is_outage(error))


def _copy(fetch: Fetch, lease: Lease, file: Incoming) -> None:
    for chunk in download.download(
        fetch.url,
        expected=fetch.part.size or None,
        progress=lambda received: _record_progress(fetch, received),
        found=lambda url, size, etag: _copy_within_service(file, url, size, etag),
    ):
        lease.check()
        file.write(chunk)


def _copy_within_service(file: Incoming, url: SplitResult, size: int, etag: str) -> None:
    """What our own S3 service answers with is copied there: whoever may read it at this address has shown that."""
    source = object_at(url, size, etag)
    if source is not None:
        file.take_copy(source)


def _finished(fetch: Fetch, file: Incoming) -> StagedFile:
    staged = file.finish()
    if staged.sha256 != fetch.part.sha256:
        raise Refusal(
            Kind.CHECKSUM_MISMATCH,
            "by_reference.digest",
            f"What is there has the SHA-256 {staged.sha256}, not the announced {fetch.part.sha256}.",
        )
    return staged


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


def _record_progress(fetch: Fetch, received: int) -> None:
    """Note how many bytes have come. Raises `LeaseLost` when nobody wants the file any more."""
    if not Fetch.objects.filter(pk=fetch.pk, state=FetchState.DOWNLOADING).update(received=received):
        raise LeaseLost("The file is not wanted any more.")


def _finish(fetch: Fetch, claim: Claim, staged: StagedFile) -> None:
    """The pending part becomes a package, and the deposit complete if it waited for this one. Raises `LeaseLost`."""
    with transaction.atomic():
        deposit = _locked_deposit(fetch)
        items.finish(claim)
        held = Fetch.objects.select_for_update().filter(pk=fetch.pk, state__in=WAITING).first()
        if deposit is None or held is None or deposit.status != Status.PARTIAL:
            raise LeaseLost("The file is not wanted any more.")
        part = held.part
        part.kind, part.stored_as, part.size = PartKind.PACKAGE, staged.stored_as, staged.size
        part.save(update_fields=["kind", "stored_as", "size"])
        Fetch.objects.filter(pk=held.pk).update(state=FetchState.FETCHED, received=staged.size, log="")
        _record_event(deposit, EventName.FETCH, package=part.name, url=held.url, size=staged.size)
        waiting = Fetch.objects.filter(part__deposit=deposit, part__kind=PartKind.PENDING)
        if held.completes and not waiting.exists():
            complete_fetched(deposit)
        _offer_next(claim)


def _locked_deposit(fetch: Fetch) -> Deposit | None:
    return Deposit.objects.select_for_update().filter(parts=fetch.part_id).first()


def _record_event(deposit: Deposit, name: EventName, **detail: object) -> None:
    Deposit.objects.filter(pk=deposit.pk).update(revision=F("revision") + 1)
    deposit.revision += 1
    status = deposit.status
    lifecycle.record(deposit, name, actor="fetcher", source=status, target=status, **detail)


def _give_up(fetch: Fetch, claim: Claim, reason: str) -> None:
    """It will never work as it stands: the depositor is told why. Raises `LeaseLost`."""
    with transaction.atomic():
        deposit = _locked_deposit(fetch)
        items.finish(claim)
        _fail(fetch.pk, deposit, reason)
        _offer_next(claim)


def _fail(fetch_id: int, deposit: Deposit | None, reason: str) -> None:
    failed = Fetch.objects.filter(pk=fetch_id, state__in=WAITING)
    url = failed.values_list("url", flat=True).first()
    if failed.update(state=FetchState.ERROR, log=reason) and deposit:
        _record_event(deposit, EventName.FETCH_FAILED, url=url, reason=reason)
    logger.warning("fetch=%s event=failed reason=%r", fetch_id, reason)


def _try_later(fetch: Fetch, claim: Claim, reason: str, *, counts: bool) -> None:
    """Something on the way failed; after enough attempts it is given up. Raises `LeaseLost`."""
    if counts and claim.attempt >= POLICY.most_attempts:
        _give_up(fetch, claim, f"After {claim.attempt} attempts: {reason}")
        return
    wait = POLICY.wait_after(claim.attempt) if counts else POLICY.outage_seconds
    with transaction.atomic():
        if not items.give_back(claim, reason=reason, after_seconds=wait, counts=counts):
            raise LeaseLost(f"The lease on {claim} has passed to another worker.")
        _offer_next(claim)
    logger.warning("fetch=%s postponed for %s s: %r", fetch.pk, wait, reason)


# --- One host at a time does not mean one file at a time --------------------------------------------------
def _offer_next(claim: Claim) -> None:
    """Let the next file from this host be fetched at once."""
    with connection.cursor() as cursor:
        cursor.execute(_NEXT_AT_HOST, [claim.arguments.get("host")])
        if cursor.rowcount:
            items.announce()


def _claimed(claim: Claim) -> Taking | Later:
    with connection.cursor() as cursor:
        cursor.execute(_HELD_BEFORE, [int(claim.key)])
        row = cursor.fetchone()
        if row is None:
            return Taking.GONE
        if row[0]:
            return Later(settings.LEASE_SECONDS)
        host = claim.arguments.get("host", "")
        # Two that claim at once: the second counts the first.
        cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [AdvisoryLock.FETCHED_HOST, host])
        cursor.execute(_AT_HOST, [claim.id, host])
        (busy,) = cursor.fetchone()
    if busy >= settings.BY_REFERENCE_PER_HOST:
        return Later(_BUSY_SECONDS)
    begun = Fetch.objects.filter(pk=int(claim.key), state__in=WAITING)
    return Taking.YES if begun.update(state=FetchState.DOWNLOADING, received=0) else Taking.GONE


def _given_back(claim: Claim, reason: str, wait_seconds: float) -> None:
    Fetch.objects.filter(pk=int(claim.key), state=FetchState.DOWNLOADING).update(
        state=FetchState.PENDING, log=reason
    )


def _released(item: WorkItem) -> None:
    Fetch.objects.filter(pk=int(item.key), state=FetchState.DOWNLOADING).update(state=FetchState.PENDING)


def _exhausted(item: WorkItem) -> None:
    deposit = Deposit.objects.select_for_update().filter(work=item).first()
    told = item.last_fault or "Its workers died without a word."
    _fail(int(item.key), deposit, f"After {item.attempts} attempts: {told}")


def _cancelled(item: WorkItem) -> None:
    deposit = Deposit.objects.select_for_update().filter(work=item).first()
    _fail(int(item.key), deposit, "The fetch was cancelled by an operator.")


def heal() -> int:
    """Ask for the fetches that processes of the version before have ordered; how many they were."""
    with connection.cursor() as cursor:
        cursor.execute(_HEAL, [settings.HEAVY_BYTES])
        return int(cursor.rowcount)


POLICY = LONG
FETCH = register(
    WorkKind(
        name=Fetch.WORK,
        task="deposit.fetch_file",
        queue="fetch",
        policy=POLICY,
        claimed=_claimed,
        given_back=_given_back,
        released=_released,
        exhausted=_exhausted,
        heal=heal,
        cancelled=_cancelled,
    )
)
