"""Reading ahead: what comes next is read and decompressed by a thread while what came before is used."""

import queue
import threading
from collections.abc import Iterator
from typing import Self

# Blocks of some 256 KiB wait here, so this bounds memory.
_DEPTH = 8


class Ahead:
    """The blocks of another iterator, a few of them fetched early; what fails there is raised here, in its turn.

    ``close`` ends the thread: after it nothing touches what the other iterator reads from.
    """

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._ready: queue.Queue[bytes | BaseException | None] = queue.Queue(_DEPTH)
        self._closing = False
        self._over = False
        self._thread = threading.Thread(target=self._run, args=(blocks,), name="ahead", daemon=True)
        self._thread.start()

    def _run(self, blocks: Iterator[bytes]) -> None:
        end: BaseException | None = None
        try:
            for block in blocks:
                self._ready.put(block)
                if self._closing:
                    break
        except BaseException as error:  # noqa: BLE001 - raised again in the reader's thread
            end = error
        self._ready.put(end)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        block = None if self._over else self._ready.get()
        if isinstance(block, bytes):
            return block
        self._over = True
        if block is None:
            raise StopIteration
        raise block

    def close(self) -> None:
        """End the thread, whether or not all was read; a second call does nothing."""
        self._closing = True
        while not self._over:
            self._over = not isinstance(self._ready.get(), bytes)
        self._thread.join()
