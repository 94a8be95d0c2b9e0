"""The client at a real swh-deposit 3.0.1. Set DEPOSIT_TEST_PEER=1: this installs and starts that server."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from client import Depositor, Metadata
from client.errors import NotFoundError, RefusedError, UnauthorizedError

if not os.environ.get("DEPOSIT_TEST_PEER"):
    pytest.skip("set DEPOSIT_TEST_PEER=1 to install and start swh-deposit", allow_module_level=True)

METADATA = Metadata(name="hello", authors=("Ada Lovelace <ada@example.org>",))


@pytest.fixture(scope="module")
def peer() -> Iterator[Depositor]:
    from tests.bench import peer  # noqa: PLC0415  only where it is asked for

    with peer.running(hashing=False) as service:
        demo = service.demo
        with Depositor(
            f"http://127.0.0.1:{service.port}/1",
            username=demo["DEPOSIT_USER"],
            password=demo["DEPOSIT_PASSWORD"],
        ) as depositor:
            yield depositor


@pytest.fixture
def package(folder: Path, tmp_path: Path) -> Path:
    from client.packing import packed  # noqa: PLC0415

    with packed(folder) as file:
        return file.rename(tmp_path / "hello.tar.gz")


def test_service_names_the_collection(peer: Depositor) -> None:
    assert [each.name for each in peer.service().collections] == ["demo"]


def test_upload_is_complete(peer: Depositor, package: Path) -> None:
    origin = "https://demo.example.org/hello"
    receipt = peer.upload(package, metadata=METADATA.updated(create_origin=origin))
    status = peer.status(receipt.deposit_id)
    assert (status.status, status.origin_url) == ("deposited", origin)


def test_deposit_is_built_step_by_step(peer: Depositor, package: Path) -> None:
    number = peer.upload(package, metadata=METADATA, slug="steps", in_progress=True).deposit_id
    assert peer.add(number, package).status == "partial"
    assert peer.replace(number, package=package, metadata=METADATA.updated(version="2")).status == "partial"
    assert [row["id"] for row in peer.deposits(status="partial")] == [str(number)]
    assert peer.complete(number).status == "deposited"
    with pytest.raises(RefusedError, match="partial"):
        peer.add(number, package)


def test_partial_deposit_is_cancelled(peer: Depositor, package: Path) -> None:
    number = peer.upload(package, metadata=METADATA, in_progress=True).deposit_id
    peer.cancel(number)
    with pytest.raises(NotFoundError):
        peer.status(number)


def test_receipts_and_downloads_are_not_kept_there(peer: Depositor, package: Path, tmp_path: Path) -> None:
    number = peer.upload(package, metadata=METADATA, in_progress=True).deposit_id
    with pytest.raises(RefusedError) as refused:
        peer.receipt(number)
    assert refused.value.status == 405
    with pytest.raises(RefusedError):
        peer.download(number, tmp_path / "back.zip")


def test_wrong_password_is_said_so(peer: Depositor) -> None:
    with Depositor(peer.url, username="demo", password="wrong") as stranger, pytest.raises(UnauthorizedError):
        stranger.service()
