"""Copying an object of the same service into the staging area: its bytes never leave the service.

An object is copied as a part (or several) of a new one, which is not visible before it is completed, and only if it
still has the ETag that was seen: so what is read elsewhere to be hashed is what was copied.
"""

import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from deposit.staging.bucket import writing
from deposit.staging.bucket.client import Bucket
from deposit.staging.interface import ObjectSource

logger = logging.getLogger(__name__)

# Smaller objects are sent as quickly as they are copied. In bytes.
WORTH_COPYING = 8 * 1024**2
# A copied part may have 5 GiB; several at once are faster.
_PART = 256 * 1024**2
_MOST_PARTS = 9_000
_AT_ONCE = 4


class Copied:
    """The parts of an object that were copied; nobody sees them until ``finish``."""

    def __init__(
        self, bucket: Bucket, name: str, upload_id: str, parts: list[dict[str, Any]], size: int
    ) -> None:
        self._bucket, self._name, self._upload_id, self._parts = bucket, name, upload_id, parts
        self.size = size

    def finish(self) -> None:
        """Make it visible."""
        writing.complete(self._bucket, self._name, self._upload_id, self._parts, self.size)

    def discard(self) -> None:
        """Leave no parts behind."""
        try:
            writing.give_up(self._bucket, self._name, self._upload_id)
        except OSError as error:
            logger.warning("parts of %s stay behind: %s", self._name, error)


def copy(bucket: Bucket, name: str, source: ObjectSource) -> Copied | None:
    """Copy an object; None where that cannot be: another service, too small, or we may not read it."""
    if source.size <= WORTH_COPYING or source.endpoint != bucket.address.endpoint or not source.etag:
        return None
    upload_id = writing.begin_parts(bucket, name)
    length = max(_PART, -(-source.size // _MOST_PARTS))
    stretches = [(at, min(at + length, source.size)) for at in range(0, source.size, length)]

    def part(numbered: tuple[int, tuple[int, int]]) -> dict[str, Any]:
        number, (start, stop) = numbered
        told = bucket.client.upload_part_copy(
            **bucket.named(name),
            UploadId=upload_id,
            PartNumber=number,
            CopySource=_which(source),
            CopySourceIfMatch=f'"{source.etag}"',
            CopySourceRange=f"bytes={start}-{stop - 1}",
        )
        return {"PartNumber": number, "ETag": told["CopyPartResult"]["ETag"]}

    try:
        with ThreadPoolExecutor(_AT_ONCE) as threads:
            parts = list(threads.map(part, enumerate(stretches, 1)))
    except (ClientError, BotoCoreError) as error:
        # Other credentials may be needed for it, or the service cannot do it: the bytes come through us.
        logger.info("%s/%s is not copied in its service: %s", source.bucket, source.key, error)
        Copied(bucket, name, upload_id, [], 0).discard()
        return None
    return Copied(bucket, name, upload_id, parts, source.size)


def _which(source: ObjectSource) -> dict[str, str]:
    which = {"Bucket": source.bucket, "Key": source.key}
    return which | ({"VersionId": source.version_id} if source.version_id else {})
