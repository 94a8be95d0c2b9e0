"""Lists of deposits: filters and slices that stay fast among millions (no COUNT, no OFFSET). Newest first."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

import django_filters as filters
from django.contrib.postgres.search import SearchVectorExact as Matches
from django.db import connections, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from deposit.lists.days import VALIDATORS
from deposit.models import Delivery, Deposit, DepositType, Status
from deposit.models.search import matches, walked
from deposit.permissions import LARGEST_ID
from settings.postgres.replica import read_alias

if TYPE_CHECKING:
    Deposits = QuerySet[Deposit]

PAGE_SIZE = 25
_SWHID = re.compile(r"(swh:1:(cnt|dir|rev|rel|snp):[0-9a-f]{40})(;.*)?", re.ASCII)


# Words that fit more deposits than this are met soon enough on a walk from the newest to the oldest.
_FEW = 5000
# Deposits of no more days than this are gathered by their days, rather than met on a walk.
_MONTH = timedelta(days=31)
_SAMPLE = 400


def _by_words(deposits: "Deposits", found: Matches) -> Q:
    """The condition that deposits have these words, so that the newest of them are found fast.

    PostgreSQL does not know how rare the beginning of a word is. What many of the newest of these deposits have is met
    soon on a walk from the newest on: to gather all that have it would take longer.
    """
    newest = deposits.order_by("-pk").values("pk")[:_SAMPLE]
    walk = walked(found)
    if Deposit.objects.filter(walk, pk__in=newest).count() > PAGE_SIZE:
        return Q(walk)
    few = _few(found)
    return Q(found) if few is None else Q(pk__in=few)


def _few(found: Matches) -> list[int] | None:
    """All deposits that words fit, by the index of words and nothing else; None when they are many."""
    alias = read_alias()
    with transaction.atomic(using=alias), connections[alias].cursor() as cursor:
        for way in ("seqscan", "indexscan", "indexonlyscan"):
            cursor.execute(f"SET LOCAL enable_{way} = off")
        numbers = list(Deposit.objects.filter(found).order_by().values_list("pk", flat=True)[: _FEW + 1])
        for way in ("seqscan", "indexscan", "indexonlyscan"):
            cursor.execute(f"SET LOCAL enable_{way} = on")
    return numbers if len(numbers) <= _FEW else None


def _begin(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)


def _after(day: date) -> datetime:
    return _begin(day) + timedelta(days=1)


class OneOf(filters.MultipleChoiceFilter):
    """Any of several values, as one IN."""

    def filter(self, qs: Any, value: Sequence[str]) -> Any:
        """Keep the rows that have one of the values; all rows when none is asked for."""
        return qs.filter(**{f"{self.field_name}__in": value}) if value else qs


class DepositFilter(filters.FilterSet):
    """What lists of deposits can be narrowed by; the names are those of the query string, for pages and for the API."""

    q = filters.CharFilter(method="search", label=_("Words, number, or SWHID"), max_length=300)
    status = OneOf(choices=Status.choices, label=_("Status"))
    type = filters.ChoiceFilter(choices=DepositType.choices, label=_("Type"))
    collection = filters.CharFilter(field_name="collection__name", label=_("Collection"), max_length=100)
    client = filters.CharFilter(field_name="client__user__username", label=_("Client"), max_length=150)
    pipeline = filters.CharFilter(method="through_pipeline", label=_("Pipeline"), max_length=100)
    since = filters.DateFilter(method="received_since", validators=VALIDATORS, label=_("Received since"))
    until = filters.DateFilter(method="received_until", validators=VALIDATORS, label=_("Received until"))

    class Meta:
        model = Deposit
        fields: list[str] = []

    def filter_queryset(self, queryset: "Deposits") -> "Deposits":
        """Narrow the list by all that is asked for. Days that are over are found by their index."""
        deposits: Deposits = super().filter_queryset(queryset)
        since, until = self.form.cleaned_data.get("since"), self.form.cleaned_data.get("until")
        if since is None or until is None or until - since > _MONTH or until >= datetime.now(UTC).date():
            return deposits
        # A walk from the newest on would pass by all that came since; a slice is not taken apart by PostgreSQL.
        within = Deposit.objects.filter(reception_date__gte=_begin(since), reception_date__lt=_after(until))
        return deposits.filter(pk__in=within.order_by().values("pk")[:LARGEST_ID])

    def search(self, deposits: "Deposits", name: str, text: str) -> "Deposits":
        """By SWHID (qualifiers are ignored), by number, or by the beginnings of words."""
        swhid = _SWHID.fullmatch(text.strip())
        if swhid:
            return deposits.filter(swhid=swhid[1])
        condition = Q()
        number = text.strip().lstrip("#")
        if number.isascii() and number.isdigit() and len(number) < 19:
            condition |= Q(pk=min(int(number), LARGEST_ID))
        found = matches(text)
        if found is not None:
            condition |= _by_words(deposits, found)
        return deposits.filter(condition) if condition else deposits.none()

    def through_pipeline(self, deposits: "Deposits", name: str, value: str) -> "Deposits":
        """Those that go, or went, through a pipeline of this name."""
        through = Delivery.objects.filter(deposit=OuterRef("pk"), current=True, memory__pipeline=value)
        return deposits.filter(Exists(through))

    def received_since(self, deposits: "Deposits", name: str, day: date) -> "Deposits":
        """From the first moment of a day (UTC) on."""
        return deposits.filter(reception_date__gte=_begin(day))

    def received_until(self, deposits: "Deposits", name: str, day: date) -> "Deposits":
        """To the last moment of a day (UTC)."""
        return deposits.filter(reception_date__lt=_after(day))


@dataclass(frozen=True, kw_only=True, slots=True)
class Slice:
    """A few deposits, newest first; ``newer`` and ``older`` are where the neighbouring slices begin, None at an end."""

    items: list[Deposit]
    newer: int | None
    older: int | None


def slice_of(
    deposits: "Deposits", *, before: int | None = None, after: int | None = None, size: int = PAGE_SIZE
) -> Slice:
    """The newest deposits older than ``before``, or the oldest ones newer than ``after`` (both are numbers)."""
    if after is not None:
        rows = list(deposits.filter(pk__gt=min(after, LARGEST_ID)).order_by("pk")[: size + 1])
        more_newer, more_older = len(rows) > size, True
        rows = rows[:size][::-1]
    else:
        if before is not None:
            deposits = deposits.filter(pk__lt=min(before, LARGEST_ID))
        rows = list(deposits.order_by("-pk")[: size + 1])
        more_newer, more_older = before is not None, len(rows) > size
        rows = rows[:size]
    return Slice(
        items=rows,
        newer=rows[0].pk if rows and more_newer else None,
        older=rows[-1].pk if rows and more_older else None,
    )
