"""The double of Archivematica, driven by a client that is not ours: Artefactual's own ``amclient``."""

import base64
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from amclient import AMClient, errors

from tests.support.archivematica import KEY, STORAGE_KEY, STORAGE_USER, USER, Archivematica
from tests.support.archivematica_state import COMPLETE, FAILED, PROCESSING, Script


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A transfer source with one bundle in it."""
    objects = tmp_path / "source" / "one" / "objects"
    objects.mkdir(parents=True)
    (objects / "letter.txt").write_text("Dear reader")
    return tmp_path / "source"


@pytest.fixture
def double(source: Path) -> Iterator[Archivematica]:
    """The double."""
    with Archivematica(source) as server:
        yield server


def client_of(double: Archivematica, **more: str) -> AMClient:
    """Artefactual's client."""
    return AMClient(
        am_url=double.url,
        am_user_name=USER,
        am_api_key=KEY,
        ss_url=double.storage_url,
        ss_user_name=STORAGE_USER,
        ss_api_key=STORAGE_KEY,
        transfer_source=double.location,
        transfer_directory="one",
        transfer_name="one",
        processing_config="automated",
        **more,
    )


def test_it_takes_a_package_and_stores_it(double: Archivematica) -> None:
    client = client_of(double)

    answer = client.create_package()

    client.transfer_uuid = answer["id"]
    assert client.get_transfer_status() == errors.ERR_INVALID_RESPONSE  # 400: no job yet
    assert client.get_transfer_status()["status"] == PROCESSING
    transfer = client.get_transfer_status()
    assert (transfer["status"], UUID(transfer["sip_uuid"])) == (COMPLETE, UUID(double.transfers[0].sip))
    client.sip_uuid = client.package_uuid = transfer["sip_uuid"]
    assert client.get_ingest_status() == errors.ERR_INVALID_RESPONSE
    assert [client.get_ingest_status()["status"] for _ in range(2)] == [PROCESSING, COMPLETE]
    assert client.get_package_details()["status"] == "UPLOADED"
    assert [aip["uuid"] for aip in client.aips()] == [transfer["sip_uuid"]]
    assert client.completed_ingests()["results"] == [transfer["sip_uuid"]]


def test_it_hides_what_has_ended(double: Archivematica) -> None:
    double.state.default = Script(transfer=("DONE",), ingest=(COMPLETE,))
    client = client_of(double)
    client.transfer_uuid = client.create_package()["id"]
    assert client.hide_unit(client.transfer_uuid, "transfer") == errors.ERR_INVALID_RESPONSE  # 409

    client.get_transfer_status()

    assert client.hide_unit(client.transfer_uuid, "transfer") == {"removed": True}
    assert client.completed_transfers()["results"] == []


def test_it_refuses_a_wrong_key(double: Archivematica) -> None:
    client = client_of(double)
    client.am_api_key = client.ss_api_key = "stale"
    client.enhanced_errors = True

    answer = client.create_package()

    assert (answer.status_code, answer.message) == (403, {"message": "API key not valid.", "error": True})
    assert client.get_package({}) == errors.ERR_INVALID_RESPONSE


def test_the_same_key_starts_one_transfer_from_version_1_19_on(source: Path) -> None:
    with Archivematica(source, version="Archivematica-1.19") as double:
        client = client_of(double, idempotency_key="run 1")

        answers = [client.create_package()["id"] for _ in range(2)]

        assert answers == [double.transfers[0].uuid] * 2
        assert len(double.transfers) == 1


def test_before_1_19_the_key_means_nothing(double: Archivematica) -> None:
    client = client_of(double, idempotency_key="run 1")

    assert len({client.create_package()["id"] for _ in range(2)}) == 2


def test_a_transfer_that_lists_other_files_than_it_has_fails(double: Archivematica, source: Path) -> None:
    (source / "one" / "metadata").mkdir()
    (source / "one" / "metadata" / "checksum.md5").write_text(
        "0" * 32 + "  letter.txt\n" + "0" * 32 + "  no.txt\n"
    )
    client = client_of(double)
    client.transfer_uuid = client.create_package()["id"]

    client.get_transfer_status()

    assert client.get_transfer_status()["status"] == FAILED


def test_what_is_processed_is_found_by_browsing(double: Archivematica) -> None:
    client = client_of(double)
    identifier = client.create_package()["id"]
    client.transfer_source, client.transfer_path = double.processing_location, "currentlyProcessing"

    assert client.transferables()["directories"] == [f"one-{identifier}"]


def test_jobs_and_configurations_are_told(double: Archivematica) -> None:
    client = client_of(double)
    client.unit_uuid = client.transfer_uuid = client.create_package()["id"]
    assert client.get_jobs() == errors.ERR_INVALID_RESPONSE
    client.get_transfer_status()
    client.get_transfer_status()

    assert [job["status"] for job in client.get_jobs()] == [COMPLETE, PROCESSING]
    assert len(base64.b64encode(client.transfer_uuid.encode())) > 0
