"""A bucket as a place that items are taken from."""

import logging
import re
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from deposit.metadata.packaging import Packaging
from sources.buckets.objects import Bucket, translated_errors, version_id_in
from sources.buckets.reading import read_object, which_object
from sources.folders.place import is_package
from sources.places import Changed, Original, Read, Sink

logger = logging.getLogger(__name__)

# What tags may hold, and how many there may be.
_NOT_IN_TAGS = re.compile(r"[^\w\s+\-=.:/@]")
_MOST_TAGS = 10
_TYPES = {"log": "text/plain; charset=utf-8", "json": "application/json"}


class BucketPlace:
    """A bucket. ``asks_for_packages``: nothing in it is to be kept as one file."""

    def __init__(self, bucket: Bucket, *, asks_for_packages: bool = False) -> None:
        self._bucket = bucket
        self._asks_for_packages = asks_for_packages

    def read(self, original: Original, sink: Sink) -> Read:
        """Read the object by ranges. Raises `Gone`, `Changed`, `NotYet`, `OSError`."""
        read_object(self._bucket, original, sink)
        name = original.key.rpartition("/")[2]
        if name.lower().endswith(".zip"):
            return Read(name=name, content_type="application/zip")
        if is_package(name) or self._asks_for_packages:
            return Read(name=name, content_type="application/x-tar")
        return Read(name=name, content_type="application/octet-stream", packaging=Packaging.BINARY)

    def _named(self, name: str) -> dict[str, Any]:
        return {"Bucket": self._bucket.address.bucket, "Key": name}

    def put_report(self, name: str, data: bytes) -> None:
        """Write a report beside the object."""
        with translated_errors(name):
            kind = _TYPES[name.rpartition(".")[2]]
            self._bucket.client.put_object(**self._named(name), Body=data, ContentType=kind)

    def drop_report(self, name: str) -> None:
        """Remove a report; none there is no error."""
        with translated_errors(name):
            self._bucket.client.delete_object(**self._named(name))

    def delete(self, original: Original) -> None:
        """Remove this very version; where the bucket keeps none, the object if it is still the same."""
        keeps_none = version_id_in(original.version) is None
        if keeps_none and self._bucket.look(original.key).version != original.version:
            raise Changed(original.key)
        with translated_errors(original.key):
            self._bucket.client.delete_object(**which_object(self._bucket, original))

    def move(self, original: Original, target: str) -> str:
        """Objects are not moved; no source can ask for it."""
        raise NotImplementedError

    def mark(self, original: Original, tags: dict[str, str]) -> None:
        """Write tags on the object, beside those that it has. A server that has none is no fault."""
        which = which_object(self._bucket, original)
        clean = {name: _NOT_IN_TAGS.sub("_", value)[:256] for name, value in tags.items()}
        try:
            kept = self._bucket.client.get_object_tagging(**which)["TagSet"]
            others = {tag["Key"]: tag["Value"] for tag in kept if not tag["Key"].startswith("deposit-")}
            new = [{"Key": name, "Value": value} for name, value in list((others | clean).items())]
            if new != kept:
                self._bucket.client.put_object_tagging(**which, Tagging={"TagSet": new[:_MOST_TAGS]})
        except (ClientError, BotoCoreError) as error:
            logger.info("no tags on %s: %s", original.key, error)
