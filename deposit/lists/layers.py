"""Of what a version of a package consists: a shallow update has metadata only, its files are in earlier versions."""

from archive.errors import NotFound
from archive.identifiers import SWHID
from archive.retrieval import directory_page
from deposit.lists.packages import version_number
from deposit.models import Deposit, Status

# What a shallow update has at its top, and nothing else.
_METADATA = b"metadata"


def layers_of(deposit: Deposit) -> list[SWHID]:
    """The directories of a stored deposit, to be laid over each other, the uppermost first.

    One for a deposit with files; for a shallow update also those of the versions before it, down to the newest that
    has files. Empty where this archive does not have them.
    """
    layers: list[SWHID] = []
    for version in [deposit, *_before(deposit)]:
        root = _root(version)
        names = _names(root)
        if root is None or names is None:
            break
        layers.append(root)
        if names != [_METADATA]:
            return layers
    return layers[:1]


def _before(deposit: Deposit) -> list[Deposit]:
    """The stored versions before this one, the newest first."""
    number = version_number(deposit)
    if number is None:
        return []
    same = Deposit.objects.filter(
        package_version__external_id=deposit.external_id,
        package_version__collection=deposit.collection_id,
        package_version__number__lt=number,
        status=Status.DONE,
        withdrawal__isnull=True,
    )
    return list(same.order_by("-package_version__number")[:100])


def _root(deposit: Deposit) -> SWHID | None:
    return SWHID.parse(deposit.swhid) if deposit.swhid else None


def _names(root: SWHID | None) -> list[bytes] | None:
    """The first names at the top of a directory; None where the archive does not have it."""
    try:
        return [entry.name for entry in directory_page(root.hash, most=2).entries] if root else None
    except NotFound:
        return None
