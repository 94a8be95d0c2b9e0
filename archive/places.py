"""Where objects are, and what is said of those that are not there."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from django.db import connection

from archive.errors import NotFound, ObjectErased
from archive.identifiers import SWHID
from archive.index import bytea_array
from archive.models import TYPES, ErasedObject
from archive.packs import Row

# A pack that was merged into another lies in it, shifted as a whole.
_PLACES = """
SELECT object.sha1_git, object.kind, object.sha256, object.length, object."offset" + pack.shift, object.stored,
    object.position, coalesce(now.sha256, pack.sha256)
FROM archive_object object
JOIN archive_pack pack ON pack.id = object.pack_id LEFT JOIN archive_pack now ON now.id = pack.replaced_by_id
WHERE object.sha1_git = ANY(%s::bytea[])
"""
_ERASED = "SELECT sha1_git FROM archive_erasedobject WHERE sha1_git = ANY(%s::bytea[])"


class Place(NamedTuple):
    """Where an object is: its pack's name, and its line in that pack's index."""

    pack: str
    row: Row


def find(swhid: SWHID) -> Place | None:
    """Where an object is; None when the archive does not have it."""
    return places([swhid]).get(swhid)


def places(swhids: Iterable[SWHID]) -> dict[SWHID, Place]:
    """Where objects are, those that the archive has; one query for all."""
    wanted = {swhid.hash: swhid for swhid in swhids}
    with connection.cursor() as cursor:
        cursor.execute(_PLACES, [bytea_array(wanted)])
        found: dict[SWHID, Place] = {}
        for sha1_git, kind, sha256, length, offset, stored, position, pack in cursor.fetchall():
            swhid = wanted[bytes(sha1_git)]
            if TYPES[kind] is swhid.type:
                digest = None if sha256 is None else bytes(sha256)
                row = Row(str(swhid), digest, length, offset, stored, position)
                found[swhid] = Place(bytes(pack).hex(), row)
        return found


def require(swhid: SWHID) -> Place:
    """Where an object is. Raises NotFound, ObjectErased."""
    place = find(swhid)
    if place is None:
        raise missing(swhid)
    return place


def erased_among(swhids: Iterable[SWHID]) -> set[SWHID]:
    """Which of these objects were erased: one query for ten thousand."""
    wanted = {swhid.hash: swhid for swhid in swhids}
    found: set[SWHID] = set()
    with connection.cursor() as cursor:
        for identifiers in _batches(list(wanted), 10_000):
            cursor.execute(_ERASED, [bytea_array(identifiers)])
            found |= {wanted[bytes(sha1_git)] for (sha1_git,) in cursor.fetchall()}
    return found


def _batches(identifiers: list[bytes], size: int) -> Iterator[list[bytes]]:
    for start in range(0, len(identifiers), size):
        yield identifiers[start : start + size]


def missing(swhid: SWHID) -> NotFound:
    """What to raise for an object that the archive does not have: that it was erased, or that it is not known."""
    gone = ErasedObject.objects.filter(sha1_git=swhid.hash).first()
    if gone is not None:
        return ObjectErased(str(swhid), gone.erased_at)
    return NotFound(f"The archive does not have {swhid}.")
