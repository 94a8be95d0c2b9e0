"""Deposits on their way through the double: sent, checked, and taken further one look at a time."""

from pathlib import Path
from typing import Any

from checker.checking import check
from deposit.lifecycle import Work
from deposit.models import Collection, Delivery, Deposit
from deposit.queue import items
from loader.destinations.archivematica.models import Pipeline, Transfer
from loader.workflow import load
from tests.loader.destinations.archivematica.pipelines import new_pipeline
from tests.support.archivematica import Archivematica
from tests.support.factories import new_client, new_collection
from tests.support.lifecycle_fixtures import sent
from tests.support.samples import make_zip

FILES = {"letters/1.txt": b"Dear Ada", "letters/2.txt": b"Dear Charles"}
LOOKS = 60


class Delivering:
    """A collection whose deposits go through one pipeline of the double."""

    def __init__(self, double: Archivematica, folder: Path, **pipeline: Any) -> None:
        self.double = double
        self.collection: Collection = new_collection()
        self.collection.destinations = ["archivematica"]
        self.collection.save()
        self.client = new_client(self.collection)
        self.pipeline: Pipeline = new_pipeline(double, folder, collection=self.collection, **pipeline)
        self._number = 0

    def deposit(self, files: dict[str, bytes] | None = None) -> Deposit:
        """A deposit that passed its checks."""
        self._number += 1
        found = sent(
            make_zip(files or FILES),
            who=(self.client, self.collection),
            origin=f"https://hal.example.org/{self._number}",
        )
        check(found.pk, worker="checker")
        return found

    def look(self, deposit: Deposit, times: int = 1) -> Delivery:
        """Let a worker take it further, whatever it waits for; its newest delivery."""
        for _ in range(times):
            make_due(deposit)
            load(deposit.pk, worker="loader")
        return delivery_of(deposit)

    def to_its_end(self, deposit: Deposit) -> Delivery:
        """Look until the delivery has ended."""
        for _ in range(LOOKS):
            delivery = self.look(deposit)
            if delivery.ended_at is not None:
                return delivery
        raise AssertionError(f"{delivery} is still {delivery.state}: {steps(delivery)}")


def make_due(deposit: Deposit) -> None:
    """What the deposit waits for is now."""
    items.make_due(Work.LOAD, deposit.pk)


def delivery_of(deposit: Deposit) -> Delivery:
    """The newest delivery of a deposit."""
    return Delivery.objects.filter(deposit=deposit).latest("id")


def transfer_of(deposit: Deposit) -> Transfer:
    """The newest transfer of a deposit."""
    return Transfer.objects.filter(deposit=deposit).latest("id")


def steps(delivery: Delivery) -> dict[str, str]:
    """The steps of a delivery and how each stands."""
    return dict(delivery.activities.values_list("name", "state"))
