"""A tree from our own archive: what the storage has is passed by, with all below it."""

from collections.abc import Iterator
from functools import partial

from archive.errors import NotFound
from archive.identifiers import SWHID, ObjectType
from archive.lru import ObjectLRU
from archive.objects import DIRECTORY, REVISION, read_directory
from archive.packs import LARGE
from archive.places import Place, places
from archive.reading import Packs
from loader.destinations.software_heritage.objects import Content, content_of, hashed, require_same
from loader.destinations.software_heritage.sending import BATCH_OBJECTS, Sender

# Directories that were read while the tree was explored are kept for sending until they take so many bytes.
_KEPT_BYTES = 32 * 1024**2


class ArchivedTree:
    """Sends a directory and all below it."""

    def __init__(self, packs: Packs, sender: Sender) -> None:
        self._packs = packs
        self._sender = sender
        self._manifests: dict[bytes, bytes] = {}
        self._kept = 0
        self._seen = ObjectLRU()
        self._waiting: list[bytes] = []
        self._directories: list[tuple[bytes, bytes]] = []

    def send(self, root: bytes) -> None:
        """Send what is missing of the tree below ``root`` (20 bytes). Raises `NotFound` for what we do not have."""
        missing = self._missing_below(root)
        for identifier in self._from_the_ground(root, missing):
            manifest = self._manifest(identifier)
            self._add_contents(manifest)
            self._directories.append((identifier, manifest))
            if len(self._waiting) + len(self._directories) >= BATCH_OBJECTS:
                self._flush()
        self._flush()
        self._sender.flush_directories()

    def _flush(self) -> None:
        """Contents come before the directories that name them."""
        self._flush_contents()
        directories, self._directories = self._directories, []
        for identifier, manifest in directories:
            self._sender.add_directory(identifier, manifest)

    def _missing_below(self, root: bytes) -> set[bytes]:
        """The directories that the storage lacks. One that it has was sent after all below it."""
        missing: set[bytes] = set()
        asked = {root}
        frontier = [root]
        while frontier:
            lacking = self._sender.missing_directories(frontier)
            missing |= lacking
            self._read([each for each in frontier if each in lacking])
            frontier = []
            for identifier in lacking:
                for child in _directories(self._manifest(identifier)):
                    if child not in asked:
                        asked.add(child)
                        frontier.append(child)
        return missing

    def _from_the_ground(self, root: bytes, missing: set[bytes]) -> Iterator[bytes]:
        """Missing directories, each once, after all below it."""
        if root not in missing:
            return
        stack = [(root, _directories(self._manifest(root)))]
        missing.discard(root)
        while stack:
            identifier, children = stack[-1]
            child = next((each for each in children if each in missing), None)
            if child is None:
                stack.pop()
                yield identifier
            else:
                missing.discard(child)
                stack.append((child, _directories(self._manifest(child))))

    def _read(self, identifiers: list[bytes]) -> None:
        """Read directories in the order in which they lie in the packs."""
        for at in range(0, len(identifiers), BATCH_OBJECTS):
            found = self._places(ObjectType.DIRECTORY, identifiers[at : at + BATCH_OBJECTS])
            for identifier, place in found:
                if self._kept + place.row.length > _KEPT_BYTES:
                    return
                self._manifests[identifier] = self._packs.read(place.pack, place.row)
                self._kept += place.row.length

    def _manifest(self, identifier: bytes) -> bytes:
        kept = self._manifests.get(identifier)
        if kept is not None:
            return kept
        ((_, place),) = self._places(ObjectType.DIRECTORY, [identifier])
        return self._packs.read(place.pack, place.row)

    def _places(self, kind: ObjectType, identifiers: list[bytes]) -> list[tuple[bytes, Place]]:
        found = places(SWHID(kind, identifier) for identifier in identifiers)
        if len(found) < len(set(identifiers)):
            (lost, *_) = {SWHID(kind, each) for each in identifiers} - found.keys()
            raise NotFound(f"The archive does not have {lost}.")
        ordered = sorted(
            found.items(), key=lambda each: (each[1].pack, each[1].row.offset, each[1].row.position)
        )
        return [(swhid.hash, place) for swhid, place in ordered]

    def _add_contents(self, manifest: bytes) -> None:
        for _, mode, target in read_directory(manifest):
            if mode not in (DIRECTORY, REVISION) and self._seen.is_new(target, None):
                self._waiting.append(target)

    def _flush_contents(self) -> None:
        waiting, self._waiting = self._waiting, []
        missing = self._sender.missing_contents(waiting)
        self._sender.sent.known += len(waiting) - len(missing)
        for at in range(0, len(waiting), BATCH_OBJECTS):
            wanted = [each for each in waiting[at : at + BATCH_OBJECTS] if each in missing]
            for identifier, place in self._places(ObjectType.CONTENT, wanted):
                content = self._content(place)
                require_same("content", identifier, content.sha1_git)
                self._sender.add_content(content)

    def _content(self, place: Place) -> Content:
        if place.row.length <= LARGE:
            return content_of(self._packs.read(place.pack, place.row))
        return hashed(
            place.row.length, partial(self._packs.stream, place.pack, place.row, 0, place.row.length)
        )


def _directories(manifest: bytes) -> Iterator[bytes]:
    return (target for _, mode, target in read_directory(manifest) if mode == DIRECTORY)
