"""Which objects are due for preservation: the one definition, as a queryset.

An object is *pending* when it is not frozen, both of its hashes are known, nothing of it is at the preservation
service without a verdict, and one of these holds:

- it was never packaged, and was created longer ago than ``PRESERVATION_DELAY`` (or nobody knows when);
- it was packaged, its modification date and at least one hash have changed since, and the version that was packaged
  is older than ``UPDATE_DELAY`` (or undated);
- its latest package was cancelled.

NULL counts as a value of its own: two unknown dates are equal, an unknown hash differs from a known one.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone


class MuseumObjectQuerySet(models.QuerySet[Any]):
    """Objects of the collection."""

    def pending(self, now: datetime | None = None) -> Self:
        """Those that are due for preservation at ``now`` (default: this moment)."""
        return self._judged().filter(_is_due(now or timezone.now()))

    def exclude_pending(self, now: datetime | None = None) -> Self:
        """Those that are not due at ``now``."""
        # The condition is asked as a whole: `exclude` would negate each join by itself and lose NULLs.
        due = MuseumObjectQuerySet(self.model, using=self.db).pending(now)
        return self.exclude(pk__in=due.values("pk"))

    def bulk_create(self, objs: Iterable[Any], *args: Any, **options: Any) -> list[Any]:
        """Write new objects, each of which has a reason if it is frozen."""
        rows = list(objs)
        for row in rows:
            row.give_reason()
        return super().bulk_create(rows, *args, **options)

    def _judged(self) -> Self:
        package = "latest_package__"
        return self.alias(
            _date_differs=_differs(F(package + "object_modified_date"), F("modified_date")),
            _hash_differs=_differs(F(package + "metadata_hash"), F("metadata_hash")),
            _attachments_differ=_differs(
                F(package + "attachment_metadata_hash"), F("attachment_metadata_hash")
            ),
        )


class MuseumObjectManager(models.Manager[Any]):
    """``MuseumObject.objects``."""

    def get_queryset(self) -> MuseumObjectQuerySet:
        """All objects."""
        return MuseumObjectQuerySet(self.model, using=self.db)

    def pending(self, now: datetime | None = None) -> MuseumObjectQuerySet:
        """Those that are due for preservation at ``now`` (default: this moment)."""
        return self.get_queryset().pending(now)

    def exclude_pending(self, now: datetime | None = None) -> MuseumObjectQuerySet:
        """Those that are not due at ``now``."""
        return self.get_queryset().exclude_pending(now)


class IsDistinctFrom(models.Func):
    """SQL's ``IS DISTINCT FROM``: inequality for which NULL is a value."""

    template = "(%(expressions)s)"
    arg_joiner = " IS DISTINCT FROM "
    output_field = models.BooleanField()


def _differs(left: F, right: F) -> IsDistinctFrom:
    return IsDistinctFrom(left, right)


def _is_due(now: datetime) -> Q:
    created_before = now - timedelta(seconds=settings.PRESERVATION_DELAY)
    packaged_before = now - timedelta(seconds=settings.UPDATE_DELAY)
    never = Q(latest_package=None) & (Q(created_date=None) | Q(created_date__lt=created_before))
    changed = (
        Q(latest_package__isnull=False, _date_differs=True)
        & (
            Q(latest_package__object_modified_date=None)
            | Q(latest_package__object_modified_date__lt=packaged_before)
        )
        & (Q(_hash_differs=True) | Q(_attachments_differ=True))
    )
    cancelled = Q(latest_package__cancelled=True)
    submitted = Q(
        latest_package__uploaded=True, latest_package__preserved=False, latest_package__rejected=False
    )
    known = Q(frozen=False, metadata_hash__isnull=False, attachment_metadata_hash__isnull=False)
    return known & (never | ((changed | cancelled) & ~submitted))
