"""Sorting more records than memory should hold: sorted runs in a temporary file, merged when read."""

import heapq
import tempfile
from collections.abc import Iterator
from typing import IO

_LENGTH = 4


class SortedRecords:
    """Byte strings that come out in byte order, however many go in.

    At most ``run_bytes`` of records (plus Python's own overhead) are held in memory; the rest waits on disk.
    """

    def __init__(self, run_bytes: int = 4 * 1024**2) -> None:
        self._run_bytes = run_bytes
        self._records: list[bytes] = []
        self._held = 0
        self._file: IO[bytes] | None = None
        self._runs: list[tuple[int, int]] = []
        self.count = 0

    def append(self, record: bytes) -> None:
        """Add one record."""
        self._records.append(record)
        self._held += len(record)
        self.count += 1
        if self._held >= self._run_bytes:
            self._spill()

    def _spill(self) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed in close()
        start = self._file.seek(0, 2)
        self._records.sort()
        for record in self._records:
            self._file.write(len(record).to_bytes(_LENGTH, "big"))
            self._file.write(record)
        self._runs.append((start, self._file.tell()))
        self._records, self._held = [], 0

    def _run(self, start: int, end: int) -> Iterator[bytes]:
        assert self._file is not None
        rest = b""
        while start < end or rest:
            self._file.seek(start)
            block = rest + self._file.read(min(256 * 1024, end - start))
            start += len(block) - len(rest)
            at = 0
            while at + _LENGTH <= len(block):
                stop = at + _LENGTH + int.from_bytes(block[at : at + _LENGTH], "big")
                if stop > len(block):
                    break
                yield block[at + _LENGTH : stop]
                at = stop
            rest = block[at:]

    def __iter__(self) -> Iterator[bytes]:
        self._records.sort()
        if not self._runs:
            return iter(self._records)
        return heapq.merge(*(self._run(*bounds) for bounds in self._runs), self._records)

    def close(self) -> None:
        """Forget the records and free the disk."""
        self._records = []
        if self._file is not None:
            self._file.close()
