"""SWORDBagIt: a bag that brings its metadata along."""

import hashlib
import json

import pytest

from checker.checking import check
from deposit.models import Collection, Deposit, Finding
from deposit.services import deposits
from tests.deposit.sword3.asking import Sword3
from tests.support.factories import http_client
from tests.support.lifecycle_fixtures import depositor
from tests.support.samples import make_zip

BAGIT = "http://purl.org/net/sword/3.0/package/SWORDBagIt"
METADATA = json.dumps({"@type": "Metadata", "dc:title": "In the bag", "dc:creator": "Ada"}).encode()


def bag(metadata: bytes = METADATA, base: str = "bag/") -> bytes:
    payload = {"data/a.txt": b"a"}
    manifest = "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in payload.items())
    files = {
        "bagit.txt": b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n",
        "manifest-sha-256.txt": manifest.encode(),
        "metadata/sword.json": metadata,
        **payload,
    }
    return make_zip({base + name: data for name, data in files.items()})


def deposited(data: bytes) -> Deposit:
    client, collection = depositor()
    sword3 = Sword3(http_client(client))
    response = sword3.file("POST", f"/3/service/{collection.name}/", data, Packaging=BAGIT)
    assert response.status_code == 201, response.content
    return Deposit.objects.get()


@pytest.mark.django_db
@pytest.mark.parametrize("base", ["", "bag/"])
def test_the_metadata_of_a_bag_become_those_of_its_deposit(base: str) -> None:
    deposit = deposited(bag(base=base))
    check(deposit.pk, worker="test")
    deposit.refresh_from_db()
    assert (deposit.status, deposit.title) == ("verified", "In the bag")
    entry = deposits.effective_entry(deposit)
    assert entry is not None
    assert [author.name for author in entry.authors] == ["Ada"]


@pytest.mark.django_db
@pytest.mark.parametrize("metadata", [b"{", b"[]", b'{"@type": "Other"}'])
def test_what_is_no_metadata_rejects_the_bag(metadata: bytes) -> None:
    deposit = deposited(bag(metadata))
    check(deposit.pk, worker="test")
    deposit.refresh_from_db()
    assert deposit.status == "rejected"
    assert [finding.code for finding in Finding.objects.all()] == ["sword3.metadata"]


@pytest.mark.django_db
def test_metadata_that_were_sent_count_before_those_of_a_bag() -> None:
    client, collection = depositor()
    sword3 = Sword3(http_client(client))
    made = sword3.metadata("POST", f"/3/service/{collection.name}/", In_Progress="true")
    sword3.file("POST", made["Location"], bag(), Packaging=BAGIT)
    deposit = Deposit.objects.get()
    check(deposit.pk, worker="test")
    deposit.refresh_from_db()
    assert (deposit.status, deposit.title) == ("verified", "A program")


@pytest.mark.django_db
def test_a_bag_is_held_against_the_profile_of_its_collection() -> None:
    deposit = deposited(bag())
    profile = {"BagIt-Profile-Info": {"BagIt-Profile-Identifier": "https://example.org/p.json"}}
    Collection.objects.filter(pk=deposit.collection_id).update(bag_profile=profile)
    check(deposit.pk, worker="test")
    deposit.refresh_from_db()
    assert deposit.status == "rejected"
    finding = Finding.objects.get(deposit=deposit, code__startswith="bagit.")
    assert (finding.code, "https://example.org/p.json" in finding.message) == ("bagit.profile", True)
