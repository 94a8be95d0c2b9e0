"""Counts and lists, compared with the definition of what is due; searches that use their indexes."""

import contextlib
from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from sources.museumplus import selectors
from sources.museumplus.models import MuseumObject, MuseumPackage, WorkflowJob
from sources.museumplus.search_indexes import make_search_indexes
from tests.sources.museumplus.test_pending import OBJECTS, PACKAGES, Undo, make


@pytest.mark.django_db
@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(OBJECTS, PACKAGES), min_size=1, max_size=25))
def test_what_is_counted_as_pending_is_pending(
    rows: list[tuple[dict[str, Any], dict[str, Any] | None]],
) -> None:
    with contextlib.suppress(Undo), transaction.atomic():
        for number, (item, package) in enumerate(rows):
            make(item, package, number)
        stats = selectors.overview_stats()
        assert stats["steps"]["pending"]["count"] == MuseumObject.objects.pending().count()
        assert stats["total_count"] == len(rows)
        raise Undo


@pytest.mark.django_db
def test_lists_are_searched_filtered_and_paged() -> None:
    for number in range(1, 46):
        item = MuseumObject.objects.create(pk=number, title=f"Spoon {number}")
        MuseumPackage.objects.create(
            museum_object=item, sip_filename=f"Object_{number}.tar", rejected=number < 5
        )
    MuseumObject.objects.filter(pk__lt=3).update(frozen=True, freeze_reason="Odd", freeze_source="user")
    listed = selectors.list_objects(search="spoon 4", page=1, limit=4)
    assert [row["id"] for row in listed.results] == [4, 40, 41, 42]
    assert (listed.result_count, listed.page_count, listed.page_numbers) == (7, 2, [1, 2])
    assert [row["id"] for row in selectors.list_objects(frozen=True, search="odd").results] == [1, 2]
    assert [row["id"] for row in selectors.list_objects(search="44").results] == [44]
    rejected = selectors.list_packages(states=frozenset({"rejected"}))
    assert [row["object_id"] for row in rejected.results] == [4, 3, 2, 1]
    assert rejected.results[0]["status"] == "rejected"
    assert selectors.list_packages(only_latest=True).result_count == 0
    WorkflowJob.objects.create(museum_object_id=9, queue="create_sip", state="failed")
    assert selectors.queue_stats()["failed"] == 1


@pytest.mark.django_db
def test_searches_use_their_indexes() -> None:
    if not make_search_indexes():
        pytest.skip("this PostgreSQL has no pg_trgm")
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        query = MuseumObject.objects.filter(title__icontains="spoon")
        assert "museum_objects_title_search" in query.explain()
