"""Which objects of the archive go with a deposit: what it brought, less what others lead to as well."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.db.models import Q

from archive import retrieval
from archive.errors import ArchiveError
from archive.identifiers import SWHID, ObjectType, origin_id
from archive.objects import Metadata
from archive.reachability import Leaving, leaving
from deposit.metadata.entry import read_entry
from deposit.metadata.errors import MetadataError
from deposit.metadata.reference import OriginReference
from deposit.models import Deposit, DepositType, Identifier, Part
from deposit.permissions import NOT_ERASED

# What `loader.destinations.archive.extrinsic` writes on each document: which deposit brought it.
_ABOUT_DEPOSIT = "xml-deposit-info"


@contextmanager
def leaving_with(deposit: Deposit, named: Sequence[str]) -> Iterator[Leaving]:
    """What goes of a deposit: ``named`` SWHIDs, whoever else holds them; or, without any, all that only it brought.

    What other deposits brought, too, stays. Within a transaction.
    """
    with leaving() as found:
        if named:
            found.name(SWHID.parse(one).hash for one in named)
            found.gather()
            found.settle(also_named=False)
        else:
            own = known_by(deposit)
            found.name([one.hash for one in own] + [one.hash for one in documents_of(deposit)])
            found.gather()
            found.keep(one.hash for one in own & _known_by_others(deposit, own))
            found.settle(also_named=True)
        yield found


def known_by(deposit: Deposit) -> set[SWHID]:
    """The directory, the releases and the snapshots that a deposit is or was known by."""
    texts = set(
        Identifier.objects.filter(deposit=deposit, scheme__startswith="swhid-").values_list(
            "value", flat=True
        )
    )
    texts |= {
        text for text in (deposit.swhid, deposit.release_swhid, deposit.snapshot_swhid) if text is not None
    }
    return {SWHID.parse(text) for text in texts}


def _known_by_others(deposit: Deposit, own: set[SWHID]) -> set[SWHID]:
    """Which of these another deposit is known by that is not erased."""
    texts = [str(one) for one in own]
    others = Deposit.objects.filter(NOT_ERASED).exclude(pk=deposit.pk)
    directories = [str(one) for one in own if one.type is ObjectType.DIRECTORY]
    # By the indexes on the directory and on the origin.
    told = others.filter(Q(swhid__in=directories) | Q(origin_url=deposit.origin_url))
    found: set[str | None] = set()
    for column in ("swhid", "release_swhid", "snapshot_swhid"):
        found |= set(told.filter(**{f"{column}__in": texts}).order_by().values_list(column, flat=True))
    rows = Identifier.objects.filter(value__in=texts, deposit__in=others).exclude(deposit=deposit)
    found |= set(rows.order_by().values_list("value", flat=True))
    return {SWHID.parse(text) for text in found if text}


def documents_of(deposit: Deposit) -> list[SWHID]:
    """The metadata documents in the archive that a deposit brought, and the records of that."""
    mark = f"<deposit_id>{deposit.pk}</deposit_id>".encode()
    found = []
    for target in _targets(deposit):
        for document in _about(target):
            swhid = SWHID(ObjectType.METADATA, document.id)
            for info in _about(swhid):
                if info.format == _ABOUT_DEPOSIT and mark in info.document:
                    found += [swhid, SWHID(ObjectType.METADATA, info.id)]
    return found


def _targets(deposit: Deposit) -> list[SWHID]:
    """What its documents are about: its directory, or for one without a package what its entries refer to."""
    targets = {one for one in known_by(deposit) if one.type is ObjectType.DIRECTORY}
    if deposit.type == DepositType.META:
        documents = Part.objects.filter(deposit=deposit, document__isnull=False)
        for document in documents.values_list("document", flat=True):
            targets |= _referred_to(bytes(document or b""))
    return sorted(targets, key=str)


def _referred_to(document: bytes) -> set[SWHID]:
    try:
        reference = read_entry(document).reference
    except MetadataError:
        return set()
    if reference is None:
        return set()
    if isinstance(reference, OriginReference):
        return {SWHID(ObjectType.ORIGIN, origin_id(reference.url))}
    return {reference.swhid.core}


def _about(target: SWHID) -> list[Metadata]:
    try:
        return retrieval.metadata_of(target)
    except ArchiveError:
        # Of a damaged pack: what cannot be read can be told of nobody.
        return []
