"""The plan of an erasure, made before it is decided: what goes, what stays and why, and which copies lie elsewhere.

A plan stays for ever with its request: it holds identifiers, counts and places, never content.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from django.db.models import Count, Sum

from archive.identifiers import SWHID, ObjectType
from archive.reachability import Count as Counted
from archive.reachability import Summary
from archive.retrieval import parents_of
from deposit.erasure.copies import copies_of
from deposit.erasure.objects import known_by, leaving_with
from deposit.models import Deposit, Part, PartKind
from deposit.permissions import NOT_ERASED

# Of deposits that share something with what goes, so many are named.
_SHARING = 20
_LEVELS = 200

KIND_NAMES = {
    ObjectType.CONTENT: "files",
    ObjectType.DIRECTORY: "directories",
    ObjectType.RELEASE: "releases",
    ObjectType.SNAPSHOT: "snapshots",
    ObjectType.METADATA: "documents",
}


def make_plan(deposit: Deposit, named: Sequence[str]) -> dict[str, Any]:
    """What would go if a deposit, or some objects of it, were erased now; JSON. Raises what reading raises."""
    with leaving_with(deposit, named) as leaving:
        summary = leaving.summary()
    return {
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "objects": [str(one) for one in named],
        "goes": _counts(summary.goes),
        "stays": _counts(summary.stays),
        "examples": [str(one) for one in summary.going],
        "packs": {"number": summary.packs, "bytes": summary.pack_bytes},
        "shared_with": _sharing(deposit, summary, named),
        "staged": _staged(deposit),
        "copies": copies_of(deposit),
    }


def _counts(found: dict[ObjectType, Counted]) -> dict[str, int]:
    """How many of each kind, and bytes of all before compression."""
    counts = {name: found[kind].objects for kind, name in KIND_NAMES.items() if kind in found}
    return {**counts, "bytes": sum(one.size for one in found.values())}


def _staged(deposit: Deposit) -> dict[str, int]:
    """The packages and documents that are kept as they were sent."""
    rows = Part.objects.filter(deposit=deposit).exclude(kind=PartKind.PENDING)
    found = rows.values("kind").order_by().annotate(number=Count("pk"), size=Sum("size"))
    counted: dict[str, dict[str, Any]] = {row["kind"]: dict(row) for row in found}
    packages, documents = counted.get("package", {}), counted.get("metadata", {})
    return {
        "packages": packages.get("number", 0),
        "documents": documents.get("number", 0),
        "bytes": (packages.get("size") or 0) + (documents.get("size") or 0),
    }


def _sharing(deposit: Deposit, summary: Summary, named: Sequence[str]) -> list[int]:
    """Deposits that hold what stays; or, where objects are named, that lose them, too. The first of them."""
    texts = [SWHID.parse(one) for one in named] or [*summary.staying, *known_by(deposit)]
    found: set[int] = set()
    level = {one.hash for one in texts}
    met: set[bytes] = set()
    others = Deposit.objects.filter(NOT_ERASED).exclude(pk=deposit.pk)
    for _ in range(_LEVELS):
        roots = [str(SWHID(ObjectType.DIRECTORY, one)) for one in level]
        rows = others.filter(swhid__in=roots).order_by("id").values_list("pk", flat=True)
        found |= set(rows[:_SHARING])
        met |= level
        level = {parent for _child, parent in parents_of(level, _SHARING * 50)} - met if level else set()
        if not level or len(found) >= _SHARING:
            break
    return sorted(found)[:_SHARING]
