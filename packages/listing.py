"""What a reader tells of the members that it went through: one entry each, and the content of the few that are wanted.

Entries travel from the reader's process as lines of JSON, some hundreds in a line; both ends are here. Paths and
targets are bytes, and JSON has text: Latin-1 carries every byte as it is.
"""

import json
import re
from collections.abc import Callable, Sequence
from fnmatch import translate
from hashlib import sha1
from typing import Any, NamedTuple

from packages.limits import MIB
from packages.members import Kind, Member

# Entries in one line, and bytes of their paths and targets: enough that a line's own cost does not count.
_BATCH = 200
_BATCH_BYTES = 64 * 1024
_WHOLE = MIB
# Wanted members that are larger are not passed on, nor any more once all of them come to this.
WANTED_BYTES = MIB
_ALL_WANTED_BYTES = 8 * MIB
_KINDS = {kind.value: kind for kind in Kind}


class Entry(NamedTuple):
    """One member as its reader saw it.

    ``blob`` is the identifier that git gives the content of a file, or the target of a symbolic link (20 bytes, SHA-1
    of its header and bytes; ISO/IEC 18670, section 5.3.1); empty for directories and hard links. ``content`` is there
    for wanted files of at most `WANTED_BYTES`.
    """

    path: bytes
    kind: Kind
    size: int
    executable: bool
    blob: bytes
    target: bytes | None
    content: bytes | None


# Called with the entries of a package in its order, some at a time.
Take = Callable[[list[Entry]], None]


class Sender:
    """Tells of members one after the other, a line for some of them at a time.

    ``wanted``: patterns of the paths of files whose content is told as well, as of a shell: ``*`` stops at a slash. For
    each member call `observe`, let others read its content, and then `add`.
    """

    def __init__(self, wanted: Sequence[str], send: Callable[[bytes], object]) -> None:
        self._wanted = _by_depth(wanted)
        self._send = send
        self._batch: list[list[Any]] = []
        self._bytes = 0
        self._room = _ALL_WANTED_BYTES
        self._digest = sha1(usedforsecurity=False)
        self._seen = 0
        self._kept: list[bytes] | None = None

    def observe(self, member: Member) -> None:
        """A member comes, whose content nobody has read."""
        if member.kind is not Kind.FILE:
            return
        self._digest = sha1(b"blob %d\0" % member.size, usedforsecurity=False)
        self._seen = 0
        self._kept = [] if self._is_wanted(member) else None
        member.observe(self._see)

    def _is_wanted(self, member: Member) -> bool:
        if not self._wanted or member.size > min(WANTED_BYTES, self._room):
            return False
        pattern = self._wanted.get(member.path.count(b"/"))
        return pattern is not None and pattern.match(member.path.decode("latin-1")) is not None

    def _see(self, data: bytes) -> None:
        self._digest.update(data)
        self._seen += len(data)
        if self._kept is not None:
            self._kept.append(data)

    def add(self, member: Member) -> None:
        """The member that was observed, read by now or not. Raises `RuntimeError` when it was read in part."""
        content = None
        if member.kind is Kind.FILE:
            blob = self._blob_of_file(member)
            if self._kept is not None:
                content = b"".join(self._kept)
                self._room -= len(content)
        else:
            blob = _blob(member.target or b"") if member.kind is Kind.SYMLINK else b""
        self._batch.append(
            [
                member.path.decode("latin-1"),
                member.kind.value,
                member.size,
                int(member.executable),
                blob.decode("latin-1"),
                None if member.target is None else member.target.decode("latin-1"),
                None if content is None else content.decode("latin-1"),
            ]
        )
        self._bytes += len(member.path) + len(member.target or b"")
        if len(self._batch) == _BATCH or self._bytes > _BATCH_BYTES or content is not None:
            self.flush()

    def _blob_of_file(self, member: Member) -> bytes:
        if self._seen == 0 and member.size:
            if member.size <= _WHOLE:
                member.read()
            else:
                for _ in member.chunks():
                    pass
        elif self._seen < member.size:
            # Its beginning was looked at.
            for _ in member.chunks():
                pass
        if self._seen != member.size:
            raise RuntimeError("the content of a member was read in part")
        return self._digest.digest()

    def flush(self) -> None:
        """Tell what was not told yet."""
        if self._batch:
            self._send(json.dumps(self._batch).encode() + b"\n")
            self._batch, self._bytes = [], 0


def _by_depth(wanted: Sequence[str]) -> dict[int, re.Pattern[str]]:
    """One expression for all patterns of a depth, so that most members of a large package cost nothing.

    A path has as many slashes as its pattern, so no ``*`` can match one.
    """
    depths: dict[int, list[str]] = {}
    for pattern in wanted:
        depths.setdefault(pattern.count("/"), []).append(translate(pattern))
    return {depth: re.compile("|".join(each)) for depth, each in depths.items()}


def _blob(content: bytes) -> bytes:
    return sha1(b"blob %d\0%b" % (len(content), content), usedforsecurity=False).digest()


def read_entries(line: bytes) -> list[Entry]:
    """The entries of one line."""
    return [
        Entry(
            path.encode("latin-1"),
            _KINDS[kind],
            size,
            bool(executable),
            blob.encode("latin-1"),
            None if target is None else target.encode("latin-1"),
            None if content is None else content.encode("latin-1"),
        )
        for path, kind, size, executable, blob, target, content in json.loads(line)
    ]
