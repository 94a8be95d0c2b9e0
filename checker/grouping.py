"""Checking small deposits that wait together: claimed at once, examined one after the other, judged in one transaction.

The packages of one client are read by one confined reader; what is not plainly whole is read again by one of its own.
What is not plainly accepted (rejected, held for a word of its depositor, numbered as a version) is judged by itself.
When something goes wrong with one of them, or the group takes long, those that were examined are judged, and the others
go alone, each with an attempt behind it.
"""

import logging
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace

from django.db import Error, connection, transaction

from checker.checking import Examined, check, conclude, examine, replace_findings
from checker.profile_findings import Told
from deposit.group_events import fire_together, start_together
from deposit.intake.limits import reading_of
from deposit.lifecycle import Work
from deposit.metadata.package_files import WANTED
from deposit.metadata.packaging import Packaging
from deposit.models import Deposit, EventName, Part, PartKind
from deposit.queue import groups, items
from deposit.queue.claims import Claim, LeaseLost, PutOff
from deposit.queue.leases import Lease, kept_together
from deposit.queue.messages import SMALL_BYTES
from deposit.services import confirmation
from deposit.services.work import LIGHT_SECONDS
from deposit.staging.storage import local_file
from packages import Limits
from packages.sandbox import Whole, validate_several

logger = logging.getLogger(__name__)

# Packages that are read together share these: with more members, or more work, each has a reader of its own.
_MEMBERS, _SECONDS = 2_000, 5
# What is proven as a bag, or taken as it is.
_OF_THEIR_OWN = (Packaging.BAGIT, Packaging.BINARY)
_FIT = """
SELECT item.key FROM deposit_workitem item JOIN deposit_deposit deposit ON deposit.id = item.deposit_id
JOIN deposit_collection collection ON collection.id = deposit.collection_id
WHERE item.kind = 'check' AND item.key = ANY(%s) AND NOT item.heavy AND item.attempts = 0
    AND deposit.profile = '' AND collection.profile = ''
    AND (SELECT sum(size) FROM deposit_part WHERE deposit_id = deposit.id AND kind = 'package') <= %s
"""


@dataclass(frozen=True, slots=True)
class _Checked:
    claim: Claim
    deposit: Deposit
    parts: Sequence[Part]
    examined: Examined
    told: Told

    @property
    def is_plain(self) -> bool:
        """Whether all there is to write of it is that it is accepted, and its findings."""
        return not (
            self.examined.is_rejected
            or self.told.identifier
            or self.deposit.external_id
            or any(part.digest_pending for part in self.parts)
            or confirmation.must_wait(self.deposit, self.examined.findings)
        )


def check_together(keys: Sequence[str], *, worker: str) -> None:
    """Check the deposits of these numbers that wait for it; twice, late or in vain does no harm."""
    with connection.cursor() as cursor:
        cursor.execute(_FIT, [list(keys), SMALL_BYTES])
        fit = {key for (key,) in cursor.fetchall()}
    if len(fit) < len(keys):
        groups.pass_over(Work.CHECK, [key for key in keys if key not in fit])
    chosen = [key for key in keys if key in fit]
    if len(chosen) == 1:
        check(int(chosen[0]), worker=worker)
    elif chosen:
        claims = groups.claim_together(
            Work.CHECK,
            chosen,
            worker=worker,
            taken=lambda claims: start_together(Work.CHECK, claims),
        )
        if claims:
            _check(claims)


def _check(claims: Sequence[Claim]) -> None:
    checked: list[_Checked] = []
    judged: set[int] = set()
    try:
        with kept_together(claims[0], claims[1:]) as lease:
            try:
                _examine(claims, lease, checked)
            except PutOff:
                logger.warning("%s and %s more take long: they go alone", claims[0], len(claims) - 1)
            _conclude(checked, judged)
    except LeaseLost as lost:
        logger.warning("%s and %s more dropped: %s", claims[0], len(claims) - 1, lost)
    except Exception as error:  # noqa: BLE001 (whatever it is: alone it shows whose it is)
        logger.warning("of %s and %s more some go alone: %s", claims[0], len(claims) - 1, error)
    left = [claim for claim in claims if claim.id not in judged]
    # Without a database the leases pass by themselves.
    with suppress(Error):
        items.let_go(left)


def _examine(claims: Sequence[Claim], lease: Lease, checked: list[_Checked]) -> None:
    numbers = [claim.deposit_id for claim in claims]
    deposits = Deposit.objects.select_related("client__user", "collection").in_bulk(numbers)
    parts: defaultdict[int, list[Part]] = defaultdict(list)
    for part in Part.objects.filter(deposit__in=numbers).order_by("id"):
        part.deposit = deposits[part.deposit_id]
        parts[part.deposit_id].append(part)
    begun = time.monotonic()
    whole = _read(deposits.values(), parts, lease)
    for claim in claims:
        if time.monotonic() - begun > LIGHT_SECONDS / 2:
            return
        deposit, own, told = deposits[claim.deposit_id], parts[claim.deposit_id], Told()
        try:
            examined = examine(
                deposit, lease, told, claim=claim, parts=own, whole=whole.get(claim.deposit_id)
            )
        except LeaseLost:
            raise
        except Exception as error:  # noqa: BLE001 (it goes alone, and shows it again)
            logger.warning("deposit=%s goes alone: %s", claim.deposit_id, error)
            continue
        checked.append(_Checked(claim, deposit, own, examined, told))


def _read(deposits: Iterable[Deposit], parts: Mapping[int, Sequence[Part]], lease: Lease) -> dict[int, Whole]:
    """The only packages of deposits, as far as they are whole, read together client by client. Raises `LeaseLost`."""
    batches: defaultdict[tuple[int, Limits], list[tuple[int, str]]] = defaultdict(list)
    for deposit in deposits:
        packages = [part for part in parts[deposit.pk] if part.kind == PartKind.PACKAGE]
        if len(packages) == 1 and packages[0].packaging not in _OF_THEIR_OWN and packages[0].stored_as:
            limits = replace(reading_of(deposit), members=_MEMBERS, seconds=_SECONDS)
            batches[deposit.client_id, limits].append((deposit.pk, packages[0].stored_as))
    found: dict[int, Whole] = {}
    for (_, limits), batch in batches.items():
        if len(batch) > 1:
            with ExitStack() as held:
                paths = [held.enter_context(local_file(name, alive=lease.check)) for _, name in batch]
                read = validate_several(paths, limits, alive=lease.check, wanted=WANTED)
            found |= {number: whole for (number, _), whole in zip(batch, read, strict=True) if whole}
    return found


def _conclude(checked: Sequence[_Checked], judged: set[int]) -> None:
    plain = [each for each in checked if each.is_plain]
    if plain:
        with transaction.atomic():
            fire_together(
                EventName.VERIFY,
                [each.claim for each in plain],
                details=[{"findings": len(each.examined.findings)} for each in plain],
                changes=[{"directory_swhid": each.examined.directory_swhid} for each in plain],
            )
            replace_findings({each.claim.deposit_id: each.examined.findings for each in plain})
        judged.update(each.claim.id for each in plain)
    for each in checked:
        if each.claim.id not in judged:
            conclude(
                each.claim, each.examined, worker=each.claim.worker, deposit=each.deposit, told=each.told
            )
            judged.add(each.claim.id)
