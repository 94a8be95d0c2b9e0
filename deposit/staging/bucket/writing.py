"""Writing an object: by one request where it is small, else in parts, of which one is sent while the next comes.

Nothing is visible before all of it is there: an object appears by one request, which puts it or completes its parts.
Every part is sent with its MD5, which the service compares.
"""

import base64
import hashlib
import logging
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from itertools import count
from typing import IO, Any

from deposit.staging.bucket.client import Bucket, translated
from deposit.staging.interface import StagingAway

logger = logging.getLogger(__name__)

# S3 takes parts of 5 MiB to 5 GiB, 10,000 of them; only the last may be smaller. Parts grow with what is promised.
SMALLEST_PART = 5 * 1024**2
_PART = 8 * 1024**2
_MOST_PARTS = 9_000
# Of what comes without a promise, parts are doubled after so many, which is enough for the largest object there is.
_DOUBLED_AFTER = 1_500


@cache
def _senders() -> ThreadPoolExecutor:
    """Those who send parts; more would only share the line."""
    return ThreadPoolExecutor(16, thread_name_prefix="staging")


def part_size(promised: int) -> int:
    """How long the parts of an object are, in bytes, of which so many are promised (0: not known)."""
    return max(_PART, -(-promised // _MOST_PARTS))


def _md5(data: bytes) -> str:
    return base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()


def begin_parts(bucket: Bucket, name: str) -> str:
    """Begin an object in parts; the identifier that its parts are sent with."""
    with translated(name):
        return str(bucket.client.create_multipart_upload(**bucket.named(name))["UploadId"])


def send_part(
    bucket: Bucket, name: str, upload_id: str, number: int, body: bytes | IO[bytes], md5: str
) -> dict[str, Any]:
    """Send a part; what completing the object wants to know of it."""
    with translated(name):
        told = bucket.client.upload_part(
            **bucket.named(name), UploadId=upload_id, PartNumber=number, Body=body, ContentMD5=md5
        )
    return {"PartNumber": number, "ETag": told["ETag"]}


def complete(bucket: Bucket, name: str, upload_id: str, parts: list[dict[str, Any]], size: int) -> None:
    """Make an object of its parts; again is no error. Raises `FileNotFoundError`, `StagingAway`."""
    try:
        with translated(name):
            bucket.client.complete_multipart_upload(
                **bucket.named(name), UploadId=upload_id, MultipartUpload={"Parts": parts}
            )
    except FileNotFoundError:
        # It was completed by a request whose answer was lost.
        if size_of(bucket, name) != size:
            raise
    else:
        if (kept := size_of(bucket, name)) != size:
            raise StagingAway(f"{bucket.where(name)} has {kept} bytes instead of {size}.")


def size_of(bucket: Bucket, name: str) -> int:
    """The length of an object. Raises `FileNotFoundError`."""
    with translated(name):
        return int(bucket.client.head_object(**bucket.named(name))["ContentLength"])


def give_up(bucket: Bucket, name: str, upload_id: str) -> bool:
    """Forget an object that was begun in parts; whether there was one."""
    try:
        with translated(name):
            bucket.client.abort_multipart_upload(**bucket.named(name), UploadId=upload_id)
    except FileNotFoundError:
        return False
    return True


def put(bucket: Bucket, name: str, data: bytes) -> None:
    """Put a small object."""
    with translated(name):
        bucket.client.put_object(**bucket.named(name), Body=data, ContentMD5=_md5(data))


class ObjectWriter:
    """An object while it is written. In memory are at most two of its parts."""

    def __init__(self, bucket: Bucket, name: str, promised: int = 0) -> None:
        self._bucket, self._name = bucket, name
        self._part_size, self._promised = part_size(promised), promised
        self._buffer = bytearray()
        self._numbers = count(1)
        self._upload_id = ""
        self._under_way: Future[dict[str, Any]] | None = None
        self._parts: list[dict[str, Any]] = []
        self.size = 0

    def write(self, chunk: bytes) -> None:
        """Append a chunk; waits while a part before is sent."""
        self._buffer += chunk
        self.size += len(chunk)
        while len(self._buffer) > self._part_size:
            part = bytes(memoryview(self._buffer)[: self._part_size])
            del self._buffer[: self._part_size]
            self._send(part)

    def _send(self, part: bytes) -> None:
        self._wait()
        if not self._upload_id:
            self._upload_id = begin_parts(self._bucket, self._name)
        number = next(self._numbers)
        if not self._promised and number % _DOUBLED_AFTER == 0:
            self._part_size *= 2
        self._under_way = _senders().submit(
            send_part, self._bucket, self._name, self._upload_id, number, part, _md5(part)
        )

    def _wait(self) -> None:
        if self._under_way is not None:
            under_way, self._under_way = self._under_way, None
            self._parts.append(under_way.result())

    def finish(self) -> None:
        """Send the rest, and make it visible."""
        rest = bytes(self._buffer)
        self._buffer.clear()
        if not self._upload_id:
            put(self._bucket, self._name, rest)
            return
        self._send(rest)
        self._wait()
        complete(self._bucket, self._name, self._upload_id, self._parts, self.size)

    def settle(self) -> None:
        """Wait for the part that is under way, whatever becomes of it: nothing is sent after this."""
        if self._under_way is not None:
            with suppress(Exception):
                self._under_way.result()

    def discard(self) -> None:
        """Leave no parts behind, as far as the service answers; the cleanup knows of the others."""
        # A part that arrives after the end would be kept, and paid for.
        self.settle()
        if self._upload_id:
            try:
                give_up(self._bucket, self._name, self._upload_id)
            except OSError as error:
                logger.warning("parts of %s stay behind: %s", self._name, error)
