"""A package that the archive has as a whole: its directory is taken from the record instead of being read again.

The record is trusted for what it is: the bytes of a part were hashed when they came (or by the checks), and equal
bytes, read the same way, make equal directories. The archive is not trusted to have kept them: everything below the
directory is looked for in the index, so that what is damaged or missing is brought back by an ordinary load.
"""

from archive import index
from archive.identifiers import SWHID, ObjectType
from deposit.metadata.packaging import Packaging
from deposit.models import Deposit, Part, PartKind, Status

# Of the deposits that had the same first package, how many of the newest are compared.
_CANDIDATES = 10

# What the directory is made of: each package's SHA-256, and the name of one that is a file in the directory itself.
Made = list[tuple[str, str | None]]


def known_root(deposit: Deposit) -> bytes | None:
    """The root directory (20 bytes) of an earlier deposit of the same packages, if the archive has all of it."""
    made = _made_of([deposit.pk]).get(deposit.pk)
    if made is None:
        return None
    same = Part.objects.filter(
        sha256=made[0][0],
        kind=PartKind.PACKAGE,
        deposit__status=Status.DONE,
        deposit__swhid__isnull=False,
        deposit__name_encoding=deposit.name_encoding,
        deposit__strip_top_folder=deposit.strip_top_folder,
    )
    if deposit.directory_swhid:
        # An earlier version of the readers may have seen another directory in the same bytes.
        same = same.filter(deposit__swhid=deposit.directory_swhid)
    candidates = list(same.order_by("-deposit_id").values_list("deposit_id", "deposit__swhid")[:_CANDIDATES])
    others = _made_of([pk for pk, _ in candidates])
    for swhid in dict.fromkeys(swhid for pk, swhid in candidates if others.get(pk) == made):
        root = SWHID.parse(swhid or "")
        if root.type is ObjectType.DIRECTORY and index.has_whole_directory(root.hash):
            return root.hash
    return None


def _made_of(deposits: list[int]) -> dict[int, Made]:
    """What each deposit's directory is made of, in the order in which packages are laid over each other."""
    made: dict[int, Made] = {}
    unproven: set[int] = set()
    parts = Part.objects.filter(deposit__in=deposits, kind=PartKind.PACKAGE).order_by("id")
    for part in parts.only("deposit_id", "sha256", "packaging", "name", "digest_pending"):
        name = part.name if part.packaging == Packaging.BINARY else None
        made.setdefault(part.deposit_id, []).append((part.sha256, name))
        if part.digest_pending:
            unproven.add(part.deposit_id)
    return {pk: one for pk, one in made.items() if pk not in unproven}
