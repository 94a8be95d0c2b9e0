"""Whole lives of objects, led by the Python library sword3client 0.1, which knows only SWORD 3."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.interop.conftest import environment_of
from tests.interop.packages import Tree, directory_swhid, zipped
from tests.interop.service import Service

ONE: Tree = {"soft/README": b"one\n" * 100}
TWO: Tree = {"soft/NEWS": b"two\n"}
LIFE = Path(__file__).with_name("sword3_life.py")


@pytest.fixture(scope="module")
def seen(service: Service, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the library saw while it led its objects."""
    folder = tmp_path_factory.mktemp("sword3")
    parameters = {
        "root": service.base_url.removesuffix("/1") + "/3/",
        "user": service.user,
        "password": service.password,
        "one": str(zipped(folder / "one.zip", ONE)),
        "two": str(zipped(folder / "two.zip", TWO)),
    }
    done = subprocess.run(
        [environment_of("sword3") / "python", LIFE],
        input=json.dumps(parameters),
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    observed: dict[str, Any] = json.loads(done.stdout)
    return observed


def deposit_of(object_url: str) -> str:
    return object_url.rstrip("/").rpartition("/")[2]


def test_the_service_document_is_understood(seen: dict[str, Any], service: Service) -> None:
    root = service.base_url.removesuffix("/1") + "/3"
    assert seen["discover"] == {
        "version": "http://purl.org/net/sword/3.0",
        "service": f"{root}/service/{service.collection}/",
        "staging": f"{root}/staging/",
    }


def test_an_object_is_built_from_parts(seen: dict[str, Any], service: Service) -> None:
    life = seen["by_parts"]
    assert (life["created"], life["completed"]) == (201, 204)
    assert life["metadata"] == ["By parts", "More"]
    assert life["file"] == [True, True]
    status = service.settled(deposit_of(life["object"]))
    assert (status["deposit_status"], status["deposit_swh_id"]) == ("done", directory_swhid(ONE))


def test_everything_is_replaced_and_removed(seen: dict[str, Any]) -> None:
    assert seen["replacing"]["codes"] == [201, 204, 204, 204, 200, 200, 204, 204, 204]
    assert seen["replacing"]["gone"] == "NotFound"


def test_a_segmented_upload_becomes_an_object(seen: dict[str, Any], service: Service) -> None:
    life = seen["segments"]
    assert life["state"] == [[2], [1]]
    assert life["refused"] == ["InvalidSegmentSize", "UnexpectedSegment"]
    assert (life["created"], life["aborted"]) == (201, 204)
    status = service.settled(deposit_of(life["object"]))
    assert (status["deposit_status"], status["deposit_swh_id"]) == ("done", directory_swhid(ONE))


def test_errors_are_understood(seen: dict[str, Any]) -> None:
    assert seen["errors"] == [
        "DigestMismatch",
        "PackagingFormatNotAcceptable",
        "MetadataFormatNotAcceptable",
        "NotFound",
    ]
