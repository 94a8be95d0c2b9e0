"""Is it stored? Packages by external identifier, accession, file name, digest and date: one row for each version."""

import re
from typing import TYPE_CHECKING

import django_filters as filters
from django.db.models import Q, QuerySet

from deposit.actors import Actor
from deposit.models import Deposit, Status
from deposit.permissions import Operation, deposits_for

if TYPE_CHECKING:
    Deposits = QuerySet[Deposit]

_SHA256 = re.compile(r"[0-9a-fA-F]{64}")


class PackageFilter(filters.FilterSet):
    """What may be asked of packages. ``stored_after`` and ``stored_before`` leave out what is not stored."""

    external_id = filters.CharFilter(field_name="external_id")
    accession = filters.CharFilter(method="by_accession")
    collection = filters.CharFilter(field_name="collection__name")
    version = filters.NumberFilter(field_name="package_version__number")
    file_name = filters.CharFilter(field_name="package_name")
    sha256 = filters.CharFilter(method="by_sha256")
    stored = filters.BooleanFilter(method="by_storage")
    stored_after = filters.IsoDateTimeFilter(method="after")
    stored_before = filters.IsoDateTimeFilter(method="before")

    class Meta:
        model = Deposit
        fields: list[str] = []

    def by_accession(self, deposits: "Deposits", name: str, value: str) -> "Deposits":
        """An accession number: the identifier itself, or its last part."""
        return deposits.filter(Q(external_id=value) | Q(external_id__endswith=f"/{value}"))

    def by_sha256(self, deposits: "Deposits", name: str, value: str) -> "Deposits":
        """The digest of a package as it was sent."""
        if not _SHA256.fullmatch(value):
            return deposits.none()
        return deposits.filter(parts__sha256=value.lower(), parts__kind="package").distinct()

    def by_storage(self, deposits: "Deposits", name: str, value: bool) -> "Deposits":
        """Those that are stored, or those that are not."""
        return deposits.filter(status=Status.DONE) if value else deposits.exclude(status=Status.DONE)

    def after(self, deposits: "Deposits", name: str, value: object) -> "Deposits":
        """Stored at this moment or later."""
        return deposits.filter(status=Status.DONE, status_changed_at__gte=value)

    def before(self, deposits: "Deposits", name: str, value: object) -> "Deposits":
        """Stored before this moment."""
        return deposits.filter(status=Status.DONE, status_changed_at__lt=value)


def packages_for(actor: Actor) -> "Deposits":
    """The packages that exist for an actor, each with its version."""
    return (
        deposits_for(actor, Operation.READ)
        .filter(type="code")
        .select_related("collection", "package_version")
    )


def version_number(deposit: Deposit) -> int | None:
    """Which version of its package a deposit is; None before it is accepted, and for one without identifier."""
    version = getattr(deposit, "package_version", None)
    return version.number if version else None
