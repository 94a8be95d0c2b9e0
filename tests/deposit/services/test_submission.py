"""One key, one deposit: whoever submits, however often, and however many at once."""

import threading

import pytest
from django.db import connection

from deposit.metadata.entry import Entry, read_entry
from deposit.models import Client, Collection, Deposit, Event, Part, Status, SubmissionKey
from deposit.refusals import Refusal
from deposit.services.parts import Package
from deposit.services.submission import submit, was_used
from tests.deposit.models.test_models import refused_by
from tests.support.lifecycle_fixtures import depositor, package
from tests.support.samples import atom_entry, create_origin, make_zip


def entry(origin: str = "https://hal.example.org/one") -> Entry:
    return read_entry(atom_entry(create_origin(origin)))


def submitted(who: tuple[Client, Collection], *files: Package, key: str = "a.zip 1") -> Deposit:
    client, collection = who
    return submit(
        client=client, collection=collection, files=files, entry=entry(), source="folder in", key=key
    )


@pytest.mark.django_db
def test_what_is_submitted_is_complete_and_waits_for_its_checks() -> None:
    one, two = package(make_zip({"a": b"1"})), package(make_zip({"b": b"2"}), "second.zip")
    deposit = submitted(depositor(), one, two)
    assert (deposit.status, deposit.parts.filter(kind="package").count()) == (Status.DEPOSITED, 2)
    assert was_used(deposit, one)
    assert set(Event.objects.filter(deposit=deposit).values_list("via__door", flat=True)) == {"source"}


@pytest.mark.django_db
def test_the_same_key_is_the_same_deposit_and_another_key_another() -> None:
    who = depositor()
    first = submitted(who, package(make_zip({"a": b"1"})))
    late = package(make_zip({"a": b"1"}))
    assert submitted(who, late) == first
    assert not was_used(first, late)
    assert submitted(who, late, key="a.zip 2") != first


@pytest.mark.django_db
def test_what_is_refused_leaves_nothing_and_may_come_again() -> None:
    _, collection = depositor()
    stranger, _ = depositor()
    with pytest.raises(Refusal):
        submitted((stranger, collection), package(make_zip({"a": b"1"})))
    assert (Deposit.objects.count(), Part.objects.count(), SubmissionKey.objects.count()) == (0, 0, 0)


@pytest.mark.django_db(transaction=True)
def test_two_at_once_make_one_deposit() -> None:
    who = depositor()
    made: list[int] = []

    def run() -> None:
        try:
            made.append(submitted(who, package(make_zip({"a": b"1"}))).pk)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(made), len(set(made)), Deposit.objects.count()) == (6, 1, 1)


@pytest.mark.django_db
def test_a_key_is_one_and_says_something() -> None:
    client, _ = depositor()
    SubmissionKey.objects.create(client=client, key="a", source="in")
    with refused_by("submission_key_is_unique"):
        SubmissionKey.objects.create(client=client, key="a", source="in")
    with refused_by("submission_key_is_not_empty"):
        SubmissionKey.objects.create(client=client, key="", source="in")
