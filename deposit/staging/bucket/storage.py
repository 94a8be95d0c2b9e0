"""Staged files as objects of a bucket, under the names that they have in the record."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from pathlib import Path

from botocore.exceptions import BotoCoreError, HTTPClientError
from django.conf import settings

from deposit.models import Upload
from deposit.staging import files
from deposit.staging.bucket import leftovers, segments, writing
from deposit.staging.bucket.client import Bucket, read_address, translated
from deposit.staging.bucket.incoming import IncomingObject, new_name
from deposit.staging.bucket.segments import SegmentSpool
from deposit.staging.cache import Cache
from deposit.staging.interface import Leftover, StagingAway

_CHUNK = 256 * 1024
_TRIES = 5


class BucketStaging:
    """See `deposit.staging.interface.Staging`."""

    def __init__(self, bucket: Bucket) -> None:
        self.bucket = bucket
        self.endpoint = bucket.address.endpoint

    @classmethod
    def from_url(cls, address: str) -> "BucketStaging":
        """The staging area at ``s3://bucket/prefix?endpoint=…&region=…``. Raises ImproperlyConfigured."""
        return cls(Bucket(read_address(address)))

    @cached_property
    def cache(self) -> Cache:
        """Where packages are fetched to be read, on this machine."""
        return Cache(Path(settings.STAGING_CACHE), settings.STAGING_CACHE_SIZE)

    def incoming(self, *, limit: int, with_md5: bool, client: int, promised: int) -> IncomingObject:
        """An object that is written to."""
        return IncomingObject(self.bucket, limit=limit, with_md5=with_md5, client=client, promised=promised)

    def refuses_uploads(self, length: int) -> bool:
        """A bucket says so itself, when it is full."""
        return False

    def where(self, stored_as: str) -> str:
        """Its address."""
        return self.bucket.where(stored_as)

    def size(self, stored_as: str) -> int:
        """One request."""
        return writing.size_of(self.bucket, stored_as)

    def path(self, stored_as: str) -> None:
        """There is none."""

    def local(self, stored_as: str, alive: Callable[[], None]) -> AbstractContextManager[Path]:
        """A copy in the cache, which stays for whoever reads it next."""
        return self.cache.holding(
            stored_as, size=partial(self.size, stored_as), read=partial(self.read, stored_as), alive=alive
        )

    def read(self, stored_as: str, start: int, stop: int) -> bytes:
        """A range, whole."""
        return b"".join(self.chunks(stored_as, start, stop))

    def chunks(self, stored_as: str, start: int, stop: int | None) -> Iterator[bytes]:
        """By a request; one that breaks off is taken up where it broke."""
        at, end = start, self.size(stored_as) if stop is None else stop
        failures = 0
        while at < end:
            with translated(stored_as):
                asked = {**self.bucket.named(stored_as), "Range": f"bytes={at}-{end - 1}"}
                body = self.bucket.client.get_object(**asked)["Body"]
            before = at
            try:
                with closing(body):
                    for chunk in body.iter_chunks(_CHUNK):
                        at += len(chunk)
                        yield chunk
            except (BotoCoreError, HTTPClientError) as error:
                failures = failures + 1 if at == before else 0
                if failures == _TRIES:
                    raise StagingAway(f"{stored_as}: {error}") from error
            else:
                if at == before:
                    raise StagingAway(f"{self.where(stored_as)} ends at {at}, before {end}.")

    def put(self, stored_as: str, path: Path) -> None:
        """Send a file."""
        writer = writing.ObjectWriter(self.bucket, stored_as, path.stat().st_size)
        try:
            with path.open("rb") as file:
                while chunk := file.read(1024**2):
                    writer.write(chunk)
            writer.finish()
        except BaseException:
            writer.discard()
            raise

    def remove(self, stored_as: str) -> None:
        """One request; a copy in the cache goes when there is need."""
        with translated(stored_as):
            self.bucket.client.delete_object(**self.bucket.named(stored_as))

    def erase(self, stored_as: str) -> None:
        """The object, what the cleanup has made of it, and the copy of this machine."""
        _, day, name = stored_as.split("/")
        aside = [
            told["Name"] for told in self.bucket.listed("trash/") if told["Name"].endswith(f"/{day}.{name}")
        ]
        for one in (stored_as, *aside):
            self.remove(one)
        self.cache.forget(stored_as)

    def new_name(self) -> str:
        """A key."""
        return new_name()

    def reserve(self, upload: Upload) -> str:
        """Begin an object in parts."""
        return writing.begin_parts(self.bucket, upload.stored_as)

    def region(self, upload: Upload, number: int, *, offset: int, size: int) -> SegmentSpool:
        """Kept on this machine until it is whole."""
        return SegmentSpool(self.bucket, upload, number, size)

    def segment_recorded(self, upload: Upload) -> None:
        """See `segments`."""
        segments.segment_recorded(self.bucket, upload)

    def seal(self, upload: Upload) -> None:
        """Complete the object."""
        segments.seal(self.bucket, upload)

    def give_up(self, upload: Upload) -> None:
        """Remove the parts."""
        segments.give_up(self.bucket, upload)

    def abandoned(self, age: timedelta) -> Iterator[Leftover]:
        """In the bucket, and on this machine."""
        yield from leftovers.unfinished(self.bucket, age)
        yield from leftovers.of_ended_uploads(self.bucket, age)
        for path in files.old_files(files.root() / "incoming", age):
            yield Leftover(str(path), partial(files.removed, path))

    def finished(self, age: timedelta) -> Iterator[str]:
        """Objects below ``packages/``."""
        before = datetime.now(UTC) - age
        for told in self.bucket.listed("packages/"):
            if told["LastModified"] <= before:
                yield str(told["Name"])

    def set_aside(self, stored_as: str) -> str:
        """Below ``trash/``. The day stays in the name, so that an operator can put the object back."""
        _, day, name = stored_as.split("/")
        aside = f"trash/{datetime.now(UTC):%Y-%m-%d}/{day}.{name}"
        self._move(stored_as, aside)
        return aside

    def put_back(self, aside: str, stored_as: str) -> None:
        """Under its name again."""
        self._move(aside, stored_as)

    def _move(self, name: str, target: str) -> None:
        """Copied within the service, then removed."""
        with translated(name):
            self.bucket.client.copy(self.bucket.named(name), **self.bucket.named(target))
        self.remove(name)

    def empty_trash(self, before: str) -> int:
        """Remove the objects of older days."""
        old = [told["Name"] for told in self.bucket.listed("trash/") if told["Name"].split("/")[1] < before]
        for name in old:
            self.remove(name)
        return len(old)
