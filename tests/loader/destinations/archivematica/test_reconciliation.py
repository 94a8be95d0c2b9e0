"""Whether an AIP counts as stored."""

from datetime import UTC, datetime

import pytest

from loader.destinations.archivematica.reconciliation import Stored, reconcile
from loader.destinations.archivematica.storage import StoredPackage

EARLY, LATE = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)


def package(location: str = "A", *, status: str = "UPLOADED", at: datetime | None = EARLY) -> StoredPackage:
    """A package in a location."""
    return StoredPackage(uuid="u", status=status, stored_at=at, location=location, path="", size=1)


@pytest.mark.parametrize(
    ("aip", "replicas", "required", "standalone", "expected", "since"),
    [
        (None, [], [], [], Stored.NOT_FOUND, None),
        (package(status="DELETED"), [], [], [], Stored.NOT_FOUND, None),
        (package(status="FAIL"), [], [], [], Stored.NOT_FOUND, None),
        (package(status="PENDING"), [], [], [], Stored.INDETERMINATE, None),
        (package(status="STAGING"), [], [], [], Stored.INDETERMINATE, None),
        (package(status=""), [], [], [], Stored.INDETERMINATE, None),
        (package(at=None), [], [], [], Stored.INDETERMINATE, None),
        (package(), [], [], [], Stored.LOCAL_COMPLETE, EARLY),
        (package(), [], ["A", "B"], ["A"], Stored.LOCAL_COMPLETE, EARLY),
        (package(), [], ["A", "B"], [], Stored.REPLICATED_PARTIAL, EARLY),
        (package(), [package("B", status="FAIL")], ["A", "B"], [], Stored.REPLICATED_PARTIAL, EARLY),
        (package(), [package("B", at=None)], ["A", "B"], [], Stored.REPLICATED_PARTIAL, EARLY),
        (package(), [package("C", at=LATE)], ["A", "B"], [], Stored.REPLICATED_PARTIAL, EARLY),
        (package(), [package("B", at=LATE)], ["A", "B"], [], Stored.REPLICATED_COMPLETE, LATE),
        (package(), [package("B", at=LATE), package("C")], ["B"], [], Stored.REPLICATED_COMPLETE, LATE),
        (package(), [], ["A"], [], Stored.REPLICATED_COMPLETE, EARLY),
    ],
)
def test_how_far_an_aip_is_stored(
    aip: StoredPackage | None,
    replicas: list[StoredPackage],
    required: list[str],
    standalone: list[str],
    expected: Stored,
    since: datetime | None,
) -> None:
    verdict = reconcile(aip, replicas, required=required, standalone=standalone)

    assert (verdict.stored, verdict.stored_at) == (expected, since)


def test_what_is_missing_is_named() -> None:
    verdict = reconcile(package(), [package("B")], required=["A", "B", "C", "C"])

    assert verdict.missing == ("C",)


def test_only_two_of_them_fulfil_a_delivery() -> None:
    assert [one for one in Stored if one.is_complete] == [Stored.LOCAL_COMPLETE, Stored.REPLICATED_COMPLETE]
