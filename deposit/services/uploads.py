"""Segmented uploads (SWORD 3): begin one, take its segments, say what has come, give it up, or deposit it.

Segments come in any order, several at once, and again after a line broke. A segment counts from the moment its row
is there, and its bytes are durable before that. Nothing is copied in the end: the file in which the segments lie
becomes the package.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Sum
from django.db.models.functions import Now

from deposit.actors import Actor
from deposit.intake.admission import admit
from deposit.models import Client, Membership, Upload, UploadSegment
from deposit.permissions import Operation, client_of, forbidden, in_scope
from deposit.refusals import Kind, Refusal
from deposit.staging import files
from deposit.staging.files import StagedFile
from deposit.staging.interface import Region
from deposit.staging.preallocated import Sealed
from deposit.staging.storage import staging, told_when_away

logger = logging.getLogger(__name__)


class _Begun:
    """How many uploads each client began within the last minute, as far as this process knows."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._moments: dict[int, deque[float]] = {}

    def one_more(self, client: int, most: int) -> bool:
        """Count one more, unless there are as many as may be."""
        now = time.monotonic()
        with self._lock:
            moments = self._moments.setdefault(client, deque())
            while moments and moments[0] < now - 60:
                moments.popleft()
            if len(moments) >= most:
                return False
            moments.append(now)
            return True


_begun = _Begun()


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What a client announces. Sizes in bytes; ``sha256`` in hex, of the whole."""

    size: int
    segment_size: int
    segment_count: int
    sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Received:
    """Which segments have come, and which have not."""

    received: list[int]
    expecting: list[int]


def initialise(*, actor: Actor, plan: Plan) -> Upload:
    """Begin an upload that is acceptable; its room is taken as its bytes come. Raises `Refusal`, leaving nothing."""
    client = _depositor(actor)
    _judge(plan)
    if not _begun.one_more(client.pk, settings.UPLOADS_PER_MINUTE):
        raise Refusal(
            Kind.TOO_MANY_REQUESTS,
            "upload.rate",
            f"You began {settings.UPLOADS_PER_MINUTE} uploads within a minute, the most that is allowed.",
            "Begin further ones a little later.",
            retry_after=10,
        )
    with transaction.atomic():
        # One at a time for a client, or two would both fit into its last room.
        Client.objects.select_for_update().get(pk=client.pk)
        admit(client, plan.size)
        _require_room(client, plan.size)
        upload = Upload.objects.create(
            client=client,
            size=plan.size,
            segment_size=plan.segment_size,
            segment_count=plan.segment_count,
            sha256=plan.sha256,
            stored_as=staging().new_name(),
        )
    try:
        with told_when_away():
            reservation = staging().reserve(upload)
    except (Refusal, OSError):
        upload.delete()
        raise
    if reservation:
        Upload.objects.filter(pk=upload.pk).update(reservation=reservation)
    upload.refresh_from_db()
    return upload


def _depositor(actor: Actor) -> Client:
    client = client_of(actor)
    if not in_scope(actor, Operation.DEPOSIT):
        raise forbidden(actor, Operation.DEPOSIT)
    if not Membership.objects.filter(client=client).exists():
        raise Refusal(
            Kind.FORBIDDEN,
            "upload.no_collection",
            f"Client {client} has no collection to deposit into.",
            "Ask an operator to add the client to a collection.",
        )
    return client


def _judge(plan: Plan) -> None:
    """Whether a plan holds together and keeps to the limits of the service document. Raises `Refusal`."""
    if plan.size > settings.MAX_UPLOAD_SIZE:
        raise Refusal(
            Kind.TOO_LARGE,
            "upload.assembled_size",
            f"The file has {plan.size} bytes; at most {settings.MAX_UPLOAD_SIZE} are taken.",
            "Divide it into several packages.",
        )
    if not settings.MIN_SEGMENT_SIZE <= plan.segment_size <= settings.MAX_SEGMENT_SIZE:
        raise _segment_size(
            f"Segments of {plan.segment_size} bytes are not taken.",
            f"Choose a size from {settings.MIN_SEGMENT_SIZE} to {settings.MAX_SEGMENT_SIZE} bytes.",
        )
    if not 1 <= plan.segment_count <= settings.MAX_SEGMENTS:
        raise Refusal(
            Kind.BAD_REQUEST,
            "upload.segment_count",
            f"{plan.segment_count} segments are not taken.",
            f"Choose a segment size with which there are from 1 to {settings.MAX_SEGMENTS}.",
        )
    needed = -(-plan.size // plan.segment_size)
    if plan.size < 1 or plan.segment_count != needed:
        raise _segment_size(
            f"{plan.segment_count} segments of {plan.segment_size} bytes do not make {plan.size} bytes.",
            f"All segments but the last have the same size: announce {needed} of them.",
        )


def _segment_size(summary: str, hint: str) -> Refusal:
    return Refusal(Kind.BAD_REQUEST, "upload.segment_size", summary, hint)


def _require_room(client: Client, size: int) -> None:
    mine = Upload.objects.filter(client=client).aggregate(sum=Sum("size"), number=Count("pk"))
    used = mine["sum"] or 0
    if mine["number"] >= settings.OPEN_UPLOADS:
        raise Refusal(
            Kind.TOO_MANY_REQUESTS,
            "upload.open",
            f"{mine['number']} of your uploads are not finished, the most that is allowed.",
            "Finish and deposit the uploads you began, or DELETE them.",
        )
    if used + size > settings.UPLOAD_QUOTA:
        raise Refusal(
            Kind.TOO_LARGE,
            "upload.quota",
            f"Your unfinished uploads announce {used} bytes already; with {size} more they would pass the "
            f"limit of {settings.UPLOAD_QUOTA}.",
            "Finish and deposit the uploads you began, or DELETE them.",
        )


def upload_of(actor: Actor, upload_id: UUID) -> Upload:
    """An upload of the actor's client. Raises the same 404 `Refusal` for all others, for expired and for used ones."""
    upload = Upload.objects.filter(pk=upload_id, client=client_of(actor)).first()
    if upload is None:
        raise unknown_upload()
    return upload


