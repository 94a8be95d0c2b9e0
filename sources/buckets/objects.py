"""Objects and their versions: looked at one by one, or listed."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from sources.buckets.address import Address
from sources.folders.scanning import is_text
from sources.places import Gone, Sighting


class BucketAway(OSError):
    """The bucket's server refuses, or cannot be reached; it may be well again later."""


_GONE = ("404", "NoSuchKey", "NoSuchVersion", "NotFound")


def code_of(error: ClientError) -> str:
    """The server's own word for an error."""
    return str(error.response.get("Error", {}).get("Code", ""))


@contextmanager
def translated_errors(subject: str) -> Iterator[None]:
    """Errors of boto3 as ours: `Gone` for what is not there, else `BucketAway`."""
    try:
        yield
    except ClientError as error:
        if code_of(error) in _GONE:
            raise Gone(subject) from error
        raise BucketAway(f"{subject}: {error}") from error
    except BotoCoreError as error:
        raise BucketAway(f"{subject}: {error}") from error


def version_of(told: dict[str, Any]) -> str:
    """What tells an object from others under its key: the version's id, or ETag and time where there are none."""
    version_id = told.get("VersionId")
    if version_id and version_id != "null":
        return f"v.{version_id}"
    return f"e.{etag_of(told)}.{int(told['LastModified'].timestamp())}"


def etag_of(told: dict[str, Any]) -> str:
    """The ETag without its quotes."""
    return str(told["ETag"]).strip('"')


def version_id_in(version: str) -> str | None:
    """The version's id, for requests; None where the bucket keeps no versions."""
    return version.removeprefix("v.") if version.startswith("v.") else None


class Bucket:
    """A bucket's objects below its prefix."""

    def __init__(self, client: Any, address: Address) -> None:
        self.client = client
        self.address = address
        self._keeps_versions: bool | None = None

    def counts(self, key: str) -> bool:
        """Whether a key is below the prefix, and no folder."""
        return key.startswith(self.address.prefix) and not key.endswith("/") and is_text(key)

    def look(self, key: str) -> Sighting:
        """The newest version of an object. Raises `Gone`, `BucketAway`."""
        with translated_errors(key):
            told = self.client.head_object(Bucket=self.address.bucket, Key=key)
        return Sighting(key=key, version=version_of(told), size=told["ContentLength"])

    @property
    def keeps_versions(self) -> bool:
        """Whether every version has an id. Who may not ask goes by ETag and time."""
        if self._keeps_versions is None:
            try:
                told = self.client.get_bucket_versioning(Bucket=self.address.bucket)
                self._keeps_versions = told.get("Status") in ("Enabled", "Suspended")
            except (ClientError, BotoCoreError):
                return False
        return self._keeps_versions

    def listed(self, after: str = "") -> Iterator[Sighting]:
        """The newest version of every object below the prefix whose key comes after ``after``. Raises `BucketAway`."""
        with translated_errors(self.address.bucket):
            yield from self._versions(after) if self.keeps_versions else self._objects(after)

    def _objects(self, after: str) -> Iterator[Sighting]:
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=self.address.bucket,
            Prefix=self.address.prefix,
            **({"StartAfter": after} if after else {}),
        )
        for page in pages:
            for told in page.get("Contents", ()):
                if self.counts(told["Key"]):
                    yield Sighting(key=told["Key"], version=version_of(told), size=told["Size"])

    def _versions(self, after: str) -> Iterator[Sighting]:
        pages = self.client.get_paginator("list_object_versions").paginate(
            Bucket=self.address.bucket,
            Prefix=self.address.prefix,
            **({"KeyMarker": after} if after else {}),
        )
        for page in pages:
            for told in page.get("Versions", ()):
                if told["IsLatest"] and self.counts(told["Key"]):
                    yield Sighting(key=told["Key"], version=version_of(told), size=told["Size"])
