"""A tree from the packages themselves, for collections that are not archived here: one pass."""

import tempfile
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

from archive.lru import ObjectLRU
from archive.packs import LARGE
from archive.tree import Tree
from loader.destinations.software_heritage.objects import Content, Hashes, content_of
from loader.destinations.software_heritage.sending import BATCH_OBJECTS, Sender

_CHUNK = 1024**2
# Contents that are asked about together: few, so that the first are soon under way.
_BATCH_CONTENTS = 500
_BATCH_BYTES = 16 * 1024**2


class PackagedTree:
    """Takes members as `archive.ingest.Ingest` does, and sends what the storage lacks. Use as a context manager."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender
        self._seen = ObjectLRU()
        self._waiting: list[Content] = []
        self._held = 0
        # Long contents are hashed before it is known whether they are to be sent; until then they lie here.
        self._folder = tempfile.TemporaryDirectory(prefix="software-heritage-")
        self._number = 0

    def __enter__(self) -> "PackagedTree":
        return self

    def __exit__(self, *error: object) -> None:
        self._folder.cleanup()

    def add_content(self, data: bytes) -> bytes:
        """Take a content that is in memory; its identifier."""
        return self._take(content_of(data))

    def add_content_stream(self, chunks: Iterable[bytes], length: int) -> bytes:
        """Take a content of any size; its identifier."""
        if length <= LARGE:
            return self.add_content(b"".join(chunks))
        self._number += 1
        path = Path(self._folder.name, str(self._number))
        hashes = Hashes(length)
        with path.open("wb") as file:
            for chunk in chunks:
                hashes.update(chunk)
                # What is too long to be sent is only hashed.
                if length <= self._sender.most_bytes:
                    file.write(chunk)
        identifier = self._take(hashes.content(partial(_read, path)))
        # One as long as this is sent before anything else is read.
        self._flush()
        path.unlink()
        return identifier

    def add_tree(self, tree: Tree) -> bytes:
        """Send the directories of a tree, after its contents; the root's identifier."""
        self._flush()
        root = b""
        batch: list[tuple[bytes, bytes]] = []
        for identifier, manifest in tree.directories():
            root = identifier
            batch.append((identifier, manifest))
            if len(batch) >= BATCH_OBJECTS:
                self._send_directories(batch)
                batch = []
        self._send_directories(batch)
        self._sender.flush_directories()
        return root

    def _send_directories(self, batch: list[tuple[bytes, bytes]]) -> None:
        missing = self._sender.missing_directories([identifier for identifier, _ in batch])
        for identifier, manifest in batch:
            if identifier in missing:
                missing.discard(identifier)
                self._sender.add_directory(identifier, manifest)

    def _take(self, content: Content) -> bytes:
        if self._seen.is_new(content.sha1_git, content.sha256):
            self._waiting.append(content)
            self._held += content.length
            if len(self._waiting) >= _BATCH_CONTENTS or self._held >= _BATCH_BYTES:
                self._flush()
        return content.sha1_git

    def _flush(self) -> None:
        waiting, self._waiting, self._held = self._waiting, [], 0
        missing = self._sender.missing_contents([content.sha1_git for content in waiting])
        self._sender.sent.known += len(waiting) - len(missing)
        for content in waiting:
            if content.sha1_git in missing:
                self._sender.add_content(content)


def _read(path: Path) -> Iterator[bytes]:
    with path.open("rb", buffering=0) as file:
        while chunk := file.read(_CHUNK):
            yield chunk
