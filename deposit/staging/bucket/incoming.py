"""A package on its way into the bucket: hashed in the same pass, visible when it is whole."""

import os
import uuid
from contextlib import ExitStack, suppress
from datetime import UTC, datetime

from deposit.staging import files
from deposit.staging.bucket import copying
from deposit.staging.bucket.client import Bucket, translated
from deposit.staging.bucket.writing import ObjectWriter
from deposit.staging.files import StagedFile
from deposit.staging.hashing import Hashing
from deposit.staging.interface import ObjectSource, StagingAway


def new_name() -> str:
    """A name that no file has; its day tells when it came."""
    return f"packages/{datetime.now(UTC):%Y-%m-%d}/{uuid.uuid4().hex}"


class IncomingObject:
    """See `deposit.staging.interface.Incoming`."""

    def __init__(self, bucket: Bucket, *, limit: int, with_md5: bool, client: int, promised: int) -> None:
        self._bucket, self._name = bucket, new_name()
        self._writer = ObjectWriter(bucket, self._name, promised)
        self._copied: copying.Copied | None = None
        self._hashing = Hashing(with_md5=with_md5)
        self._limit = limit
        # How many packages a client sends at once is told by files of this machine. They promise no bytes to its disk.
        self._mark = ExitStack()
        self._mark_path = self._mark.enter_context(files.announced(client, 0))
        self._marked_at = 0
        self.size = 0
        self.finished = False

    def take_copy(self, source: ObjectSource) -> bool:
        """Copy an object of the same service; what is written from now on is only hashed."""
        if self.size or self._copied or source.size > self._limit:
            return False
        self._copied = copying.copy(self._bucket, self._name, source)
        return self._copied is not None

    def write(self, chunk: bytes) -> None:
        """Append a chunk; raises `Refusal` when the package grows past its limit."""
        self.size += len(chunk)
        if self.size > self._limit:
            raise files.too_large(self._limit)
        self._hashing.update(chunk)
        if not self._copied:
            self._writer.write(chunk)
        if self.size - self._marked_at > 8 * 1024**2:
            self._marked_at = self.size
            with suppress(FileNotFoundError):
                os.utime(self._mark_path)

    def finish(self) -> StagedFile:
        """Complete the object, which is durable and visible then."""
        if self._copied and self._copied.size != self.size:
            raise StagingAway(f"{self.size} bytes were read of an object of {self._copied.size}.")
        (self._copied or self._writer).finish()
        self.finished = True
        self._mark.close()
        sha256, md5 = self._hashing.digests()
        return StagedFile(stored_as=self._name, size=self.size, sha256=sha256, md5=md5)

    def close(self) -> None:
        """It is not known as arriving any more."""
        self._writer.settle()
        self._mark.close()

    def discard(self) -> None:
        """Leave nothing behind."""
        self._mark.close()
        if self.finished:
            with suppress(StagingAway), translated(self._name):
                self._bucket.client.delete_object(**self._bucket.named(self._name))
        else:
            (self._copied or self._writer).discard()
