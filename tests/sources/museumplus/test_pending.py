"""The definition of what is due, against an oracle written from the rule's words."""

import contextlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from sources.museumplus.models import MuseumObject, MuseumPackage

NOW = datetime(2020, 6, 15, 12, tzinfo=UTC)
DELAY = timedelta(days=30)

# Moments on both sides of the boundary, on it, and a microsecond from it.
MOMENTS = st.sampled_from(
    [
        None,
        NOW,
        NOW - DELAY,
        NOW - DELAY - timedelta(microseconds=1),
        NOW - DELAY + timedelta(microseconds=1),
        NOW - timedelta(days=300),
    ]
)
HASHES = st.sampled_from([None, "", "a" * 64, "b" * 64])
VERDICTS = st.sampled_from([(False, False), (True, False), (False, True)])

OBJECTS = st.fixed_dictionaries(
    {
        "frozen": st.booleans(),
        "created_date": MOMENTS,
        "modified_date": MOMENTS,
        "metadata_hash": HASHES,
        "attachment_metadata_hash": HASHES,
    }
)
PACKAGES = st.none() | st.fixed_dictionaries(
    {
        "object_modified_date": MOMENTS,
        "metadata_hash": HASHES,
        "attachment_metadata_hash": HASHES,
        "uploaded": st.booleans(),
        "cancelled": st.booleans(),
        "verdict": VERDICTS,
    }
)


def oracle(item: dict[str, Any], package: dict[str, Any] | None) -> bool:
    """The rule in plain Python, where None equals None and nothing else."""
    if item["frozen"] or item["metadata_hash"] is None or item["attachment_metadata_hash"] is None:
        return False
    if package is None:
        return item["created_date"] is None or item["created_date"] < NOW - DELAY
    if package["uploaded"] and package["verdict"] == (False, False):
        return False
    if package["cancelled"]:
        return True
    then = package["object_modified_date"]
    if then == item["modified_date"] or (then is not None and then >= NOW - DELAY):
        return False
    return any(package[name] != item[name] for name in ("metadata_hash", "attachment_metadata_hash"))


def make(item: dict[str, Any], package: dict[str, Any] | None, number: int) -> MuseumObject:
    made: MuseumObject = MuseumObject.objects.create(id=number, **item)
    if package is not None:
        fields = {name: value for name, value in package.items() if name != "verdict"}
        preserved, rejected = package["verdict"]
        made.latest_package = MuseumPackage.objects.create(
            museum_object=made,
            sip_filename=f"20200101_Object_{number}-x.tar",
            preserved=preserved,
            rejected=rejected,
            **fields,
        )
        made.save()
    return made


class Undo(Exception):
    """Ends one example's transaction."""


@pytest.mark.django_db
@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(OBJECTS, PACKAGES), min_size=1, max_size=25))
def test_what_is_pending_is_what_the_rule_says(
    rows: list[tuple[dict[str, Any], dict[str, Any] | None]],
) -> None:
    with contextlib.suppress(Undo), transaction.atomic():
        for number, (item, package) in enumerate(rows):
            make(item, package, number)
        due = {number for number, row in enumerate(rows) if oracle(*row)}
        assert set(MuseumObject.objects.pending(now=NOW).values_list("id", flat=True)) == due
        rest = set(range(len(rows))) - due
        assert set(MuseumObject.objects.exclude_pending(now=NOW).values_list("id", flat=True)) == rest
        raise Undo


@pytest.mark.django_db
def test_the_property_asks_the_queryset() -> None:
    due = make({"metadata_hash": "a" * 64, "attachment_metadata_hash": ""}, None, 1)
    assert due.preservation_pending
    due.frozen = True
    due.save()
    assert not due.preservation_pending


@pytest.mark.django_db
def test_the_delays_are_those_of_the_settings(settings: Settings) -> None:
    hashes = {"metadata_hash": "a" * 64, "attachment_metadata_hash": ""}
    make({**hashes, "created_date": NOW - timedelta(seconds=90)}, None, 1)
    settings.PRESERVATION_DELAY = 100
    assert not MuseumObject.objects.pending(now=NOW).exists()
    settings.PRESERVATION_DELAY = 80
    assert MuseumObject.objects.pending(now=NOW).exists()
