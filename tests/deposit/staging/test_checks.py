"""Before a service is let loose: its bucket works, and a machine has room for what it takes."""

from typing import Any

import pytest

from deposit.staging.checks import check_bucket
from tests.support.staging_areas import Area, BucketArea


@pytest.fixture(autouse=True)
def room(settings: Any) -> None:
    settings.MAX_UPLOAD_SIZE = settings.STAGING_CACHE_SIZE = 1000


def test_a_staging_area_that_works_is_no_problem_and_nothing_is_left(staging_area: Area) -> None:
    before = staging_area.names()
    assert check_bucket(None) == []
    assert staging_area.names() == before


def test_a_bucket_that_is_not_there_is_told(bucket_area: BucketArea, settings: Any) -> None:
    settings.STAGING_STORAGE = settings.STAGING_STORAGE.replace("s3://staging/", "s3://nowhere/")
    assert [problem.id for problem in check_bucket(None)] == ["settings.E014"]


def test_an_address_that_is_none_is_told(settings: Any) -> None:
    settings.STAGING_STORAGE = "https://example.org/bucket"
    assert [problem.id for problem in check_bucket(None)] == ["settings.E014"]


def test_a_cache_without_room_for_the_largest_package_is_told(bucket_area: BucketArea, settings: Any) -> None:
    settings.MAX_UPLOAD_SIZE = 1001
    assert [problem.id for problem in check_bucket(None)] == ["settings.W015"]
