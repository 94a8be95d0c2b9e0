"""Copies of deposits in a folder and in a bucket: whole, once, with a receipt; and what goes wrong with them."""

import hashlib
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bagit
import boto3
import pytest
from moto.server import ThreadedMotoServer

from deposit.models import Delivery, Deposit, Identifier, Status
from loader.destinations.export.places import place_of
from loader.workflow import load
from tests.loader.conftest import Loaded
from tests.support.lifecycle_fixtures import depositor
from tests.support.samples import make_zip

PACKAGE = make_zip({"readme": b"hello\n"})


@pytest.fixture
def exported(loaded: Loaded, settings: Any, tmp_path: Path) -> Loaded:
    settings.EXPORT_TO = str(tmp_path / "copies")

    def run(**changes: Any) -> Deposit:
        for name, value in changes.items():
            setattr(settings, name, value)
        client, collection = depositor()
        collection.destinations = ["export"]
        collection.save()
        return loaded(PACKAGE, who=(client, collection))

    return run


def test_a_deposit_becomes_a_valid_bag_with_its_receipt(exported: Loaded, tmp_path: Path) -> None:
    deposit = exported()
    assert (deposit.status, deposit.swhid) == (Status.DONE, deposit.directory_swhid)
    copies = tmp_path / "copies"
    name = f"deposit-{deposit.pk}"
    assert sorted(path.name for path in copies.iterdir()) == [f"{name}.json", f"{name}.zip"]
    with zipfile.ZipFile(copies / f"{name}.zip") as copy:
        copy.extractall(tmp_path / "out")
    bagit.Bag(str(tmp_path / "out" / name)).validate()
    receipt = json.loads((copies / f"{name}.json").read_text())
    (file,) = receipt["files"]
    assert file["sha256"] == hashlib.sha256((copies / f"{name}.zip").read_bytes()).hexdigest()
    assert receipt["swhid"] == deposit.swhid
    (place,) = Identifier.objects.filter(scheme="export").values_list("value", flat=True)
    assert place == str(copies / f"{name}.zip")


def test_a_deposit_is_copied_as_it_was_sent(exported: Loaded, tmp_path: Path) -> None:
    deposit = exported(EXPORT_FORM="as-sent")
    folder = tmp_path / "copies" / f"deposit-{deposit.pk}"
    (package,) = folder.glob("*-package.zip")
    assert package.read_bytes() == PACKAGE
    assert len(list(folder.glob("*.xml"))) == 1


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    _, port = server.get_host_and_port()
    endpoint = f"http://127.0.0.1:{port}"
    boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1").create_bucket(Bucket="copies")
    yield f"s3://copies/of/deposits?endpoint={endpoint}&region=us-east-1"
    server.stop()


def test_a_bucket_has_the_copy_and_its_receipt(exported: Loaded, bucket: str) -> None:
    deposit = exported(EXPORT_TO=bucket)
    client = boto3.client("s3", endpoint_url=bucket.split("=")[1].split("&")[0], region_name="us-east-1")
    keys = [one["Key"] for one in client.list_objects_v2(Bucket="copies")["Contents"]]
    name = f"of/deposits/deposit-{deposit.pk}"
    assert keys == [f"{name}.json", f"{name}.zip"]


def test_a_large_copy_goes_to_a_bucket_in_parts(bucket: str) -> None:
    piece = bytes(range(256)) * 4096
    place_of(bucket).write("large", 40 * len(piece), iter([piece] * 40))
    client = boto3.client("s3", endpoint_url=bucket.split("=")[1].split("&")[0], region_name="us-east-1")
    body = client.get_object(Bucket="copies", Key="of/deposits/large")["Body"].read()
    assert hashlib.sha256(body).digest() == hashlib.sha256(piece * 40).digest()


def test_without_a_place_the_delivery_fails_and_says_what_to_set(exported: Loaded) -> None:
    deposit = exported(EXPORT_TO="")
    assert deposit.status == Status.FAILED
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.code) == ("failed", "export.place")
    assert "EXPORT_TO" in delivery.error


def test_a_bucket_that_is_away_is_tried_again_later(exported: Loaded) -> None:
    deposit = exported(EXPORT_TO="s3://copies?endpoint=http://127.0.0.1:9&region=us-east-1")
    assert deposit.status == Status.LOADING
    activity = Delivery.objects.get().activities.get()
    assert (activity.state, activity.attempts) == ("waiting", 1)
    assert "127.0.0.1" not in activity.error
    assert "127.0.0.1" in activity.fault


def test_a_write_that_breaks_leaves_no_file(tmp_path: Path) -> None:
    def breaking() -> Iterator[bytes]:
        yield b"half"
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        place_of(str(tmp_path)).write("copy.zip", 8, breaking())
    assert list(tmp_path.iterdir()) == []


def test_a_second_load_in_vain_changes_nothing(exported: Loaded) -> None:
    deposit = exported()
    load(deposit.pk, worker="late")
    assert Delivery.objects.count() == 1
