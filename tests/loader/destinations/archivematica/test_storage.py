"""Our client of the Storage Service."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from loader.destinations.archivematica.dashboard import Dashboard, StartRequest
from loader.destinations.archivematica.errors import Refused, Unavailable
from loader.destinations.archivematica.http import Api
from loader.destinations.archivematica.storage import Fixity, StorageService, resource_uuid
from tests.support.archivematica import STORAGE_KEY, STORAGE_USER, Archivematica
from tests.support.archivematica_state import AT_ONCE, COMPLETE, DONE, Script

NOBODY = "0b8ab5d6-4c2f-4c7b-a0f5-0a0e0a4a9f60"


def stored(double: Archivematica, dashboard: Dashboard, source: Path, script: Script = AT_ONCE) -> str:
    """The UUID of an AIP that went through the pipeline."""
    (source / "one" / "objects").mkdir(parents=True)
    (source / "one" / "objects" / "letter.txt").write_text("Dear reader")
    double.script("one", script)
    sip = dashboard.transfer(
        dashboard.start(StartRequest(name="one", path="one", location=double.location))
    ).sip
    dashboard.ingest(sip)
    return sip


def test_an_aip_is_told(
    storage: StorageService, double: Archivematica, dashboard: Dashboard, source: Path
) -> None:
    sip = stored(double, dashboard, source)

    aip = storage.package(sip)

    assert aip is not None
    assert (aip.uuid, aip.is_stored, aip.location) == (sip, True, double.state.store.location)
    assert aip.stored_at is not None
    assert timedelta(0) <= datetime.now(UTC) - aip.stored_at < timedelta(minutes=1)


def test_no_aip_is_none(storage: StorageService) -> None:
    assert storage.package(NOBODY) is None


def test_dates_are_of_the_zone_that_the_pipeline_says(double: Archivematica) -> None:
    record = {"uuid": NOBODY, "status": "UPLOADED", "stored_date": "2026-07-01T12:00:00.5"}
    double.state.store.packages[NOBODY] = record
    with Api(name="S", url=double.storage_url, user=STORAGE_USER, key=STORAGE_KEY) as api:
        aip = StorageService(api, zone=ZoneInfo("Europe/Paris")).package(NOBODY)

    assert aip is not None
    assert aip.stored_at == datetime(2026, 7, 1, 12, 0, 0, 500_000, tzinfo=timezone(timedelta(hours=2)))


@pytest.mark.parametrize("date", [None, "", "yesterday"])
def test_a_date_that_is_none_is_none(
    storage: StorageService, double: Archivematica, date: str | None
) -> None:
    double.state.store.packages[NOBODY] = {"uuid": NOBODY, "status": "UPLOADED", "stored_date": date}

    aip = storage.package(NOBODY)

    assert aip is not None
    assert aip.stored_at is None


def test_fixity_is_computed(
    storage: StorageService, double: Archivematica, dashboard: Dashboard, source: Path
) -> None:
    sip = stored(double, dashboard, source)

    assert storage.fixity(sip) == (Fixity.SOUND, "")


def test_a_damaged_aip_is_found_out(
    storage: StorageService, double: Archivematica, dashboard: Dashboard, source: Path
) -> None:
    sip = stored(double, dashboard, source, Script(transfer=(DONE,), ingest=(COMPLETE,), damaged=True))

    assert storage.fixity(sip)[0] is Fixity.DAMAGED


def test_a_check_that_could_not_be_made_is_unknown(storage: StorageService, double: Archivematica) -> None:
    double.fail("check_fixity", body=b'{"success": null, "message": "not on this disk"}')

    assert storage.fixity(NOBODY) == (Fixity.UNKNOWN, "not on this disk")


def test_aips_are_listed_page_by_page(storage: StorageService, double: Archivematica) -> None:
    for number in range(230):
        identifier = f"00000000-0000-4000-8000-{number:012}"
        double.state.store.packages[identifier] = {
            "uuid": identifier,
            "package_type": "AIP",
            "status": "UPLOADED",
            "stored_date": f"2026-01-01T00:00:{number % 60:02}.1",
        }

    found = list(storage.packages_since(datetime(2026, 1, 1, 0, 0, 30, tzinfo=UTC)))

    assert len(found) == sum(number % 60 >= 30 for number in range(230))


def test_what_is_processed_is_browsed(
    storage: StorageService, double: Archivematica, dashboard: Dashboard, source: Path
) -> None:
    (source / "one" / "objects").mkdir(parents=True)
    (source / "one" / "objects" / "a").write_text("a")
    identifier = dashboard.start(StartRequest(name="one", path="one", location=double.location))

    [location] = storage.processing_locations(double.id)

    assert storage.browse(location) == ["currentlyProcessing"]
    assert storage.browse(location, "currentlyProcessing") == [f"one-{identifier}"]


def test_a_wrong_key_is_refused(double: Archivematica) -> None:
    with (
        Api(name="S", url=double.storage_url, user=STORAGE_USER, key="stale") as api,
        pytest.raises(Refused, match="HTTP 401"),
    ):
        StorageService(api).package(NOBODY)


def test_a_fault_of_the_moment_is_told_apart(storage: StorageService, double: Archivematica) -> None:
    double.fail("GET /api/v2/file", status=500)

    with pytest.raises(Unavailable):
        storage.package(NOBODY)


@pytest.mark.parametrize(
    ("value", "identifier"),
    [
        (f"/api/v2/location/{NOBODY}/", NOBODY),
        (NOBODY, NOBODY),
        ({"uuid": NOBODY}, NOBODY),
        ({"resource_uri": f"/api/v2/location/{NOBODY}/"}, NOBODY),
        (None, ""),
        ("/api/v2/location/default/", ""),
    ],
)
def test_the_uuid_of_a_resource(value: object, identifier: str) -> None:
    assert resource_uuid(value) == identifier
