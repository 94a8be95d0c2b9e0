"""What would go if some objects went: all that only they lead to, and what others lead to as well.

Everything is asked in SQL and kept in a temporary table of the caller's transaction, so that memory stays bounded. The
cost is that of one look-up in the index by identifier and one in the index by target for each object below the ones
that are named; what lies below something that stays is not looked up by target.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from archive.identifiers import SWHID, ObjectType
from archive.index import bytea_array
from archive.locks import APPLICATION, Lock
from archive.models import KINDS, TYPES

# The empty file and the empty directory are left out: they tell nothing, and everybody has them.
# What leads to others in the sense of this module. A snapshot names releases of other deposits, and a document the
# object that it is about: neither holds them.
_HOLDERS = (KINDS[ObjectType.DIRECTORY], KINDS[ObjectType.RELEASE])
_EXAMPLES = 20
_BATCH = 5000

_MAKE = """
CREATE TEMPORARY TABLE archive_leaving (
    sha1_git bytea PRIMARY KEY, kind smallint NOT NULL, level integer NOT NULL,
    -- 0: it goes; 1: it stays; 2: it stays, and so does what it leads to
    stays smallint NOT NULL DEFAULT 0,
    length bigint NOT NULL, pack_id bigint NOT NULL
) ON COMMIT DROP;
CREATE INDEX ON archive_leaving (level);
"""
_NAMED = """
INSERT INTO archive_leaving SELECT sha1_git, kind, 0, 0, length, pack_id FROM archive_object
WHERE sha1_git = ANY(%s::bytea[]) AND length > 0 ON CONFLICT DO NOTHING
"""
_BELOW = """
INSERT INTO archive_leaving
SELECT object.sha1_git, object.kind, %s, 0, object.length, object.pack_id FROM (
    SELECT DISTINCT unnest(holder.targets) AS sha1_git
    FROM archive_leaving above JOIN archive_object holder USING (sha1_git)
    WHERE above.level = %s AND above.kind = ANY(%s)
) below JOIN archive_object object USING (sha1_git) WHERE object.length > 0 ON CONFLICT DO NOTHING
"""
# A question for each object, so that the index by target answers it; the first holder from outside is enough.
_HELD_FROM_OUTSIDE = """
UPDATE archive_leaving one SET stays = 1 WHERE stays = 0 AND level = %s AND (
    SELECT 1 FROM archive_object holder
    WHERE holder.targets @> ARRAY[one.sha1_git] AND holder.kind = ANY(%s)
        AND NOT EXISTS (SELECT FROM archive_leaving inside WHERE inside.sha1_git = holder.sha1_git) LIMIT 1
) IS NOT NULL
"""
_HELD_BY_NEW = """
UPDATE archive_leaving one SET stays = 1 FROM (
    SELECT DISTINCT unnest(holder.targets) AS sha1_git FROM archive_object holder
    WHERE holder.pack_id IN (
        SELECT id FROM archive_pack
        WHERE NOT EXISTS (SELECT FROM archive_leaving_pack seen WHERE seen.id = archive_pack.id)
    ) AND holder.kind = ANY(%s)
        -- Packs that were written anew meanwhile hold what was there before.
        AND NOT EXISTS (SELECT FROM archive_leaving inside WHERE inside.sha1_git = holder.sha1_git)
) below WHERE below.sha1_git = one.sha1_git AND one.stays = 0 AND one.level >= %s
"""
_BELOW_WHAT_STAYS = """
WITH above AS (UPDATE archive_leaving SET stays = 2 WHERE stays = 1 RETURNING sha1_git, kind)
UPDATE archive_leaving one SET stays = 1 FROM (
    SELECT DISTINCT unnest(holder.targets) AS sha1_git FROM above JOIN archive_object holder USING (sha1_git)
    WHERE above.kind = ANY(%s)
) below WHERE below.sha1_git = one.sha1_git AND one.stays = 0
"""
_COUNTS = "SELECT kind, stays > 0, count(*), sum(length) FROM archive_leaving GROUP BY 1, 2"
_PACKS = """
SELECT count(*), coalesce(sum(size), 0) FROM archive_pack WHERE id IN (
    SELECT coalesce(pack.replaced_by_id, pack.id)
    FROM archive_leaving one JOIN archive_pack pack ON pack.id = one.pack_id
    WHERE one.stays = 0
)
"""
_SOME = "SELECT kind, sha1_git FROM archive_leaving WHERE {} ORDER BY level, kind DESC, sha1_git LIMIT %s"


@dataclass(frozen=True, kw_only=True, slots=True)
class Count:
    """How many objects of one kind, and their bytes before compression."""

    objects: int = 0
    size: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Summary:
    """What goes and what stays, by kind; the packs that hold what goes, whole, in bytes; some of both."""

    goes: dict[ObjectType, Count] = field(default_factory=dict)
    stays: dict[ObjectType, Count] = field(default_factory=dict)
    packs: int = 0
    pack_bytes: int = 0
    going: list[SWHID] = field(default_factory=list)
    staying: list[SWHID] = field(default_factory=list)


class Leaving:
    """Objects that are to go, with all below them, as far as nothing else holds it."""

    def __init__(self, cursor: CursorWrapper) -> None:
        self._cursor = cursor

    def name(self, identifiers: Iterable[bytes]) -> None:
        """Name objects (20 bytes each) that are to go; what the archive does not have is left out."""
        self._cursor.execute(_NAMED, [bytea_array(identifiers)])

    def gather(self) -> None:
        """Take in all below what is named: contents and directories, level by level."""
        level = 0
        while True:
            self._cursor.execute(_BELOW, [level + 1, level, list(_HOLDERS)])
            if not self._cursor.rowcount:
                return
            level += 1

    def keep(self, identifiers: Iterable[bytes]) -> None:
        """Let these stay, and all below them: somebody else is known by them."""
        self._cursor.execute(
            "UPDATE archive_leaving SET stays = 1 WHERE stays = 0 AND sha1_git = ANY(%s::bytea[])",
            [bytea_array(identifiers)],
        )
        self._stay_below()

    def settle(self, *, also_named: bool) -> None:
        """Let stay what a directory or a release holds that does not go. ``also_named``: even what was named."""
        self._cursor.execute("SELECT coalesce(max(level), -1) FROM archive_leaving")
        (deepest,) = self._cursor.fetchone()
        for level in range(0 if also_named else 1, deepest + 1):
            self._cursor.execute(_HELD_FROM_OUTSIDE, [level, list(_HOLDERS)])
            self._stay_below()

    def settle_again(self, *, also_named: bool) -> None:
        """The same for what came to the archive since it was begun; nothing more comes until the transaction ends."""
        self._cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [APPLICATION, Lock.ERASED])
        self._cursor.execute(_HELD_BY_NEW, [list(_HOLDERS), 0 if also_named else 1])
        self._stay_below()

    def _stay_below(self) -> None:
        while True:
            self._cursor.execute(_BELOW_WHAT_STAYS, [list(_HOLDERS)])
            if not self._cursor.rowcount:
                return

    def summary(self) -> Summary:
        """What goes and what stays."""
        found: tuple[dict[ObjectType, Count], dict[ObjectType, Count]] = ({}, {})
        self._cursor.execute(_COUNTS)
        for kind, stays, number, size in self._cursor.fetchall():
            found[stays][TYPES[kind]] = Count(objects=number, size=int(size))
        self._cursor.execute(_PACKS)
        packs, size = self._cursor.fetchone()
        return Summary(
            goes=found[False],
            stays=found[True],
            packs=packs,
            pack_bytes=int(size),
            going=self._some("stays = 0"),
            staying=self._some("stays > 0"),
        )

    def _some(self, condition: str) -> list[SWHID]:
        self._cursor.execute(_SOME.format(condition), [_EXAMPLES])
        return [SWHID(TYPES[kind], bytes(one)) for kind, one in self._cursor.fetchall()]

    def going(self) -> Iterator[SWHID]:
        """All that goes."""
        last = b""
        while True:
            self._cursor.execute(
                "SELECT kind, sha1_git FROM archive_leaving WHERE stays = 0 AND sha1_git > %s ORDER BY 2 LIMIT %s",
                [last, _BATCH],
            )
            rows: list[tuple[Any, ...]] = self._cursor.fetchall()
            if not rows:
                return
            for kind, one in rows:
                yield SWHID(TYPES[kind], bytes(one))
            last = bytes(rows[-1][1])


@contextmanager
def leaving() -> Iterator[Leaving]:
    """What is to go, to be named; within a transaction, which sees what others commit meanwhile.

    Sequential scans are forbidden: PostgreSQL cannot know that an identifier is rare.
    """
    with transaction.atomic(savepoint=False), connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS archive_leaving, archive_leaving_pack")
        cursor.execute(_MAKE)
        cursor.execute(
            "CREATE TEMPORARY TABLE archive_leaving_pack ON COMMIT DROP AS SELECT id FROM archive_pack"
        )
        # What loads have added waits in a list that every question would read from its beginning.
        cursor.execute("SELECT gin_clean_pending_list('object_by_targets')")
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off; SET LOCAL jit = off")
        yield Leaving(cursor)
        cursor.execute("SET LOCAL enable_seqscan = on; SET LOCAL enable_hashjoin = on; SET LOCAL jit = on")
