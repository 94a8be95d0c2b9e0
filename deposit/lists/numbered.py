"""Numbered pages of a client's deposits, oldest first, at the same cost for the first and for the ten thousandth.

SWORD clients know pages by their numbers and want the total. Counting a million rows and skipping to the last of them
would cost more with every deposit; so every thousandth deposit leaves an anchor that says how many come up to it, and
only what lies behind the nearest one is counted or skipped. Readers set anchors when they miss them, never among
the deposits of the last hour, whose order may still change as transactions commit; whoever deletes a deposit takes
up the anchors behind it.
"""

from collections.abc import Collection
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import connection, transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from deposit.models import AdvisoryLock, Client, Deposit, PageAnchor, Status
from deposit.models.prepared import Prepared

STEP = 1000
SETTLED = timedelta(hours=1)

_SET = """
INSERT INTO deposit_milestone (client_id, position, deposit_id)
SELECT %(client)s, %(position)s + number, id FROM (
    SELECT id, row_number() OVER (ORDER BY id) AS number FROM deposit_deposit
    WHERE client_id = %(client)s AND id > %(after)s AND reception_date < now() - make_interval(secs => %(settled)s)
) AS counted WHERE number %% %(step)s = 0
ON CONFLICT DO NOTHING
"""
# The last anchor, how many come behind it, and the last one that is not beyond the start of a page.
_BEHIND = Prepared("""
WITH given AS (
    SELECT %s::bigint AS client, %s::bigint AS start
), last AS (
    SELECT coalesce(max(position), 0) AS position, coalesce(max(deposit_id), 0) AS deposit
    FROM (SELECT position, deposit_id FROM deposit_milestone WHERE client_id = (SELECT client FROM given)
          ORDER BY position DESC LIMIT 1) AS one
), near AS (
    SELECT coalesce(max(position), 0) AS position, coalesce(max(deposit_id), 0) AS deposit
    FROM (SELECT position, deposit_id FROM deposit_milestone WHERE client_id = (SELECT client FROM given)
          AND position <= (SELECT start FROM given) ORDER BY position DESC LIMIT 1) AS one
)
SELECT last.position, last.deposit,
    (SELECT count(*) FROM deposit_deposit
     WHERE client_id = (SELECT client FROM given) AND id > (SELECT deposit FROM last)),
    near.position, near.deposit
FROM last, near
""")


class _Counted(NamedTuple):
    """Position and deposit of the last anchor (zeros without one), how many come behind it, and the near anchor."""

    position: int
    deposit: int
    rest: int
    near_position: int
    near_deposit: int


@dataclass(slots=True)
class Listed:
    """What a list tells of a deposit, as its fields have it. Django's objects would take longer than the query."""

    pk: int
    reception_date: datetime
    complete_date: datetime | None
    collection_id: int
    external_id: str | None
    origin_url: str | None
    client_id: int
    swhid: str | None
    swhid_context: str | None
    status: str
    parent_id: int | None
    type: str
    software_version: str | None
    release_notes: str | None
    title: str
    status_changed_at: datetime
    collection__name: str


_FIELDS = tuple(one.name for one in fields(Listed))
_COLUMNS = ", ".join(
    f"deposit.{'id' if name == 'pk' else name}" for name in _FIELDS if name != "collection__name"
)
# The deposits of a client behind one of them, but for so many.
_PAGE = Prepared(
    f"SELECT {_COLUMNS}, collection.name FROM ("  # noqa: S608 - constants
    "SELECT * FROM deposit_deposit WHERE client_id = %s AND id > %s ORDER BY id OFFSET %s LIMIT %s) AS deposit "
    "JOIN deposit_collection collection ON collection.id = deposit.collection_id ORDER BY deposit.id"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Slice:
    """Some deposits of a list, and how many the whole list has."""

    items: list[Listed]
    count: int


def slice_of(
    client: Client,
    *,
    start: int,
    limit: int,
    status: Status | None = None,
    places: Collection[int] | None = None,
) -> Slice:
    """``limit`` of the client's deposits from the one at ``start`` (0 is the oldest) on, with their collections.

    ``places``: the collections to which the list is bound, by their numbers.
    """
    deposits = Deposit.objects.filter(client=client).order_by("id")
    chosen = deposits if status is None else deposits.filter(status=status)
    chosen = chosen if places is None else chosen.filter(collection__in=places)
    if chosen is not deposits:
        return Slice(items=_listed(chosen[start : start + limit]), count=chosen.count())
    found = _count(client, start)
    skipped = start - found.near_position
    rows = _PAGE.rows(client.pk, found.near_deposit, skipped, limit)
    return Slice(items=[Listed(*row) for row in rows], count=found.position + found.rest)


def _listed(deposits: QuerySet[Deposit]) -> list[Listed]:
    return [Listed(*row) for row in deposits.values_list(*_FIELDS)]


def _last_anchor(client: Client) -> tuple[int, int]:
    """(position, deposit number) of the last anchor; (0, 0) without one."""
    anchors = PageAnchor.objects.filter(client=client).order_by("-position")
    return anchors.values_list("position", "deposit_id").first() or (0, 0)


def _count(client: Client, start: int) -> _Counted:
    found = _behind(client, start)
    if found.rest >= 2 * STEP and _are_settled(client, found.deposit):
        _set_anchors(client)
        found = _behind(client, start)
    return found


def _behind(client: Client, start: int) -> _Counted:
    [row] = _BEHIND.rows(client.pk, start)
    return _Counted(*row)


def _are_settled(client: Client, after: int) -> bool:
    behind = Deposit.objects.filter(client=client, pk__gt=after, reception_date__lt=Now() - SETTLED)
    return behind[STEP - 1 : STEP].exists()


def _lock(client_id: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [AdvisoryLock.PAGE_ANCHORS, client_id % 2**31])


def _set_anchors(client: Client) -> None:
    with transaction.atomic():
        _lock(client.pk)
        position, after = _last_anchor(client)
        seconds = int(SETTLED.total_seconds())
        values = {"client": client.pk, "position": position, "after": after, "settled": seconds, "step": STEP}
        with connection.cursor() as cursor:
            cursor.execute(_SET, values)


def forget_behind(deposit: Deposit) -> None:
    """Take up the anchors that count a deposit which is being deleted; call it in the same transaction."""
    _lock(deposit.client_id)
    PageAnchor.objects.filter(client_id=deposit.client_id, deposit_id__gte=deposit.pk).delete()
