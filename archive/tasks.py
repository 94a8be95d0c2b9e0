"""What the scheduler asks of the archive. Every task may be lost, sent twice, or run beside itself."""

import time
from datetime import UTC, datetime, timedelta

from celery import shared_task
from django.conf import settings

from archive import erasure, fixity
from archive.locks import Lock, alone
from archive.replication import replicate as copy_packs
from archive.rewriting import merging, retiring
from archive.storage import primary_storage, replica_storage

# A task ends after the pack during which this many seconds have passed; the next one goes on.
_SLICE = 120


@shared_task(name="archive.audit")
def audit() -> int:
    """Check packs not checked for ARCHIVE_AUDIT_DAYS, for a slice of time; returns how many."""
    checked = 0
    until = time.monotonic() + _SLICE
    since = datetime.now(UTC) - timedelta(days=settings.ARCHIVE_AUDIT_DAYS)
    with alone(Lock.AUDIT) as first:
        if first:
            rate = fixity.Rate(settings.ARCHIVE_AUDIT_RATE)
            for _ in fixity.audit(fixity.due(since=since), primary_storage(), replica_storage(), rate=rate):
                checked += 1
                if time.monotonic() > until:
                    break
    return checked


@shared_task(name="archive.replicate")
def replicate() -> int:
    """Copy packs that the replica lacks, for a slice of time; returns how many."""
    copied = 0
    until = time.monotonic() + _SLICE
    replica = replica_storage()
    if replica is None:
        return 0
    with alone(Lock.REPLICATE) as first:
        if first:
            for _ in copy_packs(primary_storage(), replica):
                copied += 1
                if time.monotonic() > until:
                    break
    return copied


@shared_task(name="archive.merge")
def merge() -> int:
    """Merge small packs, and remove the files of those merged long ago, for a slice of time; returns how many."""
    merged = 0
    until = time.monotonic() + _SLICE
    with alone(Lock.REWRITE) as first:
        if first:
            rate = fixity.Rate(settings.ARCHIVE_AUDIT_RATE)
            for done in merging.merge(primary_storage(), until=until, rate=rate):
                merged += done.packs
    for _ in retiring.retire(primary_storage(), replica_storage(), until=until + _SLICE):
        pass
    return merged


@shared_task(name="archive.erase")
def erase() -> int:
    """Go on with what was said to be erased; returns how many packs were written anew."""
    if not erasure.packs_to_erase():
        return 0
    done = list(erasure.erase(primary_storage(), replica_storage()))
    return sum(one.outcome == erasure.Result.REWRITTEN for one in done)
