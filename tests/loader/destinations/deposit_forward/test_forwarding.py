"""Handing deposits over to another deposit server: here, to ourselves, as another client in another collection."""

import os
import random
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from pytest_django.live_server_helper import LiveServer

from checker.checking import check
from deposit.models import Client, Collection, Delivery, Deposit, Identifier, Status, WorkItem
from deposit.queue.dispatcher import release_passed_leases
from deposit.staging.files import path_of
from loader.workflow import destination_named, load
from tests.support.factories import PASSWORD, new_client, new_collection
from tests.support.lifecycle_fixtures import pass_lease, sent
from tests.support.samples import make_tar, make_zip

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def there(
    tmp_path: Path, settings: Any, live_server: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> Collection:
    """The collection that deposits are forwarded to, on a server of its own address."""
    settings.STAGING_ROOT = str(tmp_path / "staging")
    settings.ARCHIVE_ROOT = str(tmp_path / "archive")
    collection = new_collection("there")
    new_client(collection, username="forwarder")
    monkeypatch.setenv("FORWARDING_KEY", PASSWORD)
    settings.FORWARD_TO = f"{live_server.url}/1"
    settings.FORWARD_COLLECTION = "there"
    settings.FORWARD_USERNAME = "forwarder"
    settings.FORWARD_PASSWORD = "env:FORWARDING_KEY"
    settings.FORWARD_POLL_SECONDS = 0
    return collection


def verified(*packages: bytes, origin: str = "https://hal.example.org/one") -> Deposit:
    collection = new_collection()
    Collection.objects.filter(pk=collection.pk).update(destinations=["deposit_forward"])
    deposit = sent(*packages, who=(new_client(collection), collection), origin=origin)
    check(deposit.pk, worker="checker")
    return deposit


def loaded(deposit: Deposit) -> Deposit:
    WorkItem.objects.filter(deposit=deposit).update(due_at="2000-01-01T00:00Z")
    load(deposit.pk, worker="loader")
    deposit.refresh_from_db()
    return deposit


def delivery_of(deposit: Deposit) -> Delivery:
    return Delivery.objects.get(deposit=deposit, destination="deposit_forward", current=True)


def finish_there(there: Collection) -> Deposit:
    (other,) = Deposit.objects.filter(collection=there)
    check(other.pk, worker="checker")
    load(other.pk, worker="loader")
    other.refresh_from_db()
    return other


def test_a_deposit_is_handed_over_and_followed_to_its_end(there: Collection) -> None:
    packages = make_zip({"pkg/readme": b"one"}), make_tar({"pkg/more": b"two"})
    deposit = loaded(verified(*packages))
    assert (deposit.status, delivery_of(deposit).state) == (Status.LOADING, "waiting")
    assert (
        delivery_of(deposit).activities.get(name="follow it").note
        == "At the other deposit server it is deposited."
    )
    other = finish_there(there)
    assert (other.status, other.origin_url, other.parts.count()) == (Status.DONE, deposit.origin_url, 3)
    assert loaded(deposit).status == Status.DONE
    assert deposit.swhid == other.swhid
    told = dict(Identifier.objects.filter(deposit=deposit).values_list("scheme", "value"))
    assert told["forward-swhid"] == other.swhid_context
    assert told["forward"].endswith(f"/1/there/{other.pk}/status/")
    inspect = destination_named("deposit_forward").inspect
    assert inspect is not None
    assert inspect(delivery_of(deposit))["complete"] is True


def test_what_is_rejected_there_fails_here_with_the_reason(there: Collection) -> None:
    deposit = loaded(verified())
    (other,) = Deposit.objects.filter(collection=there)
    part = other.parts.get(kind="package")
    # The file is damaged there.
    path_of(part.stored_as or "").write_bytes(b"no package")
    finish_there(there)
    assert loaded(deposit).status == Status.FAILED
    delivery = delivery_of(deposit)
    assert delivery.code == "forward.ended"
    assert delivery.error.startswith("At the other deposit server it is rejected: - ")


def test_what_is_refused_there_fails_here_with_the_words_of_the_other(there: Collection) -> None:
    deposit = loaded(verified(origin="https://hal.example.org/two"))
    assert deposit.status == Status.LOADING
    Client.objects.filter(user__username="forwarder").update(provider_url="https://elsewhere.example.org/")
    refused = loaded(verified(origin="https://hal.example.org/three"))
    assert refused.status == Status.FAILED
    assert delivery_of(refused).code == "forward.refused"
    assert "https://hal.example.org/three" in delivery_of(refused).error


def test_an_absent_server_and_an_absent_key_are_waited_for(
    there: Collection, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    deposit = verified()
    monkeypatch.delenv("FORWARDING_KEY")
    assert loaded(deposit).status == Status.LOADING
    assert delivery_of(deposit).activities.get().error == "The key for the other deposit server is not there."
    monkeypatch.setenv("FORWARDING_KEY", PASSWORD)
    url, settings.FORWARD_TO = settings.FORWARD_TO, "http://127.0.0.1:9/1"
    assert loaded(deposit).status == Status.LOADING
    assert delivery_of(deposit).activities.get().error == "The other deposit server cannot be reached."
    settings.FORWARD_TO = url
    assert loaded(deposit).status == Status.LOADING
    finish_there(there)
    assert loaded(deposit).status == Status.DONE


def test_whoever_is_killed_hands_it_over_once(there: Collection, settings: Any) -> None:
    settings.MAX_ATTEMPTS = 1000
    chance = random.Random(os.environ.get("PYTEST_SEED", "1"))
    deposit = verified(make_zip({"a": os.urandom(300_000)}), make_zip({"b": os.urandom(300_000)}))
    for _ in range(int(os.environ.get("LOADER_KILLS", "8"))):
        load_in_child_beside(deposit, chance.uniform(0, 0.6))
        pass_lease(deposit)
        release_passed_leases()
    for _ in range(3):
        loaded(deposit)
    other = finish_there(there)
    assert [part.kind for part in other.parts.order_by("id")].count("package") == 2
    assert loaded(deposit).status == Status.DONE
    assert deposit.swhid == other.swhid


def load_in_child_beside(deposit: Deposit, seconds: float) -> None:
    """The live server has sessions of its own, so nothing waits for all of them to end."""
    connection.close()
    child = os.fork()
    if child == 0:
        try:
            load(deposit.pk, worker="child")
        finally:
            os._exit(0)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
