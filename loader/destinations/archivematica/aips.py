"""Asking the Storage Service about one AIP, with its replicas, by the rules of its pipeline."""

from loader.destinations.archivematica.models import Pipeline, Transfer
from loader.destinations.archivematica.reconciliation import Verdict, reconcile
from loader.destinations.archivematica.storage import StorageService, StoredPackage


def verdict_on(storage: StorageService, pipeline: Pipeline, sip: str) -> tuple[Verdict, StoredPackage | None]:
    """How far an AIP is stored, and what is on record of it. Raises `Unavailable`, `Refused`."""
    aip = storage.package(sip)
    replicas = []
    if aip is not None and pipeline.required_locations:
        replicas = [one for one in map(storage.package, aip.replicas) if one is not None]
    verdict = reconcile(
        aip, replicas, required=pipeline.required_locations, standalone=pipeline.standalone_locations
    )
    return verdict, aip


def note_stored(transfer: Transfer, verdict: Verdict, aip: StoredPackage) -> None:
    """Record where and since when a transfer's AIP is stored."""
    transfer.note(stored_at=verdict.stored_at, stored_in=aip.location, stored_path=aip.path)
