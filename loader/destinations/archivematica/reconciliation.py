"""Whether an AIP is already stored, decided from what the Storage Service has on record. Pure.

It is what keeps a retry from making a second AIP: an ingest that says FAILED because a replica could not be made
leaves the AIP itself stored.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from loader.destinations.archivematica.storage import StoredPackage

# States of a package from which it does not come back by itself: there is nothing to be counted on.
_GONE = frozenset({"DELETED", "FAIL"})


class Stored(StrEnum):
    """How far an AIP is stored."""

    NOT_FOUND = "not_found"
    LOCAL_COMPLETE = "local_complete"
    REPLICATED_PARTIAL = "replicated_partial"
    REPLICATED_COMPLETE = "replicated_complete"
    INDETERMINATE = "indeterminate"

    @property
    def is_complete(self) -> bool:
        """Whether the delivery is fulfilled."""
        return self in (Stored.LOCAL_COMPLETE, Stored.REPLICATED_COMPLETE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """How far an AIP is stored, since when it is so, and what an operator should know."""

    stored: Stored
    stored_at: datetime | None
    message: str
    missing: tuple[str, ...] = ()


def reconcile(
    aip: StoredPackage | None,
    replicas: Iterable[StoredPackage] = (),
    *,
    required: Iterable[str] = (),
    standalone: Iterable[str] = (),
) -> Verdict:
    """Judge an AIP and its replicas.

    ``required``: UUIDs of the locations that must each hold the AIP or a replica of it. ``standalone``: locations
    where an AIP is complete without any replica.
    """
    if aip is None or aip.status in _GONE:
        return Verdict(
            stored=Stored.NOT_FOUND,
            stored_at=None,
            message="The Storage Service has no such AIP."
            if aip is None
            else f"The AIP's status is {aip.status}.",
        )
    if not aip.is_stored:
        return _indeterminate(f"The AIP's status is {aip.status or 'not given'}.")
    if aip.stored_at is None:
        return _indeterminate("The Storage Service gives no date at which the AIP was stored.")
    wanted = tuple(dict.fromkeys(required))
    if not wanted or aip.location in set(standalone):
        return Verdict(
            stored=Stored.LOCAL_COMPLETE,
            stored_at=aip.stored_at,
            message=f"The AIP is stored in {aip.location}.",
        )
    return _replicated(aip, replicas, wanted)


def _replicated(aip: StoredPackage, replicas: Iterable[StoredPackage], wanted: tuple[str, ...]) -> Verdict:
    since: dict[str, datetime] = {}
    for one in (aip, *replicas):
        if one.is_stored and one.stored_at is not None:
            since.setdefault(one.location, one.stored_at)
    missing = tuple(location for location in wanted if location not in since)
    if missing:
        return Verdict(
            stored=Stored.REPLICATED_PARTIAL,
            stored_at=aip.stored_at,
            message=f"The AIP is stored, but not in the required locations {', '.join(missing)}.",
            missing=missing,
        )
    return Verdict(
        stored=Stored.REPLICATED_COMPLETE,
        stored_at=max(since[location] for location in wanted),
        message="The AIP is stored in all required locations.",
    )


def _indeterminate(message: str) -> Verdict:
    return Verdict(stored=Stored.INDETERMINATE, stored_at=None, message=message)
