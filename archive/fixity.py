"""The fixity audit: packs are read again, hashed again, and what was found is recorded.

A pack's name is the SHA-256 of its bytes, so one sequential pass proves it. Only when that fails, or when a thorough
audit is asked for, are the objects in it hashed one by one, to say exactly what is lost.
"""

import hashlib
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime

from django.core.mail import mail_admins
from django.db import connection, transaction
from django.db.models import F, Max, Q, QuerySet

from archive.errors import Damaged, PackMissing, Unreadable
from archive.identifiers import SWHID
from archive.models import TYPES, FixityCheck, Outcome, Pack
from archive.packs.reader import PackFile
from archive.packs.scanner import Gap, salvage
from archive.storage import Storage
from archive.storage.replicated import copy_pack

log = logging.getLogger(__name__)

_STEP = 4 * 1024**2
_MOST_LISTED = 1000


@dataclass(slots=True)
class Finding:
    """What reading a pack showed."""

    outcome: Outcome
    read: int = 0
    detail: str = ""
    lost: list[str] = field(default_factory=list)


class Rate:
    """Holds reading to so many bytes a second; 0 is as fast as it goes."""

    def __init__(self, bytes_per_second: int = 0, sleep: Callable[[float], None] = time.sleep) -> None:
        self._limit = bytes_per_second
        self._sleep = sleep
        self._due = time.monotonic()

    def spend(self, length: int) -> None:
        """Wait until these bytes were due."""
        if self._limit:
            self._due = max(self._due, time.monotonic() - 1) + length / self._limit
            self._sleep(max(0.0, self._due - time.monotonic()))


def due(*, since: datetime | None = None, sample: int | None = None) -> QuerySet[Pack]:
    """Packs to audit: those not checked since a moment (else all), longest unchecked first; or a random sample.

    A reading that failed for a passing reason does not count as a check.
    """
    counted = Max("fixity_checks__ended_at", filter=~Q(fixity_checks__outcome=Outcome.UNREADABLE))
    packs = Pack.objects.in_storage().annotate(checked_at=counted)
    if since is not None:
        packs = packs.filter(Q(checked_at=None) | Q(checked_at__lt=since))
    if sample is not None:
        return packs.order_by("?")[:sample]
    return packs.order_by(F("checked_at").asc(nulls_first=True), "id")


def audit(
    packs: QuerySet[Pack],
    primary: Storage,
    replica: Storage | None = None,
    *,
    thorough: bool = False,
    rate: Rate | None = None,
) -> Iterator[FixityCheck]:
    """Check packs one after the other; each is recorded at once, so an audit can be stopped and taken up again."""
    for number in list(packs.values_list("id", flat=True)):
        pack = Pack.objects.in_storage().filter(id=number).first()
        record = check(pack, primary, replica, thorough=thorough, rate=rate or Rate()) if pack else None
        if record is not None:
            yield record


def check(
    pack: Pack, primary: Storage, replica: Storage | None, *, thorough: bool, rate: Rate
) -> FixityCheck | None:
    """Check one pack, repair it from the replica if need be and possible, and record what was found.

    None for one that was replaced meanwhile: its file was free to go.
    """
    started = datetime.now(UTC)
    found = _examine(pack, primary, thorough, rate)
    if found.outcome in (Outcome.DAMAGED, Outcome.MISSING) and replica is not None and _is_in_use(pack):
        found = _repair(pack, primary, replica, found)
    return _record(pack, found, started, thorough)


def _is_in_use(pack: Pack) -> bool:
    return Pack.objects.in_storage().filter(id=pack.id).exists()


def _examine(pack: Pack, storage: Storage, thorough: bool, rate: Rate) -> Finding:
    try:
        with closing(storage.open(pack.name)) as file:
            digest = _digest(file, rate)
            if digest != pack.name:
                # Once more, past the cache: what a fault on the way spoilt is not damage.
                digest = _digest(file, rate)
            if digest == pack.name and not thorough:
                return Finding(Outcome.SOUND, file.size)
            return _inspect(pack, file, digest == pack.name)
    except PackMissing as error:
        return Finding(Outcome.MISSING, 0, str(error), _swhids(_objects(pack)))
    except Unreadable as error:
        return Finding(Outcome.UNREADABLE, 0, str(error))


def _digest(file: PackFile, rate: Rate) -> str:
    digest = hashlib.sha256()
    forget = getattr(file, "forget_cache", None)
    if forget is not None:
        forget()
    for offset in range(0, file.size, _STEP):
        block = file.read(offset, _STEP)
        digest.update(block)
        rate.spend(len(block))
    return digest.hexdigest()


