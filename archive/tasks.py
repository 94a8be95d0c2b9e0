"""What the scheduler asks of the archive. Every task may be lost, sent twice, or run beside itself."""

import time
from datetime import UTC, datetime, timedelta

from celery import shared_task
from django.conf import settings

from archive import fixity
from archive.locks import Lock, alone
from archive.storage import primary_storage, replica_storage
from archive.storage.replicated import replicate as copy_packs

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
