"""Whole lives of deposits, led by a client that knows only SWORD 2 (the Python library sword2 0.3)."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.interop.packages import Tree, directory_swhid, zipped
from tests.interop.service import Service

ONE: Tree = {"soft/README": b"one\n"}
TWO: Tree = {"soft/NEWS": b"two\n"}
LIFE = Path(__file__).with_name("sword2_life.py")


@pytest.fixture(scope="module")
def seen(sword2_python: Path, service: Service, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the library saw while it led its deposits."""
    folder = tmp_path_factory.mktemp("sword2")
    parameters = {
        "service_document": f"{service.base_url}/servicedocument/",
        "user": service.user,
        "password": service.password,
        "one": str(zipped(folder / "one.zip", ONE)),
        "two": str(zipped(folder / "two.zip", TWO)),
    }
    done = subprocess.run(
        [sword2_python, LIFE],
        input=json.dumps(parameters),
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    observed: dict[str, Any] = json.loads(done.stdout)
    return observed


def deposit_of(edit_iri: str) -> str:
    return edit_iri.rstrip("/").split("/")[-2]


def test_the_service_document_tells_what_may_be_sent(seen: dict[str, Any], service: Service) -> None:
    found = seen["discover"]
    assert (found["valid"], found["version"]) == (True, "2.0")
    assert found["href"] == f"{service.base_url}/{service.collection}/"
    assert "application/zip" in found["accept"]
    # A multipart takes the packages that a request of its own takes.
    assert found["accept_multipart"][:2] == ["application/zip", "application/x-tar"]
    assert "*/*" not in found["accept_multipart"]
    assert "http://purl.org/net/sword/package/SimpleZip" in found["packaging"]


def test_a_deposit_is_built_from_parts(seen: dict[str, Any], service: Service) -> None:
    life = seen["lead_by_parts"]
    code, edit, edit_media, sword_edit = life["created"]
    deposit = f"{service.base_url}/{service.collection}/{deposit_of(edit)}"
    assert (code, edit, edit_media, sword_edit) == (
        201,
        f"{deposit}/atom/",
        f"{deposit}/media/",
        f"{deposit}/metadata/",
    )
    assert life["replaced"] == 204
    assert life["receipt"][0] == 200
    assert life["receipt"][2:] == [["After"], True]
    assert life["completed"] == 200
    status = service.settled(deposit_of(edit))
    assert (status["deposit_status"], status["deposit_swh_id"]) == ("done", directory_swhid({**ONE, **TWO}))
    assert status["deposit_external_id"] == "sword2-by-parts"


def test_a_deposit_is_sent_as_one_multipart_request(seen: dict[str, Any], service: Service) -> None:
    code, edit = seen["lead_multipart"]["created"]
    assert code == 201
    status = service.settled(deposit_of(edit))
    assert (status["deposit_status"], status["deposit_swh_id"]) == ("done", directory_swhid(ONE))


def test_packages_are_replaced_and_removed_and_deposits_deleted(seen: dict[str, Any]) -> None:
    assert seen["lead_replacing"]["codes"] == [201, 204, 204, 204, 204, 404]


def test_errors_are_understood(seen: dict[str, Any]) -> None:
    assert seen["meet_errors"]["errors"] == [
        [412, "http://purl.org/net/sword/error/ErrorChecksumMismatch"],
        [415, "http://purl.org/net/sword/error/ErrorContent"],
    ]
