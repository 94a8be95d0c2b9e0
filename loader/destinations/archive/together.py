"""Small deposits that wait together are archived together: one pack, one sync, one merge into the index.

Only deposits that come to the archive for the first time, of different origins, and to no other destination
(`loader.grouping` chooses them). What goes wrong with one of them ends the load of all, and nothing of it stays; each
is then loaded by itself.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

from django.conf import settings
from django.db import Error, connection, transaction

from archive.identifiers import SWHID
from archive.ingest import Ingest
from archive.tree import Tree
from deposit.intake.limits import reading_of
from deposit.metadata.entry import Entry, read_entry
from deposit.models import AdvisoryLock, Deposit, Part, PartKind, Status
from deposit.permissions import ARCHIVED, NOT_ERASED
from deposit.queue.leases import Lease
from loader.destinations.archive.known import known_root
from loader.destinations.archive.loading import (
    add_metadata,
    identifiers,
    ingest_part,
    require_the_same,
)
from loader.destinations.archive.releases import release_of, snapshot_of


@dataclass(slots=True)
class _Parts:
    """What a deposit brought."""

    packages: list[Part] = field(default_factory=list)
    entry: Entry | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """What the record says of all of them, asked for at once."""

    parts: Mapping[int, _Parts]
    # First packages that a deposit in the archive has had, too.
    seen: frozenset[str]
    # Origin -> version -> release.
    releases: Mapping[str, Mapping[str, SWHID]]


def archive_together(
    deposits: Sequence[Deposit],
    lease: Lease,
    finish: Callable[[Sequence[tuple[Deposit, Mapping[str, str]]]], None],
) -> None:
    """Archive all of them or none; ``finish`` records them in the transaction that makes them visible.

    Whoever calls holds the locks of their origins (`alone_on_origins`). Raises what `loading.archive` raises.
    """
    known = _known(deposits)
    results: list[dict[str, str]] = []
    visits: list[tuple[str, bytes]] = []
    with Ingest() as ingest:
        for deposit in deposits:
            root, release, snapshot = _add(ingest, deposit, known, lease)
            results.append(identifiers(deposit, root=root, release=release, snapshot=snapshot))
            visits.append((str(deposit.origin_url), snapshot))
        now = datetime.now(UTC)
        for origin, snapshot in visits:
            ingest.add_visit(origin, snapshot=snapshot, date=now)
        ingest.seal()
        lease.check()
        with transaction.atomic():
            ingest.publish()
            finish(list(zip(deposits, results, strict=True)))


def _add(ingest: Ingest, deposit: Deposit, known: Known, lease: Lease) -> tuple[bytes, bytes, bytes]:
    parts = known.parts[deposit.pk]
    entry = parts.entry
    root = (known_root(deposit) if parts.packages[0].sha256 in known.seen else None) or _packages(
        ingest, deposit, parts.packages, lease
    )
    require_the_same(deposit, root)
    release = ingest.add_release(
        release_of(
            deposit,
            root=root,
            author=settings.RELEASE_AUTHOR,
            date=entry.author_date if entry else None,
            notes=entry.release_notes if entry else None,
        )
    )
    others = known.releases.get(str(deposit.origin_url), {})
    snapshot = ingest.add_snapshot(snapshot_of(deposit, release, others))
    if entry:
        add_metadata(ingest, deposit, entry, root=root, release=release, snapshot=snapshot)
    return root, release, snapshot


def _packages(ingest: Ingest, deposit: Deposit, packages: Sequence[Part], lease: Lease) -> bytes:
    tree = Tree()
    limits = reading_of(deposit)
    for part in packages:
        ingest_part(ingest, tree, part, lease, limits)
    return ingest.add_tree(tree)


def _known(deposits: Sequence[Deposit]) -> Known:
    parts: dict[int, _Parts] = {deposit.pk: _Parts() for deposit in deposits}
    for part in Part.objects.filter(deposit__in=list(parts)).order_by("id"):
        if part.kind == PartKind.PACKAGE:
            parts[part.deposit_id].packages.append(part)
        elif part.document is not None:
            parts[part.deposit_id].entry = read_entry(bytes(part.document))  # the newest counts
    first = [one.packages[0].sha256 for one in parts.values() if one.packages]
    seen = Part.objects.filter(sha256__in=first, kind=PartKind.PACKAGE, deposit__status=Status.DONE)
    return Known(
        parts=parts,
        seen=frozenset(seen.values_list("sha256", flat=True)),
        releases=_releases([str(deposit.origin_url) for deposit in deposits]),
    )


def _releases(origins: Sequence[str]) -> Mapping[str, Mapping[str, SWHID]]:
    """As `releases.loaded_releases` tells of one deposit, of all these origins."""
    found: dict[str, dict[str, SWHID]] = defaultdict(dict)
    rows = (
        Deposit.objects.filter(ARCHIVED, NOT_ERASED, origin_url__in=origins, release_swhid__isnull=False)
        .order_by("complete_date", "id")
        .values_list("origin_url", "software_version", "release_swhid")
    )
    for origin, version, release in rows:
        found[str(origin)][version or "1"] = SWHID.parse(release or "")
    return found


@contextmanager
def alone_on_origins(urls: Sequence[str]) -> Iterator[frozenset[str]]:
    """Hold the locks of those origins that nobody has; it waits for none, so that groups cannot wait in a circle."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT url FROM unnest(%s) AS url WHERE pg_try_advisory_lock(%s, hashtext(url))",
            [list(urls), AdvisoryLock.ORIGIN],
        )
        held = frozenset(url for (url,) in cursor.fetchall())
    try:
        yield held
    finally:
        with suppress(Error), connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_advisory_unlock(%s, hashtext(url)) FROM unnest(%s) AS url",
                [AdvisoryLock.ORIGIN, list(held)],
            )
