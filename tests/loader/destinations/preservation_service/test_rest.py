"""The client of the REST API 2.0."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from loader.destinations.preservation_service.rest import PreservationApi, ServiceError
from tests.support.preservation_service import CONTRACT, PASSWORD, USERNAME, Api, Ingester, rest_api


@pytest.fixture
def told(tmp_path: Path) -> Iterator[Api]:
    with rest_api(Ingester(tmp_path / "service", tmp_path / "none")) as told:
        yield told


@pytest.fixture
def api(told: Api) -> Iterator[PreservationApi]:
    with PreservationApi(told.url, f"urn:uuid:{CONTRACT}", USERNAME, PASSWORD, pause=0.0) as api:
        yield api


def test_packages_are_listed_in_pages(told: Api, api: PreservationApi) -> None:
    told.packages = {f"aip-{number}": b"x" for number in range(5)}
    assert [found["id"] for found in api.search(page=2, limit=2)] == ["aip-2", "aip-3"]


def test_a_dissemination_is_asked_for_awaited_and_downloaded(
    told: Api, api: PreservationApi, tmp_path: Path
) -> None:
    told.packages = {"aip": bytes(range(256)) * 1000}
    told.polls_until_ready = 2
    dip = api.disseminate("aip")
    assert [api.is_ready(dip), api.is_ready(dip)] == [False, True]
    told.cut_next = 1
    target = tmp_path / "dip.zip"
    with pytest.raises(ServiceError, match="again"):
        api.download(dip, target, lambda size: None)
    assert 0 < target.stat().st_size < 256_000
    assert api.download(dip, target, lambda size: None) == 256_000
    assert api.download(dip, target, lambda size: None) == 256_000
    assert target.read_bytes() == told.packages["aip"]
    api.delete(dip)


def test_reports_are_newest_first_and_none_is_no_error(told: Api, api: PreservationApi) -> None:
    (told.ingester.root / "transfer/a.tar").write_bytes(b"no archive")
    (done,) = told.ingester.process()
    assert api.reports("b.tar") == []
    (entry,) = api.reports("a.tar")
    assert (entry.transfer, entry.status) == (done.transfer, "rejected")
    assert api.report("a.tar", entry.transfer, "xml") == done.xml
    assert api.report("a.tar", "other", "html") is None


def test_failures_that_pass_are_tried_again(told: Api, api: PreservationApi) -> None:
    told.packages = {"aip": b""}
    told.statuses = [503, 502, 500, 504]
    assert len(api.search()) == 1
    told.statuses = [503] * 5
    with pytest.raises(ServiceError) as failure:
        api.search()
    assert failure.value.transient


def test_a_wrong_password_is_not_tried_again(told: Api) -> None:
    with PreservationApi(told.url, CONTRACT, USERNAME, "wrong", pause=0.0) as api:
        with pytest.raises(ServiceError, match="401") as failure:
            api.search()
        assert not failure.value.transient
