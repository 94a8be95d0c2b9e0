"""The digests of a file while it arrives: each chunk is hashed while it is written and the next one is read."""

import hashlib
import os
from concurrent.futures import Future, ThreadPoolExecutor

# Chunks below this size are hashed at once; to hand them to a thread would take as long. In bytes.
_WORTH_A_THREAD = 64 * 1024
# hashlib lets go of the interpreter; more threads than processors would only wait for each other.
_threads = ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="hashing")


class Hashing:
    """SHA-256, and MD5 if asked for, of the chunks given to ``update``. At most one chunk is under way."""

    def __init__(self, *, with_md5: bool) -> None:
        self._sha256 = hashlib.sha256()
        self._md5 = hashlib.md5(usedforsecurity=False) if with_md5 else None
        self._under_way: list[Future[None]] = []

    def update(self, chunk: bytes) -> None:
        """Take the next chunk; waits for the one before."""
        self._wait()
        hashes = [self._sha256, self._md5] if self._md5 else [self._sha256]
        if len(chunk) < _WORTH_A_THREAD:
            for each in hashes:
                each.update(chunk)
        else:
            self._under_way = [_threads.submit(each.update, chunk) for each in hashes]

    def digests(self) -> tuple[str, str | None]:
        """(SHA-256, MD5 if asked for) of all chunks so far, in hex."""
        self._wait()
        return self._sha256.hexdigest(), self._md5.hexdigest() if self._md5 else None

    def _wait(self) -> None:
        for hashed in self._under_way:
            hashed.result()
        self._under_way = []
