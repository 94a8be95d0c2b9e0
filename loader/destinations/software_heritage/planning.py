"""What a deposit is at Software Heritage: its directory, its release, and the snapshot of its origin."""

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from archive import retrieval
from archive.identifiers import SWHID, ObjectType
from archive.objects import Alias, Release, Snapshot
from archive.reading import Packs
from deposit.models import Activity, ActivityState, Deposit, Status
from deposit.services.deposits import effective_entry
from loader.destinations.archive.loading import ingest_packages
from loader.destinations.archive.releases import release_of, snapshot_of
from loader.destinations.software_heritage import objects
from loader.destinations.software_heritage.archived import ArchivedTree
from loader.destinations.software_heritage.objects import require_same
from loader.destinations.software_heritage.packaged import PackagedTree
from loader.destinations.software_heritage.sending import Sender
from loader.steps import Context, Permanent

NAME = "software_heritage"
_ARCHIVE = "archive"


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """``releases``: all that the snapshot names, with what they are."""

    root: bytes
    release: Release
    snapshot: Snapshot
    archived: bool


def send_tree(context: Context, sender: Sender) -> Plan:
    """Send the tree of a deposit, from our archive where it has it, else from the packages; and what it makes."""
    archived = result_of(context.deposit, _ARCHIVE)
    if archived is not None:
        return _from_archive(archived, sender)
    return _from_packages(context, sender)


def result_of(deposit: Deposit, destination: str) -> Mapping[str, Any] | None:
    """What the newest delivery to a destination has told of the deposit, if it is over."""
    results = Activity.objects.filter(
        delivery__deposit=deposit,
        delivery__destination=destination,
        delivery__current=True,
        state=ActivityState.DONE,
        result__has_key="snapshot_swhid",
    )
    return next(iter(results.values_list("result", flat=True)[:1]), None)


def _from_archive(told: Mapping[str, Any], sender: Sender) -> Plan:
    root, release, snapshot = (
        SWHID.parse(told[name]).hash for name in ("swhid", "release_swhid", "snapshot_swhid")
    )
    plan = Plan(
        root=root, release=retrieval.release(release), snapshot=retrieval.snapshot(snapshot), archived=True
    )
    require_same("release", release, plan.release.id)
    require_same("snapshot", snapshot, plan.snapshot.id)
    with closing(Packs()) as packs:
        ArchivedTree(packs, sender).send(root)
        # Earlier versions of the origin may have been archived before this destination was named.
        for earlier in _releases(plan.snapshot) - {release}:
            if sender.missing("release/missing", "releases", [earlier]):
                one = retrieval.release(earlier)
                ArchivedTree(packs, sender).send(one.target.hash)
                send_release(sender, one)
    return plan


def _releases(snapshot: Snapshot) -> set[bytes]:
    return {
        target.hash
        for target in snapshot.branches.values()
        if target is not None and not isinstance(target, Alias) and target.type is ObjectType.RELEASE
    }


def _from_packages(context: Context, sender: Sender) -> Plan:
    deposit = context.deposit
    with PackagedTree(sender) as tree:
        root = ingest_packages(tree, deposit, context.lease)
    if deposit.directory_swhid not in (None, str(SWHID(ObjectType.DIRECTORY, root))):
        raise Permanent(
            "loading.directory",
            "Two readings of the package did not see the same files. The operators were told.",
            fault=f"checked: {deposit.directory_swhid}, sent: {root.hex()}",
        )
    entry = effective_entry(deposit)
    release = release_of(
        deposit,
        root=root,
        author=settings.RELEASE_AUTHOR,
        date=entry.author_date if entry else None,
        notes=entry.release_notes if entry else None,
    )
    return Plan(
        root=root,
        release=release,
        snapshot=snapshot_of(deposit, release.id, _earlier(deposit)),
        archived=False,
    )


def _earlier(deposit: Deposit) -> dict[str, SWHID]:
    """Version -> release of the other deposits of the origin that are there, the newest of each version."""
    rows = (
        Activity.objects.filter(
            delivery__destination=NAME,
            delivery__current=True,
            state=ActivityState.DONE,
            result__has_key="release",
            delivery__deposit__origin_url=deposit.origin_url,
            delivery__deposit__status=Status.DONE,
        )
        .exclude(delivery__deposit=deposit)
        .order_by("delivery__deposit__complete_date", "delivery__deposit_id")
        .values_list("delivery__deposit__software_version", "result__release")
    )
    return {version or "1": SWHID.parse(release) for version, release in rows}


def send_release(sender: Sender, release: Release) -> None:
    """Send a release; what it points at is there."""
    sender.storage.call("release/add", releases=[objects.release(release)])
