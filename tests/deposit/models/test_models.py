"""The database refuses what the code forbids: one test for each constraint of the record."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.models import ProtectedError
from django.db.models.functions import Now

from deposit.models import Client, Collection, Deposit, Event, Finding, Membership, Part, Status, WorkItem
from tests.support.factories import new_client, new_collection, new_deposit
from tests.support.lifecycle_fixtures import IDENTIFIERS, in_status

pytestmark = pytest.mark.django_db

HEX = "0" * 64


@contextmanager
def refused_by(constraint: str) -> Iterator[None]:
    """The block breaks exactly this constraint."""
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        yield
    assert isinstance(caught.value.__cause__, psycopg2.Error)
    assert caught.value.__cause__.diag.constraint_name == constraint


def change(deposit: Deposit, **fields: Any) -> None:
    """Write past the lifecycle, straight into the row."""
    Deposit.objects.filter(pk=deposit.pk).update(**fields)


# --- Who may deposit -----------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["", "a/b", ".hidden", "servicedocument", "a b", "ä"])
def test_a_collection_is_named_by_one_path_segment(name: str) -> None:
    with refused_by("collection_name_is_a_path_segment"):
        Collection.objects.create(name=name)


def test_a_collection_has_its_name_alone() -> None:
    new_collection("hal")
    with refused_by("deposit_collection_name_key"):
        new_collection("hal")


@pytest.mark.parametrize(
    "url", ["", "hal.example.org", "ftp://hal.example.org/", "https:///x", "https:// a/"]
)
def test_a_provider_url_is_http_and_names_a_host(url: str) -> None:
    with refused_by("client_provider_url_is_http"):
        new_client(provider_url=url)


def test_a_user_is_one_client() -> None:
    client = new_client()
    with refused_by("deposit_client_user_id_key"):
        Client.objects.create(user=client.user, provider_url="https://hal.example.org/")


def test_a_membership_is_granted_once() -> None:
    collection = new_collection()
    client = new_client(collection)
    with refused_by("membership_is_unique"):
        Membership.objects.create(client=client, collection=collection)


def test_a_collection_with_members_stays() -> None:
    collection = new_collection()
    new_client(collection)
    with pytest.raises(ProtectedError):
        collection.delete()


# --- Deposits ------------------------------------------------------------------------------------------
def test_a_client_and_a_collection_with_deposits_stay() -> None:
    deposit = new_deposit()
    Membership.objects.all().delete()
    for owner in (deposit.client, deposit.collection):
        with pytest.raises(ProtectedError):
            owner.delete()


def test_a_parent_stays() -> None:
    parent = new_deposit()
    new_deposit(parent.client, parent.collection, parent=parent)
    with pytest.raises(ProtectedError):
        parent.delete()


def test_no_other_statuses() -> None:
    with refused_by("deposit_status_is_of_the_lifecycle"):
        change(in_status(Status.DEPOSITED), status="lost")


def test_no_other_types() -> None:
    with refused_by("deposit_type_is_known"):
        change(new_deposit(), type="text")


@pytest.mark.parametrize("status", [s for s in Status if s not in ("partial", "expired")])
def test_what_was_completed_has_its_date(status: Status) -> None:
    with refused_by("deposit_complete_date_follows_status"):
        change(in_status(status), complete_date=None)


@pytest.mark.parametrize("status", [Status.PARTIAL, Status.EXPIRED])
def test_what_was_not_completed_has_no_date(status: Status) -> None:
    with refused_by("deposit_complete_date_follows_status"):
        change(in_status(status), complete_date=Now())


@pytest.mark.parametrize("field", ["swhid", "swhid_context", "origin_url"])
def test_a_loaded_package_has_its_identifiers(field: str) -> None:
    with refused_by("deposit_done_has_identifiers"):
        change(in_status(Status.DONE), **{field: None})


@pytest.mark.parametrize(
    "swhid",
    [
        "",
        "swh:1:ori:" + "a" * 40,
        "swh:1:dir:" + "A" * 40,
        "swh:1:dir:" + "a" * 39,
        IDENTIFIERS["swhid"] + ";path=/",
    ],
)
def test_a_swhid_is_a_core_identifier(swhid: str) -> None:
    with refused_by("deposit_swhid_is_a_core_swhid"):
        change(in_status(Status.DONE), swhid=swhid)


def test_a_deposit_is_not_its_own_parent() -> None:
    deposit = new_deposit()
    with refused_by("deposit_is_not_its_own_parent"):
        change(deposit, parent=deposit)


# --- Parts, findings, events ---------------------------------------------------------------------------
PACKAGE = {"kind": "package", "name": "p.zip", "stored_as": "packages/x", "size": 1, "sha256": HEX}
METADATA = {"kind": "metadata", "document": b"<entry/>", "size": 8, "sha256": HEX}


def test_the_parts_of_these_tests_are_acceptable() -> None:
    deposit = new_deposit()
    for fields in (PACKAGE, METADATA):
        Part.objects.create(deposit=deposit, **fields)


@pytest.mark.parametrize(
    "fields",
    [
        PACKAGE | {"stored_as": None},
        PACKAGE | {"document": b"x"},
        PACKAGE | {"name": ""},
        PACKAGE | {"name": "a/b"},
        METADATA | {"document": None},
        METADATA | {"stored_as": "packages/x"},
        METADATA | {"kind": "other"},
    ],
)
def test_a_part_is_either_a_file_or_a_document(fields: dict[str, Any]) -> None:
    with refused_by("part_is_a_file_or_a_document"):
        Part.objects.create(deposit=new_deposit(), **fields)


@pytest.mark.parametrize("digest", ["", "A" * 64, "0" * 63, "0" * 63 + "g"])
def test_a_digest_is_in_lower_case_hex(digest: str) -> None:
    with refused_by("part_sha256_is_hex"):
        Part.objects.create(deposit=new_deposit(), **(METADATA | {"sha256": digest}))


def test_no_two_parts_share_a_file() -> None:
    deposit = new_deposit()
    Part.objects.create(deposit=deposit, **PACKAGE)
    with refused_by("deposit_part_stored_as_key"):
        Part.objects.create(deposit=deposit, **PACKAGE)


def test_a_size_is_not_negative() -> None:
    with refused_by("deposit_part_size_check"):
        Part.objects.create(deposit=new_deposit(), **(METADATA | {"size": -1}))


def test_no_revision_is_below_zero() -> None:
    with refused_by("deposit_deposit_revision_check"):
        change(new_deposit(), revision=-1)


# --- Work ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("field", ["lease_token", "attempts", "sends"])
def test_nothing_about_work_is_counted_below_zero(field: str) -> None:
    in_status(Status.DEPOSITED)
    with refused_by(f"deposit_workitem_{field}_check"):
        WorkItem.objects.update(**{field: -1})


def test_work_is_open_once() -> None:
    deposit = in_status(Status.DEPOSITED)
    with refused_by("work_is_open_once"):
        WorkItem.objects.create(kind="check", key=str(deposit.pk), queue="check")


@pytest.mark.parametrize(
    "fields", [{"lease_owner": ""}, {"lease_token": 0}, {"sent_at": None}], ids=lambda fields: str(fields)
)
def test_a_lease_has_an_owner_and_a_token(fields: dict[str, Any]) -> None:
    in_status(Status.LOADING)
    with refused_by("work_lease_has_an_owner_and_a_token"):
        WorkItem.objects.update(**fields)


@pytest.mark.parametrize(
    ("field", "constraint"), [("area", "finding_area_is_known"), ("severity", "finding_severity_is_known")]
)
def test_a_finding_speaks_of_a_known_area_and_weighs_a_known_weight(field: str, constraint: str) -> None:
    fields = {"area": "archive", "severity": "error", "code": "x", "message": "x"}
    Finding.objects.create(deposit=new_deposit(), **fields)
    with refused_by(constraint):
        Finding.objects.create(deposit=new_deposit(), **(fields | {field: "other"}))


@pytest.mark.parametrize(
    "rewrite", [lambda events: events.update(actor="nobody"), lambda events: events._raw_delete("default")]
)
def test_history_is_neither_changed_nor_removed(rewrite: Callable[[Any], object]) -> None:
    deposit = in_status(Status.DEPOSITED)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        rewrite(Event.objects.filter(deposit=deposit))
    assert list(Event.objects.filter(deposit=deposit).values_list("name", "actor")) == [("complete", "test")]


def test_history_outlives_its_deposit() -> None:
    deposit = new_deposit()
    Event.objects.create(deposit=deposit, name="create", actor="test")
    number = deposit.pk
    deposit.delete()
    assert Event.objects.filter(deposit_id=number).count() == 1


def test_a_collection_marks_or_refuses_duplicates() -> None:
    with refused_by("collection_duplicates_is_known"):
        Collection.objects.create(name="hal", duplicates="guess")


def test_a_collection_prefers_one_folder_or_none_or_neither() -> None:
    with refused_by("collection_top_folder_is_known"):
        Collection.objects.create(name="hal", top_folder="two")


LIMITS = [
    "collection_max_upload_size_is_sensible",
    "collection_max_metadata_size_is_sensible",
    "collection_max_members_is_sensible",
    "collection_max_total_is_sensible",
    "collection_max_member_is_sensible",
    "collection_max_ratio_is_sensible",
    "collection_max_path_is_sensible",
    "collection_max_depth_is_sensible",
    "collection_max_seconds_is_sensible",
    "collection_max_memory_is_sensible",
]


@pytest.mark.parametrize("constraint", LIMITS)
@pytest.mark.parametrize("value", [0, 2**62 + 1])
def test_a_collections_limits_are_sensible(constraint: str, value: int) -> None:
    field = constraint.removeprefix("collection_").removesuffix("_is_sensible")
    with refused_by(constraint):
        Collection.objects.create(name="hal", **{field: value})


# --- None is forgotten ---------------------------------------------------------------------------------
def test_every_constraint_of_the_record_is_tested_here() -> None:
    here = Path(__file__)
    source = here.read_text() + here.with_name("test_deliveries.py").read_text()
    names = {
        constraint.name
        for model in (Collection, Client, Membership, Deposit, Part, Finding, Event, WorkItem)
        for constraint in model._meta.constraints
    }
    assert {name for name in names if f'"{name}"' not in source} == set()


def test_the_queue_is_read_through_its_indexes() -> None:
    """Each round of the dispatcher would otherwise read the whole table."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexname FROM pg_indexes WHERE tablename = %s", [WorkItem._meta.db_table])
        names = {name for (name,) in cursor.fetchall()}
    assert {"work_in_order", "work_out"} <= names


def test_no_index_holds_what_a_claim_or_a_renewal_writes() -> None:
    """Each would otherwise write into every index, and the table would grow with every sign of life."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexdef FROM pg_indexes WHERE tablename = %s", [WorkItem._meta.db_table])
        definitions = " ".join(text for (text,) in cursor.fetchall())
    assert [
        name for name in ("lease_token", "lease_expires_at", "lease_owner", "attempts") if name in definitions
    ] == []
