"""The release of a deposit and the snapshot of its origin, by swh-deposit's rules.

Differences, each a mended fault: only deposits that are loaded are branches of the snapshot; earlier versions are
taken from the record instead of being loaded again; the identifiers reported are the deposit's own, and the same
deposit keeps them when it is loaded again.
"""

import re
from collections.abc import Mapping
from datetime import datetime

from looseversion import LooseVersion2

from archive.errors import ArchiveError
from archive.identifiers import SWHID, ObjectType
from archive.objects import Alias, Release, Snapshot, Timestamp
from archive.retrieval import release, snapshot, visits
from deposit.models import Deposit
from deposit.permissions import ARCHIVED, NOT_ERASED


def release_of(
    deposit: Deposit, *, root: bytes, author: str, date: datetime | None, notes: str | None
) -> Release:
    """The release that points at a deposit's root directory; ``date`` is aware, the completion's when None."""
    client, collection = deposit.client.user.get_username(), deposit.collection.name
    message = f"{client}: Deposit {deposit.pk} in collection {collection}"
    if notes:
        message += f"\n\n{notes}"
    if not message.endswith("\n"):
        message += "\n"
    moment = date or deposit.complete_date
    assert moment is not None
    return Release(
        name=_version(deposit).encode(),
        target=SWHID(ObjectType.DIRECTORY, root),
        message=message.encode(),
        author=author.encode(),
        date=Timestamp.of(moment),
    )


def _version(deposit: Deposit) -> str:
    return deposit.software_version or "1"


def loaded_releases(deposit: Deposit) -> dict[str, SWHID]:
    """Version -> release of the other deposits of the origin that are in the archive, the newest of each version."""
    rows = (
        Deposit.objects.filter(
            ARCHIVED, NOT_ERASED, origin_url=deposit.origin_url, release_swhid__isnull=False
        )
        .exclude(pk=deposit.pk)
        .order_by("complete_date", "id")
        .values_list("software_version", "release_swhid")
    )
    return {version or "1": SWHID.parse(release or "") for version, release in rows}


def snapshot_of(deposit: Deposit, own: bytes, others: Mapping[str, SWHID] | None = None) -> Snapshot:
    """The snapshot of a deposit's origin once its release is loaded: a branch per version, HEAD the highest.

    ``others``: what `loaded_releases` tells, where that is known already.
    """
    releases = dict(loaded_releases(deposit) if others is None else others)
    releases[_version(deposit)] = SWHID(ObjectType.RELEASE, own)
    branches: dict[bytes, SWHID | Alias | None] = {}
    name = b""
    for version in sorted(releases, key=LooseVersion2):
        name = _unused(branch_name(version), branches)
        branches[name] = releases[version]
    branches[b"HEAD"] = Alias(name)
    return Snapshot(branches)


def kept_release(deposit: Deposit, root: bytes) -> bytes | None:
    """The release that the deposit has from an earlier load, if it is in the archive and still tells the truth.

    It was handed out, so the same deposit keeps it, also when its metadata were updated since.
    """
    if not deposit.release_swhid:
        return None
    identifier = SWHID.parse(deposit.release_swhid).hash
    try:
        target = release(identifier).target
    except ArchiveError:  # not there, or damaged: it is made again
        return None
    return identifier if target == SWHID(ObjectType.DIRECTORY, root) else None


def kept_snapshot(deposit: Deposit, kept: bytes) -> bytes | None:
    """The snapshot that the deposit has from an earlier load, if it is in the archive and has this release.

    That other versions came to the origin since is told by their own, later snapshots.
    """
    if not deposit.snapshot_swhid:
        return None
    identifier = SWHID.parse(deposit.snapshot_swhid).hash
    try:
        branches = snapshot(identifier).branches
    except ArchiveError:
        return None
    return identifier if SWHID(ObjectType.RELEASE, kept) in branches.values() else None


def is_visited(origin: str, snapshot_id: bytes) -> bool:
    """Whether the archive has a visit of the origin with this snapshot."""
    return any(bytes(visit.snapshot) == snapshot_id for visit in visits(origin))


def branch_name(version: str) -> bytes:
    """``deposit/`` and the version in lower case, without what a branch name should not hold."""
    kept = re.sub(r"[^\w\s.-]", "", version.lower())
    return b"deposit/" + re.sub(r"[-\s]+", "-", kept).strip("-_.").encode()


def _unused(name: bytes, branches: dict[bytes, SWHID | Alias | None]) -> bytes:
    candidate, number = name, 0
    while candidate in branches:
        number += 1
        candidate = b"%s/%d" % (name, number)
    return candidate
