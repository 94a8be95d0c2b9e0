"""What is left in the bucket of uploads that stopped: unfinished parts, and segments of uploads that are no more."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import groupby
from typing import Any
from uuid import UUID

from deposit.models import Upload
from deposit.staging.bucket import segments, writing
from deposit.staging.bucket.client import Bucket, translated
from deposit.staging.interface import Leftover


def unfinished(bucket: Bucket, age: timedelta) -> Iterator[Leftover]:
    """Objects begun in parts of which no part came for ``age``, and that no upload in segments goes on with."""
    before = datetime.now(UTC) - age
    pages = bucket.client.get_paginator("list_multipart_uploads")
    prefix = bucket.key("packages/")
    with translated(prefix):
        found = [
            (told["Key"].removeprefix(bucket.address.prefix), told["UploadId"])
            for page in pages.paginate(Bucket=bucket.name, Prefix=prefix)
            for told in page.get("Uploads", ())
            if told["Initiated"] <= before
        ]
    named = set(
        Upload.objects.filter(stored_as__in=[name for name, _ in found]).values_list("stored_as", flat=True)
    )
    for name, upload_id in found:
        if name not in named and _is_silent(bucket, name, upload_id, before):
            yield Leftover(bucket.where(name), partial(writing.give_up, bucket, name, upload_id))


def _is_silent(bucket: Bucket, name: str, upload_id: str, before: datetime) -> bool:
    pages = bucket.client.get_paginator("list_parts").paginate(**bucket.named(name), UploadId=upload_id)
    try:
        with translated(name):
            return all(part["LastModified"] <= before for page in pages for part in page.get("Parts", ()))
    except FileNotFoundError:
        return False


def of_ended_uploads(bucket: Bucket, age: timedelta) -> Iterator[Leftover]:
    """Small segments, older than ``age``, whose upload has ended."""
    before = datetime.now(UTC) - age
    old = (told for told in bucket.listed(segments.FOLDER) if told["LastModified"] <= before)
    for upload_id, objects in groupby(old, key=_upload_of):
        if upload_id is None or not Upload.objects.filter(pk=upload_id).exists():
            for told in objects:
                yield Leftover(bucket.where(told["Name"]), partial(_remove, bucket, told["Name"]))


def _upload_of(told: dict[str, Any]) -> UUID | None:
    try:
        return UUID(told["Name"].split("/")[1])
    except ValueError:
        return None


def _remove(bucket: Bucket, name: str) -> bool:
    with translated(name):
        bucket.client.delete_object(**bucket.named(name))
    return True
