"""Compressing and writing beside hashing: one thread writes the packs of a load, fed through a short queue."""

import queue
import threading
from collections.abc import Callable, Sequence
from uuid import uuid4

from archive.identifiers import SWHID, ObjectType
from archive.packs import PackWriter
from archive.storage import Storage

# Jobs hold a few MiB at most, so this bounds memory.
_QUEUE = 3

Job = Callable[[], None]
# An object in memory: its identifier, its bytes, the SHA-256 of a content.
Packed = tuple[SWHID, bytes, bytes | None]


class Packing:
    """The packs of one load. Methods return at once; what fails in the thread is raised by the next call."""

    def __init__(self, storage: Storage, pack_size: int) -> None:
        self._storage = storage
        self._pack_size = pack_size
        self._jobs: queue.Queue[Job | None] = queue.Queue(_QUEUE)
        self._thread: threading.Thread | None = None
        self._error: BaseException | None = None
        # Touched by the thread alone until it has ended.
        self._writer: PackWriter | None = None
        self._written = 0
        self.names: list[str] = []

    # --- What is asked for -----------------------------------------------------------------------------
    def put(self, objects: Sequence[Packed]) -> None:
        """Append objects that are in memory."""

        def job() -> None:
            for swhid, data, sha256 in objects:
                self._open().put(swhid, data, sha256)
            self._roll_over()

        self._submit(job)

    def put_visit(self, name: str, document: bytes) -> None:
        """Append the record of a visit."""
        self._submit(lambda: self._open().put_visit(name, document))

    def begin_large(self, length: int) -> None:
        """Begin a content whose identifier is known at its end."""
        self._submit(lambda: self._open().begin_large(ObjectType.CONTENT, length))

    def write_large(self, chunk: bytes) -> None:
        """Append to the content that was begun."""
        self._submit(lambda: self._open().write_large(chunk))

    def end_large(self, swhid: SWHID, length: int, sha256: bytes | None) -> None:
        """End the content that was begun."""

        def job() -> None:
            self._open().end_large(swhid, length, sha256)
            self._roll_over()

        self._submit(job)

    def drop_large(self) -> None:
        """Take back the content that was begun."""
        self._submit(lambda: self._open().drop_large())

    def seal(self) -> int:
        """Wait until all is durable under its final name; returns the bytes of all packs."""
        self._submit(self._finish)
        self._stop()
        self._raise()
        return self._written

    def close(self, *, keep: bool) -> None:
        """End the thread and remove what is unfinished; packs that were sealed too, unless they are to be kept."""
        self._stop()
        if self._writer is not None:
            self._writer.close()
            self._writer.path.unlink(missing_ok=True)
            self._writer = None
        if not keep:
            for name in self.names:
                self._storage.delete(name)

    # --- The thread ------------------------------------------------------------------------------------
    def _submit(self, job: Job) -> None:
        self._raise()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="packing", daemon=True)
            self._thread.start()
        self._jobs.put(job)

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error

    def _stop(self) -> None:
        if self._thread is not None:
            self._jobs.put(None)
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            if self._error is not None:
                continue  # the caller learns of it at its next call; until then nothing may block it
            try:
                job()
            except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
                self._error = error

    def _open(self) -> PackWriter:
        if self._writer is None:
            self._writer = PackWriter(self._storage.workspace() / f"{uuid4()}.part")
        return self._writer

    def _roll_over(self) -> None:
        if self._writer is not None and self._writer.offset >= self._pack_size:
            self._finish()

    def _finish(self) -> None:
        if self._writer is None:
            return
        name = self._writer.finish()
        self._storage.adopt(self._writer.path, name)
        self._written += self._writer.offset
        self._writer = None
        self.names.append(name)
