"""A collection's profile, through the checker: findings, identifiers, versions, packages that describe themselves."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from checker.checking import check
from checker.profiles import PROFILES
from deposit.actors import Actor, Channel
from deposit.metadata.entry import read_entry
from deposit.models import Client, Collection, Deposit, Finding, PackageVersion, Profile, Status
from deposit.services import deposits
from deposit.services.parts import Submission
from tests.support.factories import new_collection
from tests.support.lifecycle_fixtures import depositor, package
from tests.support.samples import atom_entry, make_tar, make_zip

pytestmark = pytest.mark.django_db(transaction=True)

Who = tuple[Client, Collection]


@pytest.fixture(autouse=True)
def _staging(tmp_path: Path, settings: Any) -> None:
    settings.STAGING_ROOT = str(tmp_path)


@pytest.fixture
def who() -> Who:
    """A client of a collection that takes transfer packages."""
    client, collection = depositor()
    collection.profile = Profile.TRANSFER_PACKAGE
    collection.save()
    return client, collection


def transfer(identifier: str = "GARDEN/1", *, make: Callable[..., bytes] = make_zip, **files: bytes) -> bytes:
    """A transfer package of this identifier."""
    metadata = f"filename,dc.identifier,dc.title\nobjects/,{identifier},The garden\n".encode()
    return make({"minutes.pdf": b"%PDF", "metadata/metadata.csv": metadata, **files})


def checked(
    who: Who, data: bytes, *, slug: str | None = None, entry: bytes | None = None, **fields: Any
) -> Deposit:
    """A deposit of this package alone, after its check."""
    client, collection = who
    deposit = deposits.create(
        actor=Actor(user=client.user, channel=Channel.SWORD),
        collection=collection,
        submission=Submission(package=package(data), entry=read_entry(entry) if entry else None),
        in_progress=False,
        slug=slug,
    )
    Deposit.objects.filter(pk=deposit.pk).update(**fields)
    check(deposit.pk, worker="checker")
    deposit.refresh_from_db()
    return deposit


def codes(deposit: Deposit) -> list[str]:
    return list(Finding.objects.filter(deposit=deposit, severity="error").values_list("code", flat=True))


def test_profiles_of_the_record_and_of_the_checker_are_the_same() -> None:
    assert sorted(PROFILES) == sorted(Profile.values)


@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_right_package_needs_no_other_description_and_is_known_by_its_identifier(
    who: Who, make: Callable[..., bytes]
) -> None:
    deposit = checked(who, transfer(make=make))
    assert (deposit.status, deposit.external_id, deposit.title) == (Status.VERIFIED, "GARDEN/1", "The garden")


def test_all_findings_come_at_once(who: Who) -> None:
    wrong = make_zip({"objects/a": b"a", "metadata/metadata.csv": b"filename\nx\n", "metadata/b": b""})
    deposit = checked(who, wrong, entry=atom_entry())
    assert deposit.status == Status.REJECTED
    assert codes(deposit) == [
        "transfer.objects",
        "transfer.metadata.other-files",
        "transfer.metadata.columns",
        "transfer.metadata.filename",
    ]


def test_same_identifier_again_is_the_next_version_and_a_recheck_is_not(who: Who) -> None:
    first, other, second = (checked(who, transfer(each)) for each in ("A", "B", "A"))
    versions = {v.deposit_id: (v.external_id, v.number) for v in PackageVersion.objects.all()}
    assert versions == {first.pk: ("A", 1), other.pk: ("B", 1), second.pk: ("A", 2)}
    checked(who, make_zip({"a": b""}), entry=atom_entry())
    assert PackageVersion.objects.count() == 3


def test_slug_counts_versions_too_and_the_package_has_the_last_word(who: Who) -> None:
    client, plain = depositor()
    slugged = checked((client, plain), make_zip({"a": b"1"}), slug="mine", entry=atom_entry())
    assert slugged.package_version.external_id == "mine"
    assert checked(who, transfer("A"), slug="mine").external_id == "A"


def test_identifiers_of_tests_go_to_the_testing_collection(who: Who) -> None:
    tests = new_collection("testing")
    who[1].profile_options = {"testing_prefix": "TEST/", "testing_collection": "testing"}
    who[1].save()
    assert checked(who, transfer("TEST/1")).collection == tests
    assert checked(who, transfer("TESTAMENT/1")).collection == who[1]


def test_options_of_the_collection_count(who: Who) -> None:
    who[1].profile_options = {"identifier_columns": ["shelfmark"], "rights_required": True}
    who[1].save()
    deposit = checked(who, transfer(), entry=atom_entry())
    assert codes(deposit) == ["transfer.metadata.columns", "transfer.rights.missing"]


def test_profile_of_a_deposit_counts_before_its_collections() -> None:
    who = depositor()
    deposit = checked(who, make_zip({"a": b"1"}), entry=atom_entry(), profile="transfer-package")
    assert codes(deposit) == ["transfer.metadata.missing"]


def test_archivematicas_checksums_are_computed_whatever_the_order(who: Who) -> None:
    who[1].profile = Profile.ARCHIVEMATICA
    who[1].save()
    listed = f"{hashlib.sha512(b'a').hexdigest()}  ../objects/a\n".encode()
    right = make_zip({"metadata/checksum.sha512": listed, "objects/a": b"a"})
    assert checked(who, right, entry=atom_entry()).status == Status.VERIFIED
    wrong = make_zip({"objects/a": b"b", "metadata/checksum.sha512": listed})
    assert codes(checked(who, wrong, entry=atom_entry())) == ["archivematica.checksum.differs"]


@pytest.mark.skipif(
    "DEPOSIT_TEST_DATA" not in os.environ, reason="DEPOSIT_TEST_DATA names no folder of test data"
)
@pytest.mark.parametrize(
    ("name", "verdict"),
    [
        ("valid_transfer_package.zip", []),
        ("valid_transfer_package_with_byte_order_mark.zip", []),
        ("no_metadata_csv.zip", ["transfer.metadata.missing"]),
        ("single_dir_compressed.zip", ["transfer.single-folder", "transfer.metadata.missing"]),
    ],
)
def test_real_packages_have_their_known_verdicts(who: Who, name: str, verdict: list[str]) -> None:
    data = (Path(os.environ["DEPOSIT_TEST_DATA"]) / "transfer-packages" / name).read_bytes()
    deposit = checked(who, data, entry=atom_entry())
    assert codes(deposit) == verdict
    assert deposit.external_id == (None if verdict else "LE/MON")
