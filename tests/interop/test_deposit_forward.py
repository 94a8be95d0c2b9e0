"""The destination deposit_forward, to a real swh-deposit 3.0.1 with its own checker and loader."""

from pathlib import Path
from typing import Any

import pytest

from checker.checking import check
from deposit.models import Collection, Delivery, Deposit, Identifier, Status, WorkItem
from loader.workflow import load
from tests.interop.packages import Tree, directory_swhid, tarred, zipped
from tests.interop.software_heritage import DepositPeer
from tests.support.factories import new_client, new_collection
from tests.support.lifecycle_fixtures import sent

pytestmark = pytest.mark.django_db(transaction=True)

PROVIDER = "https://forward.example.org"
ONE: Tree = {"soft/README": b"one\n", "soft/main.c": b"int main() { return 0; }\n"}
TWO: Tree = {"soft/README": b"two\n", "soft/NEWS": b"it changed\n"}


@pytest.fixture
def collection(
    deposit_peer: DepositPeer, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Collection:
    settings.STAGING_ROOT = str(tmp_path / "staging")
    settings.ARCHIVE_ROOT = str(tmp_path / "archive")
    who: dict[str, Any] = {"provider_url": f"{PROVIDER}/", "domain": "forward.example.org"}
    deposit_peer.do("user", username="forward", password="forwarded", collections=["forward"], **who)
    monkeypatch.setenv("FORWARDING_KEY", "forwarded")
    settings.FORWARD_TO = deposit_peer.base_url
    settings.FORWARD_COLLECTION = settings.FORWARD_USERNAME = "forward"
    settings.FORWARD_PASSWORD = "env:FORWARDING_KEY"
    settings.FORWARD_POLL_SECONDS = 0
    collection = new_collection()
    Collection.objects.filter(pk=collection.pk).update(destinations=["archive", "deposit_forward"])
    return collection


def sent_here(collection: Collection, name: str, *packages: Path) -> Deposit:
    client = new_client(collection, provider_url=f"{PROVIDER}/")
    files = [package.read_bytes() for package in packages]
    deposit = sent(*files, who=(client, collection), origin=f"{PROVIDER}/{name}")
    check(deposit.pk, worker="checker")
    return deposit


def go_on(deposit: Deposit) -> Delivery:
    WorkItem.objects.filter(deposit=deposit).update(due_at="2000-01-01T00:00Z")
    load(deposit.pk, worker="loader")
    deposit.refresh_from_db()
    return Delivery.objects.get(deposit=deposit, destination="deposit_forward")


def test_it_is_checked_and_loaded_there_and_done_here(
    deposit_peer: DepositPeer, collection: Collection, tmp_path: Path
) -> None:
    deposit = sent_here(
        collection, "done", zipped(tmp_path / "one.zip", ONE), zipped(tmp_path / "two.zip", TWO)
    )
    delivery = go_on(deposit)
    assert (deposit.status, delivery.state) == (Status.LOADING, "waiting"), delivery.error
    number = int(delivery.memory["number"])
    deposit_peer.do("check", id=number, collection="forward")
    assert deposit_peer.do("load", id=number)["status"] == "eventful"
    assert go_on(deposit).state == "done"
    assert deposit.swhid == directory_swhid({**ONE, **TWO})
    (there,) = [row for row in deposit_peer.do("rows") if row["id"] == number]
    assert (there["swhid"], there["origin_url"]) == (deposit.swhid, deposit.origin_url)
    told = Identifier.objects.get(deposit=deposit, scheme="forward-swhid").value
    assert told.startswith(f"{deposit.swhid};origin={deposit.origin_url};visit=swh:1:snp:")


def test_it_is_rejected_there_and_failed_here_in_their_words(
    deposit_peer: DepositPeer, collection: Collection, tmp_path: Path
) -> None:
    nested = tarred(tmp_path / "inner.tar.gz", ONE).read_bytes()
    deposit = sent_here(
        collection, "rejected", zipped(tmp_path / "outer.zip", {"a": b"x", "b.tar.gz": nested})
    )
    delivery = go_on(deposit)
    number = int(delivery.memory["number"])
    # Its checker looks at the name of the package's file, which is lost there.
    deposit_peer.do(
        "change", id=number, status="rejected", status_detail={"archive": [{"summary": "Not this one"}]}
    )
    assert go_on(deposit).code == "forward.ended"
    assert deposit.status == Status.FAILED
    error = Delivery.objects.get(deposit=deposit, destination="deposit_forward").error
    assert error.strip() == "At the other deposit server it is rejected: - Not this one"