def unknown_upload() -> Refusal:
    """There is no such upload, or not any more."""
    return Refusal(
        Kind.NOT_FOUND,
        "upload.unknown",
        "There is no such upload.",
        "It may have been deposited or given up, or have expired; begin a new one at the staging URL.",
    )


def received(upload: Upload) -> Received:
    """What has come so far; one query."""
    numbers = set(upload.segments.values_list("number", flat=True))
    expecting = [number for number in range(1, upload.segment_count + 1) if number not in numbers]
    return Received(received=sorted(numbers), expecting=expecting)


def size_of(upload: Upload, number: int) -> int:
    """How many bytes a segment has. Raises `Refusal` for a number that is not in the plan."""
    if not 1 <= number <= upload.segment_count:
        raise Refusal(
            Kind.BAD_REQUEST,
            "upload.segment_number",
            f"There is no segment {number}: this upload has segments 1 to {upload.segment_count}.",
        )
    return min(upload.segment_size, upload.size - (number - 1) * upload.segment_size)


def require_expected(upload: Upload, number: int) -> None:
    """Raise `Refusal` for a segment that has come already."""
    if upload.segments.filter(number=number).exists():
        raise _unexpected(number)


def _unexpected(number: int) -> Refusal:
    return Refusal(
        Kind.BAD_REQUEST,
        "upload.unexpected_segment",
        f"Segment {number} has arrived already.",
        "A GET on this address tells which segments are still expected; go on with those.",
    )


def wrong_segment_size(number: int, expected: int) -> Refusal:
    """A segment that is not as long as the plan says."""
    return _segment_size(f"Segment {number} must have {expected} bytes.", "Send exactly these.")


