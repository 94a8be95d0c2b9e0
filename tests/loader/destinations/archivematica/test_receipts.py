"""Receipts of stored AIPs: in a folder, to an address, and what happens when they cannot be sent."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from django.core.exceptions import ValidationError

from deposit.actors import Channel, system_actor
from deposit.services import deliveries
from loader.destinations.archivematica.receipts import ATTEMPTS
from tests.loader.destinations.archivematica.delivering import Delivering, steps, transfer_of
from tests.loader.destinations.archivematica.pipelines import key_file, new_pipeline
from tests.support.archivematica import Archivematica

pytestmark = pytest.mark.django_db(transaction=True)


class Receiver(ThreadingHTTPServer):
    """Takes receipts; answers with ``status``."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status = 204
        self.taken: list[tuple[dict[str, str], dict[str, object]]] = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}/receipts"


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, Receiver)
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.taken.append((dict(self.headers), body))
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        """Nothing."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield server
        server.shutdown()


def test_a_receipt_is_written_into_a_folder(double: Archivematica, tmp_path: Path) -> None:
    folder = tmp_path / "receipts"
    folder.mkdir()
    delivering = Delivering(double, tmp_path, receipt=str(folder))

    delivery = delivering.to_its_end(delivering.deposit())

    assert delivery.state == "done"
    [receipt] = folder.iterdir()
    assert receipt.name == f"Receipt_{delivery.deposit_id}_{delivery.pk}.json"
    told = json.loads(receipt.read_text())
    transfer = transfer_of(delivery.deposit)
    assert (told["accepted"], told["aip"], told["transfer"]) == (
        True,
        transfer.sip_uuid,
        transfer.transfer_uuid,
    )
    assert told["identifier"] == str(delivery.deposit_id)


def test_a_receipt_is_sent_to_an_address(double: Archivematica, receiver: Receiver, tmp_path: Path) -> None:
    reference = key_file(tmp_path, "receipt", "a bearer's token")
    delivering = Delivering(double, tmp_path, receipt=receiver.url, receipt_key_ref=reference)

    delivery = delivering.to_its_end(delivering.deposit())

    assert delivery.state == "done"
    [(headers, told)] = receiver.taken
    assert headers["Authorization"] == "Bearer a bearer's token"
    assert headers["Idempotency-Key"] == f"Receipt_{delivery.deposit_id}_{delivery.pk}"
    assert told["delivery"] == delivery.pk


@pytest.mark.parametrize(
    ("option", "state", "step"),
    [("without_receipt", "done", "done"), ("abandon", "abandoned", "failed"), ("retry", "done", "done")],
)
def test_a_person_decides_what_becomes_of_one_that_cannot_be_sent(
    double: Archivematica, receiver: Receiver, tmp_path: Path, option: str, state: str, step: str
) -> None:
    receiver.status = 500
    delivering = Delivering(double, tmp_path, receipt=receiver.url, capacity=1)
    deposit = delivering.deposit()
    for _ in range(60):
        delivery = delivering.look(deposit)
        if delivery.state == "asking":
            break
    assert len(receiver.taken) == ATTEMPTS
    # The AIP is stored and the place is free, whatever is decided.
    assert transfer_of(deposit).left_at is not None
    receiver.status = 200

    actor = system_actor(Channel.COMMAND)
    deliveries.decide(delivery_id=delivery.pk, option=option, actor=actor)
    delivery = delivering.to_its_end(deposit)

    assert (delivery.state, steps(delivery)["send_receipt"]) == (state, step)
    assert len(receiver.taken) == ATTEMPTS + (option == "retry")
    assert len(double.state.store.packages) == 1


def test_a_place_for_receipts_is_a_folder_or_an_address(double: Archivematica, tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="Receipts go to"):
        new_pipeline(double, tmp_path, receipt="receipts.example.org")
