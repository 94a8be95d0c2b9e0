"""The origin of a deposit, its parent and its version (contract: create_origin, add_to_origin, Slug)."""

from dataclasses import dataclass

from django.db import connection

from deposit.metadata.entry import Entry
from deposit.metadata.origins import check_origin, origin_from_slug
from deposit.models import AdvisoryLock, Client, Deposit, Status
from deposit.refusals import Kind, Refusal


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """The origin an entry names, with the deposit it continues."""

    url: str
    parent: Deposit | None = None


def named_origin(client: Client, entry: Entry) -> Origin | None:
    """The origin that an entry creates or adds to; None when it names none.

    Raises `Refusal`: 403 outside the client's provider URL, 404 when there is nothing to add to.
    """
    url = entry.create_origin or entry.add_to_origin
    if url is None:
        return None
    check_origin(url, client.provider_url)
    if entry.create_origin:
        return Origin(url=url)
    parent = newest_loaded(client, origin_url=url)
    if parent is None:
        raise Refusal(
            Kind.NOT_FOUND,
            "origin.nothing_to_add_to",
            f"Cannot add to origin {url}: no loaded deposit of yours has it.",
            "Use <swh:create_origin> for the first deposit on an origin, or wait until that one is done.",
        )
    return Origin(url=url, parent=parent)


def newest_loaded(client: Client, **match: str) -> Deposit | None:
    """The client's newest deposit in the archive that matches."""
    return (
        Deposit.objects.filter(client=client, status=Status.DONE, type="code", **match)
        .order_by("-id")
        .first()
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Completion:
    """What completion fixes. ``version`` None: the number of the deposit among those of its origin."""

    origin_url: str
    version: str | None
    release_notes: str | None


def completion_of(
    client: Client, entry: Entry | None, *, slug: str | None, origin_url: str | None
) -> Completion:
    """What completion fixes for a deposit with this Slug and origin, if it has named any. Raises `Refusal`."""
    return Completion(
        origin_url=origin_from_slug(client.provider_url, slug) if origin_url is None else origin_url,
        version=entry.software_version if entry else None,
        release_notes=entry.first_release_notes if entry else None,
    )


def settle(deposit: Deposit, client: Client, entry: Entry | None) -> dict[str, object]:
    """What completion changes: the origin where none was named, the parent by Slug, the version, the release notes."""
    found = completion_of(client, entry, slug=deposit.external_id, origin_url=deposit.origin_url)
    changes: dict[str, object] = {"origin_url": found.origin_url, "release_notes": found.release_notes}
    if deposit.parent_id is None and deposit.external_id:
        changes["parent"] = newest_loaded(client, external_id=deposit.external_id)
    changes["software_version"] = found.version
    if found.version is None:
        changes["software_version"] = str(1 + _earlier_versions(found.origin_url, deposit.pk))
    return changes


# Each sees what had been committed when it began: the count begins when the lock is held.
_EARLIER = """
SELECT pg_advisory_xact_lock(%s, hashtext(%s));
SELECT count(*) FROM deposit_deposit
WHERE origin_url = %s AND complete_date IS NOT NULL AND type = 'code' AND id <> %s
"""


def _earlier_versions(origin_url: str, deposit_id: int) -> int:
    """How many deposits of an origin are complete, once whoever else numbers one of them has ended."""
    with connection.cursor() as cursor:
        cursor.execute(_EARLIER, [AdvisoryLock.ORIGIN_NUMBERING, origin_url, origin_url, deposit_id])
        (number,) = cursor.fetchone()
    return int(number)
