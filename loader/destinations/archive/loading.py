"""The default destination: our own content-addressed archive.

Packages that are known as a whole are not read again (`known`). Else there is one streaming pass over each: every
member goes to the archive as it flows, nothing is unpacked to disk. The pack is made durable first; then one
transaction makes it visible and the deposit done, so a crash at any line leaves either nothing visible or everything.
"""

import logging
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Protocol

from django.conf import settings
from django.db import transaction

from archive.identifiers import SWHID, ObjectType
from archive.ingest import Ingest
from archive.tree import Tree
from deposit.intake.limits import reading_of
from deposit.metadata.entry import Entry
from deposit.metadata.packaging import Packaging
from deposit.models import Deposit, Part, PartKind
from deposit.queue.leases import Lease
from deposit.services.deposits import effective_entry
from deposit.staging.storage import chunks_of, local_file
from loader.destinations.archive import extrinsic
from loader.destinations.archive.known import known_root
from loader.destinations.archive.origin_lock import alone_on_origin
from loader.destinations.archive.releases import (
    is_visited,
    kept_release,
    kept_snapshot,
    release_of,
    snapshot_of,
)
from loader.steps import Context, Outcome, Permanent
from packages import Kind, Limits, Member, open_package

logger = logging.getLogger(__name__)

# Members up to this size are read whole; larger ones flow through in chunks.
SMALL = 1024 * 1024


def archive(context: Context) -> Outcome:
    """Archive a deposit. Raises `PackageError`, `ArchiveError` or `Permanent` when it cannot be archived for good."""
    deposit, lease = context.deposit, context.lease
    entry = effective_entry(deposit)
    assert deposit.origin_url is not None
    with Ingest() as ingest:
        root = known_root(deposit) or ingest_packages(ingest, deposit, lease)
        require_the_same(deposit, root)
        release = kept_release(deposit, root) or ingest.add_release(
            release_of(
                deposit,
                root=root,
                author=settings.RELEASE_AUTHOR,
                date=entry.author_date if entry else None,
                notes=entry.release_notes if entry else None,
            )
        )
        with alone_on_origin(deposit.origin_url, lease):
            kept = kept_snapshot(deposit, release)
            snapshot = kept or ingest.add_snapshot(snapshot_of(deposit, release))
            if not (kept and is_visited(deposit.origin_url, kept)):
                ingest.add_visit(deposit.origin_url, snapshot=snapshot, date=datetime.now(UTC))
            if entry:
                add_metadata(ingest, deposit, entry, root=root, release=release, snapshot=snapshot)
            ingest.seal()
            lease.check()
            with transaction.atomic():
                ingest.publish()
                return context.finish(identifiers(deposit, root=root, release=release, snapshot=snapshot))


def require_the_same(deposit: Deposit, root: bytes) -> None:
    """The loader has to see the directory that the checker saw; else one of the two is wrong, and nothing is kept."""
    loaded = str(SWHID(ObjectType.DIRECTORY, root))
    if deposit.directory_swhid in (None, loaded):
        return
    logger.critical(
        "deposit=%s the checks saw %s and the loader %s in the same packages",
        deposit.pk,
        deposit.directory_swhid,
        loaded,
    )
    raise Permanent(
        "loading.directory",
        "Two readings of the package did not see the same files; nothing was archived. The operators were told.",
        fault=f"checked: {deposit.directory_swhid}, loaded: {loaded}",
    )


class Taker(Protocol):
    """Who takes the members of packages: an `Ingest`, or a destination that reads packages as the archive does."""

    def add_content(self, data: bytes) -> bytes:
        """See `Ingest`."""

    def add_content_stream(self, chunks: Iterable[bytes], length: int) -> bytes:
        """See `Ingest`."""

    def add_tree(self, tree: Tree) -> bytes:
        """See `Ingest`."""


