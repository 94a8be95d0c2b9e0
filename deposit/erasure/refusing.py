"""Packages that hold what was erased: they are refused before anything of them is archived."""

from collections.abc import Callable, Collection, Sequence

from archive.models import ErasedObject
from deposit.findings import Area, Finding


def erased_objects() -> Callable[[Collection[bytes]], Collection[bytes]] | None:
    """What tells which of some identifiers were erased; None where nothing ever was. One query."""
    return _among if ErasedObject.objects.exists() else None


def _among(identifiers: Collection[bytes]) -> Collection[bytes]:
    found = ErasedObject.objects.filter(sha1_git__in=list(identifiers))
    return {bytes(one) for one in found.values_list("sha1_git", flat=True)}


def erased_finding(paths: Sequence[bytes]) -> Finding:
    """What the depositor is told: which of its files, and what to do. A folder as such has no path here."""
    files = [path.decode(errors="replace") for path in paths if path]
    first = files[0] if files else ""
    if not files:
        what = "A folder of this package is the same as one that was erased from the archive"
    elif len(files) == 1:
        what = f"The file {first!r} was erased from the archive"
    else:
        what = f"The file {first!r} and {len(files) - 1} more were erased from the archive"
    return Finding(
        code="package.erased",
        area=Area.ARCHIVE,
        subject=first,
        message=f"{what}, for a reason of law or privacy, and cannot be archived again. Take it out and deposit "
        "the rest anew. If you think that this is a mistake, ask the curators of the collection.",
    )
