"""Reading one version of an object by ranges, once, and comparing it with its ETag where that is a digest."""

import logging
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

from deposit.staging.interface import ObjectSource
from sources.buckets.etags import EtagDigest
from sources.buckets.objects import (
    Bucket,
    BucketAway,
    code_of,
    etag_of,
    translated_errors,
    version_id_in,
    version_of,
)
from sources.places import Changed, CopyingSink, NotYet, Original, Sink

logger = logging.getLogger(__name__)

RANGE = 16 * 1024 * 1024
_CHUNK = 1024 * 1024
_TRIES = 5
_ARCHIVED = ("GLACIER", "DEEP_ARCHIVE")
# How often a restore is asked after, in seconds; it takes minutes to two days.
RESTORE_SECONDS = 600.0
_RESTORE_DAYS = 7


def read_object(bucket: Bucket, original: Original, sink: Sink) -> None:
    """Write the object to ``sink``. Raises `Gone`, `Changed`, `NotYet`, `BucketAway`."""
    which = which_object(bucket, original)
    with translated_errors(original.key):
        told = bucket.client.head_object(**which)
    if version_of(told) != original.version:
        raise Changed(original.key)
    _require_restored(bucket, which, told)
    size = int(told["ContentLength"])
    # With a key of the customer or of KMS an ETag is no digest of the bytes.
    is_plain = told.get("ServerSideEncryption", "AES256") == "AES256" and "SSECustomerAlgorithm" not in told
    digest = EtagDigest(etag_of(told) if is_plain else "", size, _part_size(bucket, which, told))
    if isinstance(sink, CopyingSink):
        sink.take_copy(_as_source(bucket, original, etag_of(told), size))
    at = 0
    while at < size:
        at = _read_range(bucket, which | {"IfMatch": told["ETag"]}, at, min(at + RANGE, size), sink, digest)
    if not digest.matches():
        raise BucketAway(f"{original.key}: the bytes that came do not fit the ETag {told['ETag']}")


def _as_source(bucket: Bucket, original: Original, etag: str, size: int) -> ObjectSource:
    return ObjectSource(
        endpoint=bucket.address.endpoint.rstrip("/"),
        bucket=bucket.address.bucket,
        key=original.key,
        etag=etag,
        size=size,
        version_id=version_id_in(original.version),
    )


def which_object(bucket: Bucket, original: Original) -> dict[str, Any]:
    """The arguments of a request for this very version."""
    which: dict[str, Any] = {"Bucket": bucket.address.bucket, "Key": original.key}
    version_id = version_id_in(original.version)
    return which | ({"VersionId": version_id} if version_id else {})


def _read_range(
    bucket: Bucket, which: dict[str, Any], at: int, end: int, sink: Sink, digest: EtagDigest
) -> int:
    """Read from ``at`` to ``end``. A connection that breaks is taken up where it broke."""
    for attempt in range(_TRIES):
        try:
            answer = bucket.client.get_object(**which, Range=f"bytes={at}-{end - 1}")
            for chunk in answer["Body"].iter_chunks(_CHUNK):
                sink.write(chunk)
                digest.update(chunk)
                at += len(chunk)
        except ClientError as error:
            if code_of(error) in ("412", "PreconditionFailed"):
                raise Changed(which["Key"]) from error
            with translated_errors(which["Key"]):
                raise
        except (BotoCoreError, HTTPClientError) as error:
            if attempt + 1 == _TRIES:
                raise BucketAway(f"{which['Key']}: {error}") from error
            logger.info("reading %s goes on at %s: %s", which["Key"], at, error)
        if at == end:
            return at
    raise BucketAway(f"{which['Key']}: other bytes came than were announced")


def _require_restored(bucket: Bucket, which: dict[str, Any], told: dict[str, Any]) -> None:
    """Raises `NotYet` for an object in an archive class, after asking for its restore."""
    if told.get("StorageClass") not in _ARCHIVED:
        return
    restore = str(told.get("Restore", ""))
    if 'ongoing-request="false"' in restore:
        return
    if not restore:
        with translated_errors(which["Key"]):
            bucket.client.restore_object(**which, RestoreRequest={"Days": _RESTORE_DAYS})
    raise NotYet("It is being restored from the archive class of its bucket.", RESTORE_SECONDS)


def _part_size(bucket: Bucket, which: dict[str, Any], told: dict[str, Any]) -> int:
    """The size of the first part of an object that was sent in parts, in bytes; 0 for others and unknown ones."""
    if "-" not in etag_of(told):
        return 0
    try:
        return int(bucket.client.head_object(**which, PartNumber=1)["ContentLength"])
    except (ClientError, BotoCoreError):
        return 0
