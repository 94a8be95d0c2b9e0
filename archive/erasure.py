"""Erasing objects for good: said first, in one transaction, and then done pack by pack.

``mark_erased`` says what is erased. From the commit of its transaction on nobody reads these objects and nobody brings
them back: they are out of the index, reading one raises ObjectErased, and a load that holds one ends with
ErasedContent. It cannot be taken back.

``erase`` then takes their bytes out of the packs: each pack that holds some is written anew without them, published,
copied to the replica, and the old one is removed from both. It may be killed at any instant and run again, until
``packs_to_erase`` is 0.
"""

from collections.abc import Iterable, Iterator

from django.db import connection, transaction

from archive.errors import ArchiveError, InvalidIdentifier
from archive.identifiers import SWHID, ObjectType
from archive.index import bytea_array
from archive.locks import APPLICATION, Lock, alone
from archive.models import KINDS, TYPES, Pack
from archive.places import erased_among
from archive.rewriting.erasing import Progress, Result, rewrite
from archive.rewriting.retiring import retire
from archive.storage import Storage, replica_storage

__all__ = [
    "Progress",
    "Result",
    "erase",
    "erased_among",
    "erased_below",
    "mark_erased",
    "packs_to_erase",
]

_WANTED = "unnest(%s::bytea[], %s::smallint[]) wanted (sha1_git, kind)"
_OTHER_KIND = f"""
SELECT object.kind, object.sha1_git FROM archive_object object JOIN {_WANTED} USING (sha1_git)
WHERE object.kind <> wanted.kind LIMIT 1
"""  # noqa: S608 - constants
_MARK = f"""
WITH wanted AS MATERIALIZED (SELECT DISTINCT * FROM {_WANTED}),
gone AS (
    DELETE FROM archive_object object USING wanted WHERE object.sha1_git = wanted.sha1_git
    RETURNING object.sha1_git, object.sha256, object.pack_id
), recorded AS (
    INSERT INTO archive_erasedobject (sha1_git, kind, sha256, reference)
    SELECT wanted.sha1_git, wanted.kind, gone.sha256, %s FROM wanted LEFT JOIN gone USING (sha1_git) ORDER BY 1
    ON CONFLICT (sha1_git) DO NOTHING RETURNING 1
), marked AS (
    UPDATE archive_pack SET to_erase = true WHERE replaced_by_id IS NULL AND NOT to_erase AND (
        copies IS NOT FALSE OR id IN (
            SELECT coalesce(pack.replaced_by_id, pack.id) FROM gone JOIN archive_pack pack ON pack.id = gone.pack_id
        ))
)
SELECT count(*) FROM recorded
"""  # noqa: S608 - constants
# Directories from the root down, each once, and what they name.
_BELOW = """
WITH RECURSIVE directory (sha1_git) AS (
    SELECT %s::bytea
    UNION
    SELECT unnest(object.targets[:object.branching]) FROM directory JOIN archive_object object USING (sha1_git)
), named (sha1_git) AS (
    SELECT sha1_git FROM directory
    UNION
    SELECT unnest(object.targets[object.branching + 1:]) FROM directory JOIN archive_object object USING (sha1_git)
)
SELECT erased.kind, erased.sha1_git FROM named JOIN archive_erasedobject erased USING (sha1_git)
ORDER BY erased.id LIMIT %s
"""


# --- Saying what is erased -----------------------------------------------------------------------------
def mark_erased(swhids: Iterable[SWHID], reference: str) -> int:
    """Say that these objects are erased, in the caller's transaction; returns how many were not before.

    Contents, directories, releases, snapshots and metadata documents; of those that the archive does not have it is
    recorded, too, so that they never come. Objects that point at them stay. ``reference`` names the decision, without
    saying anything of the content. Call `erase` after the commit.

    Waits for the loads that are being published, and holds off others until the commit: keep the transaction short.
    Raises InvalidIdentifier for a revision or an origin, and for an object that is of another kind than said.
    """
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("mark_erased() belongs into a transaction.")
    wanted = set(swhids)
    for swhid in wanted:
        if swhid.type in (ObjectType.REVISION, ObjectType.ORIGIN):
            raise InvalidIdentifier(f"{swhid} cannot be erased: the archive holds no objects of this kind.")
    ordered = sorted(wanted, key=lambda swhid: swhid.hash)
    identifiers = bytea_array(swhid.hash for swhid in ordered)
    kinds = [KINDS[swhid.type] for swhid in ordered]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [APPLICATION, Lock.ERASED])
        cursor.execute(_OTHER_KIND, [identifiers, kinds])
        if row := cursor.fetchone():
            raise InvalidIdentifier(f"The object {bytes(row[1]).hex()} is of the kind {TYPES[row[0]]}.")
        cursor.execute(_MARK, [identifiers, kinds, reference])
        (number,) = cursor.fetchone()
    return int(number)


# --- Asking what is erased -----------------------------------------------------------------------------
def erased_below(directory: SWHID, *, most: int = 100) -> list[SWHID]:
    """Objects of a directory, of all below it and itself, that were erased, at most so many: one query."""
    with connection.cursor() as cursor:
        cursor.execute(_BELOW, [directory.hash, most])
        return [SWHID(TYPES[kind], bytes(sha1_git)) for kind, sha1_git in cursor.fetchall()]


def packs_to_erase() -> int:
    """How many packs may still hold what was erased: to be written anew, or replaced and still to be removed."""
    due = Pack.objects.in_storage().filter(to_erase=True).count()
    return due + Pack.objects.filter(to_erase=True, remove_at__isnull=False).count()


# --- Doing it ------------------------------------------------------------------------------------------
def erase(storage: Storage, replica: Storage | None = None) -> Iterator[Progress]:
    """Take what was marked out of all packs of the primary storage and of its replica (that of the settings).

    Waits while another process writes packs anew. Safe to kill, and to run again: what is done is not done twice.
    A pack that cannot be read or removed now is told as WAITING, and the others go on.
    """
    replica = replica if replica is not None else replica_storage()
    with alone(Lock.REWRITE, wait=True):
        due = Pack.objects.in_storage().filter(to_erase=True).order_by("id")
        for pack in list(due):
            try:
                yield rewrite(storage, replica, pack)
            except (ArchiveError, OSError) as error:
                yield Progress(pack=pack.name, outcome=Result.WAITING, detail=str(error))
        for pack, problem in retire(storage, replica):
            if problem:
                yield Progress(pack=pack.name, outcome=Result.WAITING, detail=problem)
