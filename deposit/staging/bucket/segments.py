"""Segmented uploads (SWORD 3) in the bucket: each segment is a part of one object, where the sizes allow that.

S3 takes parts of at least 5 MiB, but for the last. Smaller segments are objects of their own first, and as soon as
neighbours come to a part together, they are sent on as that part. The object is completed with its last segment, before
the request that brought it is answered; whoever deposits it completes what a crash left.

A segment is compared with its digest before it is sent: nothing else ever becomes part of the object, and nothing can
once it is complete.
"""

import base64
import hashlib
import logging
from collections.abc import Iterator
from tempfile import SpooledTemporaryFile
from typing import Any

from deposit.models import Upload, UploadSegment
from deposit.staging import files
from deposit.staging.bucket import writing
from deposit.staging.bucket.client import Bucket, translated
from deposit.staging.interface import StagingAway
from deposit.staging.preallocated import Sealed

logger = logging.getLogger(__name__)

# Up to so many bytes of a segment are kept in memory while they arrive, more in a file of this machine without a name.
_IN_MEMORY = 1024**2
FOLDER = "segments/"


def _together(upload: Upload) -> int:
    """How many segments make one part."""
    if upload.segment_size >= writing.SMALLEST_PART or upload.segment_count == 1:
        return 1
    return int(-(-writing.SMALLEST_PART // upload.segment_size))


def _own_name(upload: Upload, number: int) -> str:
    return f"{FOLDER}{upload.pk}/{number}"


class SegmentSpool:
    """See `deposit.staging.interface.Region`."""

    def __init__(self, bucket: Bucket, upload: Upload, number: int, size: int) -> None:
        if not upload.reservation:
            raise Sealed
        self._is_part = _together(upload) == 1
        if size > _IN_MEMORY:
            files.require_room(size)
        folder = files.root() / "incoming"
        folder.mkdir(parents=True, exist_ok=True)
        self._bucket, self._upload, self._number = bucket, upload, number
        self._file = SpooledTemporaryFile(max_size=_IN_MEMORY, dir=str(folder))  # noqa: SIM115 (closed by `close`)
        self._left = size
        self._sha256, self._md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)

    def write(self, chunk: bytes) -> None:
        """Put a chunk after the one before; ``ValueError`` past the end."""
        if len(chunk) > self._left:
            raise ValueError("more bytes than the segment has room for")
        self._sha256.update(chunk)
        self._md5.update(chunk)
        try:
            self._file.write(chunk)
        except OSError as error:
            raise files.storage_full(error) from error
        self._left -= len(chunk)

    @property
    def missing(self) -> int:
        """How many bytes are still to come."""
        return self._left

    @property
    def sha256(self) -> str:
        """Of the bytes so far, in hex."""
        return self._sha256.hexdigest()

    def sync(self) -> None:
        """Send it. Raises `Sealed` when the upload was completed or given up meanwhile."""
        self._file.seek(0)
        name, md5 = self._upload.stored_as, base64.b64encode(self._md5.digest()).decode()
        if not self._is_part:
            own = _own_name(self._upload, self._number)
            with translated(own):
                self._bucket.client.put_object(
                    **self._bucket.named(own), Body=self._file.read(), ContentMD5=md5
                )
            return
        try:
            writing.send_part(
                self._bucket,
                name,
                self._upload.reservation,
                self._number,
                self._file,
                md5,
            )
        except FileNotFoundError:
            raise Sealed from None

    def close(self) -> None:
        """Let go of the bytes."""
        self._file.close()


def gather(bucket: Bucket, upload: Upload) -> None:
    """Send on, as parts, small segments that have all their neighbours; each time it goes on where it ended.

    Two may do it at once: they send the same.
    """
    together = _together(upload)
    if together == 1:
        return
    here = set(UploadSegment.objects.filter(upload_id=upload.pk).values_list("number", flat=True))
    sent: set[int] | None = None
    for part, numbers in _parts_of(upload, together):
        if not here.issuperset(numbers):
            continue
        if sent is None:
            sent = set(_sent_parts(bucket, upload))
        if part not in sent:
            _send_together(bucket, upload, part, numbers)


def _parts_of(upload: Upload, together: int) -> Iterator[tuple[int, range]]:
    for part, first in enumerate(range(1, upload.segment_count + 1, together), 1):
        yield part, range(first, min(first + together, upload.segment_count + 1))


def _send_together(bucket: Bucket, upload: Upload, part: int, numbers: range) -> None:
    own = [_own_name(upload, number) for number in numbers]
    try:
        data = b"".join(_read(bucket, name) for name in own)
    except FileNotFoundError:
        # Another has sent them on, and removed them.
        if part in _sent_parts(bucket, upload):
            return
        raise
    md5 = base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()
    writing.send_part(bucket, upload.stored_as, upload.reservation, part, data, md5)
    _remove(bucket, own)


def _read(bucket: Bucket, name: str) -> bytes:
    with translated(name):
        data: bytes = bucket.client.get_object(**bucket.named(name))["Body"].read()
        return data


def _remove(bucket: Bucket, names: list[str]) -> None:
    for name in names:
        with translated(name):
            bucket.client.delete_object(**bucket.named(name))


def _sent_parts(bucket: Bucket, upload: Upload) -> dict[int, dict[str, Any]]:
    """The parts that are there: number -> what the service tells of them. Raises `FileNotFoundError`."""
    pages = bucket.client.get_paginator("list_parts")
    with translated(upload.stored_as):
        told = pages.paginate(**bucket.named(upload.stored_as), UploadId=upload.reservation)
        return {int(part["PartNumber"]): part for page in told for part in page.get("Parts", ())}


def seal(bucket: Bucket, upload: Upload) -> None:
    """Complete the object; again is no error. Raises `FileNotFoundError` when the bucket knows nothing of it."""
    try:
        if writing.size_of(bucket, upload.stored_as) == upload.size:
            return
    except FileNotFoundError:
        if not upload.reservation:
            raise
    gather(bucket, upload)
    parts = _sent_parts(bucket, upload)
    if sum(int(part["Size"]) for part in parts.values()) != upload.size:
        raise StagingAway(f"{bucket.where(upload.stored_as)} has not all of the parts that were sent.")
    told = [{"PartNumber": number, "ETag": parts[number]["ETag"]} for number in sorted(parts)]
    writing.complete(bucket, upload.stored_as, upload.reservation, told, upload.size)


def segment_recorded(bucket: Bucket, upload: Upload) -> None:
    """Send on what can be; with the last segment, complete the object. What fails now is done by `seal`."""
    try:
        if UploadSegment.objects.filter(upload_id=upload.pk).count() == upload.segment_count:
            seal(bucket, upload)
        else:
            gather(bucket, upload)
    except OSError as error:
        logger.info("upload=%s is put together later: %s", upload.pk, error)


def give_up(bucket: Bucket, upload: Upload) -> None:
    """Remove the parts, the segments, and the object."""
    if upload.reservation:
        writing.give_up(bucket, upload.stored_as, upload.reservation)
    left = [told["Name"] for told in bucket.listed(f"{FOLDER}{upload.pk}/")] if _together(upload) > 1 else []
    _remove(bucket, [*left, upload.stored_as])
