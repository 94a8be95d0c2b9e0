"""What an accepted package says it is: its external identifier, its version, and the collection of tests."""

from django.db import connection
from django.db.models import Max

from deposit.models import Collection, Deposit, PackageVersion
from deposit.models.versions import LONGEST_EXTERNAL_ID

# The first half of the key of the advisory lock under which the versions of one package are numbered.
_NUMBERING = 0x5E4D_0019


def identify(deposit: Deposit, *, identifier: str, collection: str = "") -> None:
    """Give an accepted deposit its external identifier and its version; in the transaction of the verdict.

    ``identifier``: what its package says, or "" when the client's own (the Slug) counts. ``collection``: the name of
    the collection that it goes to instead; one that is not there is no reason to lose a deposit, and changes nothing.
    """
    changes: dict[str, object] = {}
    if identifier:
        changes["external_id"] = identifier
    if collection and (other := Collection.objects.filter(name=collection).first()):
        changes["collection"] = other
    if changes:
        Deposit.objects.filter(pk=deposit.pk).update(**changes)
    number_version(
        deposit.pk,
        external_id=identifier or deposit.external_id or "",
        collection_id=getattr(changes.get("collection"), "pk", deposit.collection_id),
    )


def number_version(deposit_id: int, *, external_id: str, collection_id: int) -> None:
    """Make a deposit the next version of its package, unless it is one already (a recheck)."""
    if not 0 < len(external_id) <= LONGEST_EXTERNAL_ID:
        return
    if PackageVersion.objects.filter(deposit=deposit_id).exists():
        return
    with connection.cursor() as cursor:
        # Two at once: the second waits, and counts the first.
        cursor.execute(
            "SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [_NUMBERING, f"{collection_id} {external_id}"]
        )
    earlier = PackageVersion.objects.filter(external_id=external_id, collection=collection_id)
    newest = earlier.aggregate(newest=Max("number"))["newest"] or 0
    PackageVersion.objects.create(
        deposit_id=deposit_id, external_id=external_id, collection_id=collection_id, number=newest + 1
    )