@contextmanager
def region(upload: Upload, number: int) -> Iterator[Region]:
    """Where the bytes of a segment go. Raises `Refusal` when the upload takes no more, before or in the middle."""
    offset, size = (number - 1) * upload.segment_size, size_of(upload, number)
    try:
        place = staging().region(upload, number, offset=offset, size=size)
    except Sealed:
        raise unknown_upload() from None
    try:
        with files.announced(upload.client_id, size), told_when_away():
            yield place
    except Sealed:
        raise _unexpected(number) from None
    finally:
        place.close()


def record_segment(upload: Upload, number: int, place: Region) -> None:
    """Make a whole segment durable, and then count it. Raises `Refusal`.

    Whoever brings the same segment at the same time is told that it is there; the digest of the whole decides.
    """
    place.sync()
    try:
        with transaction.atomic():
            UploadSegment.objects.create(upload_id=upload.pk, number=number, sha256=place.sha256)
            Upload.objects.filter(pk=upload.pk).update(touched_at=Now())
    except IntegrityError:
        if not Upload.objects.filter(pk=upload.pk).exists():
            raise unknown_upload() from None
        raise _unexpected(number) from None
    staging().segment_recorded(upload)


def abort(*, actor: Actor, upload: Upload) -> None:
    """Give an upload up; its room is free again."""
    with transaction.atomic():
        locked = Upload.objects.select_for_update().filter(pk=upload.pk, client=client_of(actor)).first()
        if locked is None:
            raise unknown_upload()
        transaction.on_commit(partial(_remove, locked))
        # By its number: the row itself is still asked for its place.
        Upload.objects.filter(pk=locked.pk).delete()


def adopt(*, actor: Actor, upload_id: UUID) -> StagedFile:
    """Take a complete upload over as a package; call it in the transaction that makes the `Part`. Raises `Refusal`.

    The file is sealed first. Its digest is the announced one, not yet compared: mark the part `digest_pending`.
    """
    upload = Upload.objects.select_for_update().filter(pk=upload_id, client=client_of(actor)).first()
    if upload is None:
        raise unknown_upload()
    missing = received(upload).expecting
    if missing:
        raise Refusal(
            Kind.BAD_REQUEST,
            "upload.incomplete",
            f"The upload is not complete: {len(missing)} of {upload.segment_count} segments are missing, "
            f"the first of them number {missing[0]}.",
            "Send them, then deposit the upload again.",
        )
    try:
        with told_when_away():
            staging().seal(upload)
    except FileNotFoundError:
        raise unknown_upload() from None
    staged = StagedFile(stored_as=upload.stored_as, size=upload.size, sha256=upload.sha256, md5=None)
    upload.delete()
    return staged


def expire_idle() -> int:
    """Give up uploads to which nothing came for ``STAGING_MAX_IDLE`` seconds, or nothing at all. Returns how many."""
    return sum(_expire(pk) for pk in list(_idle().values_list("pk", flat=True)))


def _idle() -> QuerySet[Upload]:
    """A promise of which nothing came is given up after ``STAGING_MAX_EMPTY`` seconds."""
    begun = Exists(UploadSegment.objects.filter(upload=OuterRef("pk")))
    old = Q(touched_at__lt=Now() - timedelta(seconds=settings.STAGING_MAX_IDLE))
    empty = Q(touched_at__lt=Now() - timedelta(seconds=settings.STAGING_MAX_EMPTY))
    return Upload.objects.filter(old | (empty & ~begun))


def _expire(upload_id: UUID) -> bool:
    with transaction.atomic():
        upload = _idle().select_for_update(skip_locked=True).filter(pk=upload_id).first()
        if upload is None:
            return False
        transaction.on_commit(partial(_remove, upload))
        logger.warning("upload=%s client=%s size=%s event=expire", upload_id, upload.client_id, upload.size)
        Upload.objects.filter(pk=upload_id).delete()
        return True


def _remove(upload: Upload) -> None:
    """Call it after the commit. What stays behind is found by the cleanup."""
    try:
        staging().give_up(upload)
    except OSError as error:
        logger.warning("the bytes of upload %s stay behind: %s", upload.pk, error)