def ingest_packages(ingest: Taker, deposit: Deposit, lease: Lease) -> bytes:
    """Archive the members of all packages, a later one laid over an earlier one; returns the root directory's id."""
    tree = Tree()
    # The same as in the checks, so that the two cannot judge a package differently.
    limits = reading_of(deposit)
    for part in Part.objects.filter(deposit=deposit, kind=PartKind.PACKAGE).order_by("id"):
        ingest_part(ingest, tree, part, lease, limits)
    return ingest.add_tree(tree)


def ingest_part(ingest: Taker, tree: Tree, part: Part, lease: Lease, limits: Limits) -> None:
    """Archive what one part holds into ``tree``. Raises `PackageError`, `LeaseLost`."""
    assert part.stored_as is not None
    if part.packaging == Packaging.BINARY:
        _ingest_file(ingest, tree, part, lease)
    else:
        ingest_package(ingest, tree, part.stored_as, lease, limits)


def _ingest_file(ingest: Taker, tree: Tree, part: Part, lease: Lease) -> None:
    """A file that is the content itself stands in the root directory under the name that the client gave it."""

    def chunks() -> Iterator[bytes]:
        for chunk in chunks_of(part.stored_as or "", 0, part.size):
            lease.check()
            yield chunk

    tree.add_file(part.name.encode(), ingest.add_content_stream(chunks(), part.size))


def ingest_package(ingest: Taker, tree: Tree, stored_as: str, lease: Lease, limits: Limits) -> None:
    """Archive the members of one package into ``tree``. Raises `PackageError`, `LeaseLost`."""
    with (
        local_file(stored_as, alive=lease.check) as path,
        open_package(path, limits=limits, ahead=True) as package,
    ):
        for member in package:
            lease.check()
            if member.kind is Kind.FILE:
                tree.add_file(member.path, _content(ingest, member), executable=member.executable)
            elif member.kind is Kind.DIRECTORY:
                tree.add_directory(member.path)
            elif member.kind is Kind.SYMLINK:
                tree.add_symlink(member.path, ingest.add_content(member.target or b""))
            else:
                tree.add_hardlink(member.path, member.target or b"")
    # Now, so that a link means the file of its own package and not one that a later package lays over it.
    tree.resolve_links()


def _content(ingest: Taker, member: Member) -> bytes:
    if member.size <= SMALL:
        return ingest.add_content(member.read())
    return ingest.add_content_stream(member.chunks(), member.size)


def identifiers(deposit: Deposit, *, root: bytes, release: bytes, snapshot: bytes) -> dict[str, str]:
    """The identifiers that the deposit's status tells, with swh-deposit's context."""
    swhid = SWHID(ObjectType.DIRECTORY, root)
    visit, anchor = SWHID(ObjectType.SNAPSHOT, snapshot), SWHID(ObjectType.RELEASE, release)
    return {
        "swhid": str(swhid),
        "swhid_context": f"{swhid};origin={deposit.origin_url};visit={visit};anchor={anchor};path=/",
        "release_swhid": str(anchor),
        "snapshot_swhid": str(visit),
    }


def add_metadata(
    ingest: Ingest, deposit: Deposit, entry: Entry, *, root: bytes, release: bytes, snapshot: bytes
) -> None:
    """The metadata document as extrinsic metadata on the directory; the same again when the deposit is reloaded."""
    extrinsic.add_document(
        ingest,
        entry=entry,
        target=SWHID(ObjectType.DIRECTORY, root),
        context={
            "origin": deposit.origin_url,
            "release": SWHID(ObjectType.RELEASE, release),
            "snapshot": SWHID(ObjectType.SNAPSHOT, snapshot),
        },
        client=deposit.client,
        collection=deposit.collection.name,
        deposit_id=deposit.pk,
        document_format=extrinsic.WITH_PACKAGE,
        # When it came, not when it is loaded: a deposit that is loaded again gets the same document.
        discovery_date=deposit.complete_date or datetime.now(UTC),
    )
