"""The one door for what does not come over HTTP: sources, harvests, batches. One key, one deposit."""

from collections.abc import Sequence

from django.db import transaction

from deposit.actors import Actor, Channel, acting
from deposit.metadata.entry import Entry
from deposit.models import Client, Collection, Deposit, SubmissionKey
from deposit.services import deposits
from deposit.services.parts import Package, RemoteFile, Submission


def submit(
    *,
    client: Client,
    collection: Collection,
    files: Sequence[Package | RemoteFile],
    entry: Entry | None,
    source: str,
    key: str,
    slug: str | None = None,
) -> Deposit:
    """Deposit staged packages, files to be fetched and an entry for a client, once for each ``key``; it is complete.

    The same key again, or by two at once, answers with the deposit that the first made; whose staged files are then
    not used, and the caller removes them (`was_used` tells). ``source`` names the way in, in the history. Raises
    `Refusal`, and leaves nothing behind then.
    """
    actor = Actor(user=client.user, channel=Channel.SOURCE)
    with acting(actor), transaction.atomic():
        SubmissionKey.objects.bulk_create(
            [SubmissionKey(client=client, key=key, source=source)], ignore_conflicts=True
        )
        mark = SubmissionKey.objects.select_for_update().get(client=client, key=key)
        if mark.deposit is not None:
            return mark.deposit
        mark.deposit = _create(actor, collection, files, entry, slug)
        mark.save(update_fields=["deposit"])
        return mark.deposit


def _create(
    actor: Actor,
    collection: Collection,
    files: Sequence[Package | RemoteFile],
    entry: Entry | None,
    slug: str | None,
) -> Deposit:
    packages = [file for file in files if isinstance(file, Package)]
    remote = tuple(file for file in files if isinstance(file, RemoteFile))
    first, rest = (packages[0], packages[1:]) if packages else (None, [])
    deposit = deposits.create(
        actor=actor,
        collection=collection,
        submission=Submission(package=first, entry=entry, files=remote),
        in_progress=bool(rest),
        slug=slug,
    )
    for number, package in enumerate(rest, start=1):
        deposit = deposits.add(
            actor=actor,
            deposit=deposit,
            submission=Submission(package=package),
            in_progress=number < len(rest),
        )
    return deposit


def was_used(deposit: Deposit, package: Package) -> bool:
    """Whether a deposit holds this staged file, and not that of an earlier submission with the same key."""
    return deposit.parts.filter(stored_as=package.staged.stored_as).exists()