def _inspect(pack: Pack, file: PackFile, intact: bool) -> Finding:
    """Hash every object again and compare with the index."""
    whole: set[bytes] = set()
    gaps: list[Gap] = []
    for one in salvage(file):
        if isinstance(one, Gap):
            gaps.append(one)
        elif one.name.startswith("swh:"):
            whole.add(one.swhid.hash)
    lost = [swhid for swhid in _objects(pack) if swhid.hash not in whole]
    if intact and not gaps and not lost:
        return Finding(Outcome.SOUND, file.size)
    places = "; ".join(f"bytes {gap.offset} to {gap.offset + gap.length}: {gap.reason}" for gap in gaps[:20])
    detail = f"{len(lost)} objects are lost. {places or 'No object has a byte in the damage'}."
    return Finding(Outcome.DAMAGED, file.size, detail, _swhids(lost))


_OBJECTS = """
SELECT kind, sha1_git FROM archive_object JOIN (
    SELECT id FROM archive_pack WHERE id = %(pack)s OR replaced_by_id = %(pack)s
) pack ON pack.id = pack_id
WHERE pack_id = %(pack)s OR pack_id BETWEEN
    (SELECT min(id) FROM archive_pack WHERE replaced_by_id = %(pack)s)
    AND (SELECT max(id) FROM archive_pack WHERE replaced_by_id = %(pack)s)
ORDER BY sha1_git
"""


def _objects(pack: Pack) -> list[SWHID]:
    """What the index has in a pack, and in those that were merged into it."""
    with transaction.atomic(), connection.cursor() as cursor:
        # PostgreSQL would look through the index by pack anew for each of the thousands that were merged into one.
        cursor.execute("SET LOCAL enable_nestloop = off")
        cursor.execute(_OBJECTS, {"pack": pack.id})
        found = [SWHID(TYPES[kind], bytes(sha1_git)) for kind, sha1_git in cursor.fetchall()]
        cursor.execute("SET LOCAL enable_nestloop = on")
    return found


def _swhids(objects: list[SWHID]) -> list[str]:
    return [str(swhid) for swhid in objects[:_MOST_LISTED]]


def _repair(pack: Pack, primary: Storage, replica: Storage, found: Finding) -> Finding:
    try:
        size = copy_pack(replica, primary, pack.name)
    except (Damaged, Unreadable, OSError) as error:
        found.detail += f" It could not be repaired: {error}"
        return found
    return Finding(
        Outcome.REPAIRED, found.read + size, f"It was {found.outcome.label}. {found.detail}", found.lost
    )


def _record(pack: Pack, found: Finding, started: datetime, thorough: bool) -> FixityCheck | None:
    """Write the check down; tell the operators when a pack turns from sound to damaged, and not again."""
    with transaction.atomic():
        pack = Pack.objects.select_for_update().get(id=pack.id)
        if pack.replaced_by_id is not None:
            return None
        was_damaged = pack.damaged_at is not None
        if found.outcome in (Outcome.SOUND, Outcome.REPAIRED):
            pack.damaged_at = None
        elif found.outcome in (Outcome.DAMAGED, Outcome.MISSING) and not was_damaged:
            pack.damaged_at = datetime.now(UTC)
            # What is archived again from now on stays in it, too.
            pack.copies = None
            transaction.on_commit(lambda: _notify_admins(pack, found))
        pack.save(update_fields=["damaged_at", "copies"])
        record = FixityCheck.objects.create(
            pack=pack,
            read=found.read,
            started_at=started,
            thorough=thorough,
            outcome=found.outcome,
            detail=found.detail,
            lost=found.lost,
        )
    level = logging.INFO if found.outcome is Outcome.SOUND else logging.WARNING
    log.log(level, "fixity pack=%s outcome=%s read=%d %s", pack.name, found.outcome, found.read, found.detail)
    return record


def _notify_admins(pack: Pack, found: Finding) -> None:
    mail_admins(
        f"Pack {pack.name[:12]} is {found.outcome.label}",
        f"Pack {pack.name} is {found.outcome.label}. {found.detail}\n\n"
        "Its objects count as unknown until it is repaired, so that a new deposit of them brings them back.\n"
        "`manage.py archive audit --all` repairs it when a replica (ARCHIVE_REPLICA) holds a sound copy.\n\n"
        + "\n".join(found.lost[:100]),
        fail_silently=True,
    )
