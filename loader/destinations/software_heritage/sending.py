"""Sending contents and directories in batches: asked for first, what is missing is sent, from the ground up."""

from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from threading import Lock

from archive.packs import LARGE
from deposit.queue.leases import Lease
from loader.destinations.software_heritage import objects
from loader.destinations.software_heritage.objects import Content
from loader.destinations.software_heritage.rpc import Rpc, TooLarge, Wire, array_of, model, object_with_data
from loader.steps import Permanent

# Of one question, and of one request that carries no bytes of contents.
BATCH_OBJECTS = 1000
# Of one request with contents: as many as the servers' cost for a request is small beside, and so few that several are
# under way at once. What is longer goes alone.
_SHARE_BYTES = 2 * 1024**2
_SHARE_OBJECTS = 250
# Entries of directories in one request.
_BATCH_ENTRIES = 20_000


@dataclass(kw_only=True, slots=True)
class Sent:
    """What was new at the storage, and how many bytes of contents that were."""

    contents: int = 0
    skipped: int = 0
    directories: int = 0
    bytes: int = 0
    known: int = 0

    def as_result(self) -> dict[str, int]:
        """For the history."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(kw_only=True, slots=True)
class Sender:
    """Sends to a storage, and contents directly to its object storage where that is known.

    ``at_once``: so many requests with contents are under way together; `close` waits for them. ``most_bytes``: longer
    contents are told of and not sent (skipped), as Software Heritage's own loaders do.
    """

    storage: Rpc
    lease: Lease
    most_bytes: int
    at_once: int = 1
    objstorage: Rpc | None = None
    sent: Sent = field(default_factory=Sent)
    _pool: ThreadPoolExecutor | None = None
    _under_way: set[Future[None]] = field(default_factory=set)
    _contents: list[Content] = field(default_factory=list)
    _held: int = 0
    _stored: list[Wire] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)
    _directories: list[Wire] = field(default_factory=list)
    _entries: int = 0

    def missing(self, method: str, argument: str, identifiers: Sequence[bytes]) -> set[bytes]:
        """Which of these the storage does not have."""
        found: set[bytes] = set()
        for at in range(0, len(identifiers), BATCH_OBJECTS):
            self.lease.check()
            found |= set(self.storage.call(method, **{argument: list(identifiers[at : at + BATCH_OBJECTS])}))
        return found

    def missing_contents(self, identifiers: Sequence[bytes]) -> set[bytes]:
        """Which contents (sha1_git) the storage has no bytes of."""
        return self.missing("content/missing/sha1_git", "contents", identifiers)

    def missing_directories(self, identifiers: Sequence[bytes]) -> set[bytes]:
        """Which directories the storage does not have."""
        return self.missing("directory/missing", "directories", identifiers)

    # --- Contents --------------------------------------------------------------------------------------
    def add_content(self, content: Content) -> None:
        """Send a content that the storage lacks, with others, while more are read."""
        if content.length > self.most_bytes:
            self._skip(content)
            return
        if content.length > LARGE:
            # It is read while it is sent, by one reader.
            self._send([content])
            self._count([content])
            return
        if self._contents and self._held + content.length > _SHARE_BYTES:
            self._begin_to_send()
        self._contents.append(content)
        self._held += content.length
        if len(self._contents) >= _SHARE_OBJECTS:
            self._begin_to_send()

    def flush_contents(self) -> None:
        """Wait until all contents are there. Raises what went wrong with the first that is not, once all have ended."""
        self._begin_to_send()
        ended, self._under_way = wait(self._under_way).done, set()
        for one in ended:
            one.result()
        self._tell_of_contents(at_least=1)

    def close(self) -> None:
        """Wait for what is under way, whatever becomes of it."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def _begin_to_send(self) -> None:
        """Several requests at once: the servers wait for their disks with each of them."""
        contents, self._contents, self._held = self._contents, [], 0
        if not contents:
            return
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self.at_once, thread_name_prefix="sending")
        if len(self._under_way) >= self.at_once:
            ended, self._under_way = wait(self._under_way, return_when=FIRST_COMPLETED)
            for one in ended:
                one.result()
        self._under_way.add(self._pool.submit(self._send, contents))
        self._count(contents)

    def _count(self, contents: Sequence[Content]) -> None:
        self.sent.contents += len(contents)
        self.sent.bytes += sum(content.length for content in contents)

    def _send(self, contents: Sequence[Content]) -> None:
        self.lease.check()
        try:
            if self.objstorage is None:
                self._add(contents)
            else:
                self._add_to_objects(contents)
        except TooLarge as error:
            if len(contents) == 1:
                raise Permanent(
                    "software_heritage.too_large",
                    "The storage takes no request as long as one of the package's files.",
                    fault=str(error),
                ) from error
            middle = len(contents) // 2
            self._send(contents[:middle])
            self._send(contents[middle:])

    def _add(self, contents: Sequence[Content]) -> None:
        pieces = [
            object_with_data("Content", _fields(content), content.length, self._kept(content))
            for content in contents
        ]
        length, body = array_of(pieces, argument="content")
        # In one piece where it is short: the pieces are as many as the files, and each would be a packet.
        together = body if length > 2 * _SHARE_BYTES else iter((b"".join(body),))
        self.storage.stream("content/add", length, together)

    def _add_to_objects(self, contents: Sequence[Content]) -> None:
        """Bytes first, so that the storage tells of none that are not there."""
        assert self.objstorage is not None
        batch = [[content.hashes, b"".join(content.chunks())] for content in contents]
        # The storage was asked. What only the object storage has, of an attempt that was killed, is written again.
        self.objstorage.call("content/add/batch", contents=batch, check_presence=False)
        with self._lock:
            self._stored += [_fields(content) for content in contents]
        self._tell_of_contents(at_least=2 * _SHARE_OBJECTS)

    def _tell_of_contents(self, at_least: int) -> None:
        """Tell the storage of contents whose bytes are in the object storage, if there are so many."""
        with self._lock:
            if len(self._stored) < at_least:
                return
            stored, self._stored = self._stored, []
        now = objects.now()
        told = [model("Content", **fields, ctime=now) for fields in stored]
        self.storage.call("content/add_metadata", content=told)

    def _kept(self, content: Content) -> Iterator[bytes]:
        for chunk in content.chunks():
            self.lease.check()
            yield chunk

    def _skip(self, content: Content) -> None:
        asked = [{**content.hashes, "length": content.length}]
        if self.storage.call("content/skipped/missing", contents=asked):
            told = model(
                "SkippedContent",
                **content.hashes,
                length=content.length,
                status="absent",
                reason="Content too large",
            )
            self.storage.call("content/skipped/add", content=[told])
            self.sent.skipped += 1

    # --- Directories -----------------------------------------------------------------------------------
    def add_directory(self, identifier: bytes, manifest: bytes) -> None:
        """Send a directory that the storage lacks; all below it was added before."""
        # Made ready while contents are under way.
        self._directories.append(objects.directory(identifier, manifest))
        # An entry takes at least 28 bytes.
        self._entries += len(manifest) // 28
        if self._entries >= _BATCH_ENTRIES or len(self._directories) >= BATCH_OBJECTS:
            self.flush_directories()

    def flush_directories(self) -> None:
        """Send the directories that wait; contents first."""
        self.flush_contents()
        directories, self._directories, self._entries = self._directories, [], 0
        if not directories:
            return
        self.lease.check()
        self.storage.call("directory/add", directories=directories)
        self.sent.directories += len(directories)


def _fields(content: Content) -> Wire:
    return {**content.hashes, "length": content.length, "status": "visible"}
