"""Numbered pages of a client's deposits, oldest first, at the same cost for the first and for the ten thousandth.

SWORD clients know pages by their numbers and want the total. Counting a million rows and skipping to the last of them
would cost more with every deposit; so every thousandth deposit leaves an anchor that says how many come up to it, and
only what lies behind the nearest one is counted or skipped. Readers set anchors when they miss them, never among
the deposits of the last hour, whose order may still change as transactions commit; whoever deletes a deposit takes
up the anchors behind it.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

from django.db import connection, transaction
from django.db.models.functions import Now

from deposit.models import AdvisoryLock, Client, Deposit, PageAnchor, Status

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


@dataclass(frozen=True, kw_only=True, slots=True)
class Slice:
    """Some deposits of a list, and how many the whole list has."""

    items: list[Deposit]
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
    deposits = Deposit.objects.filter(client=client).select_related("collection").order_by("id")
    chosen = deposits if status is None else deposits.filter(status=status)
    chosen = chosen if places is None else chosen.filter(collection__in=places)
    if chosen is not deposits:
        return Slice(items=list(chosen[start : start + limit]), count=chosen.count())
    count = _count(client)
    near = _last_anchor(client, up_to=start)
    items = deposits.filter(pk__gt=near[1])[start - near[0] : start - near[0] + limit]
    return Slice(items=list(items), count=count)


def _last_anchor(client: Client, *, up_to: int | None = None) -> tuple[int, int]:
    """(position, deposit number) of the last anchor, not beyond the position ``up_to``; (0, 0) without one."""
    anchors = PageAnchor.objects.filter(client=client).order_by("-position")
    if up_to is not None:
        anchors = anchors.filter(position__lte=up_to)
    return anchors.values_list("position", "deposit_id").first() or (0, 0)


def _count(client: Client) -> int:
    position, after = _last_anchor(client)
    behind = Deposit.objects.filter(client=client, pk__gt=after)
    rest = behind.count()
    if rest >= 2 * STEP and behind.filter(reception_date__lt=Now() - SETTLED)[STEP - 1 : STEP].exists():
        _set_anchors(client)
        position, after = _last_anchor(client)
        rest = Deposit.objects.filter(client=client, pk__gt=after).count()
    return position + rest


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
