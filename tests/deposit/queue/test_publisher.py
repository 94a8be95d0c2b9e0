"""Messages reach the broker, or the dispatcher learns within seconds that it is away; with every broker there is."""

import os
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import current_app

from deposit.queue.publisher import PATIENCE_SECONDS, BrokerAway, Publisher
from deposit.queue.registry import Kind
from deposit.services.work import CHECK, LOAD
from tests.faults.brokers import BROKERS, Broker, BrokerMissing


@pytest.fixture(params=list(BROKERS))
def broker(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Broker]:
    folder = Path(tempfile.mkdtemp(prefix="broker-"))
    try:
        found = BROKERS[request.param](folder)
    except BrokerMissing as missing:
        pytest.skip(str(missing))
    if request.param == "rabbitmq" and "TEST_FAULTS" not in os.environ:
        pytest.skip("RabbitMQ takes seconds to start: set TEST_FAULTS=1")
    found.start()
    options = dict(current_app.conf.broker_transport_options)
    if request.param == "filesystem":
        messages = str(folder / "broker/messages")
        options |= {"data_folder_in": messages, "data_folder_out": messages}
    else:
        options = {"confirm_publish": True} if request.param == "rabbitmq" else {}
    monkeypatch.setitem(current_app.conf, "broker_url", found.url)
    monkeypatch.setitem(current_app.conf, "broker_transport_options", options)
    yield found
    found.stop()
    shutil.rmtree(folder, ignore_errors=True)


def received(broker: Broker, kind: Kind) -> list[list[Any]]:
    """The arguments of all tasks that wait in a queue; takes them out."""
    with current_app.connection() as connection:
        queue = connection.SimpleQueue(kind.queue)
        found: list[list[Any]] = []
        while True:
            try:
                message = queue.get(timeout=1)
            except queue.Empty:
                queue.close()
                return found
            found.append(message.payload[0])
            message.ack()


def test_a_message_names_its_deposit(broker: Broker) -> None:
    publisher = Publisher()
    for number in (1, 2):
        publisher.send(CHECK, str(number))
    publisher.close()
    assert sorted(received(broker, CHECK)) == [["1"], ["2"]]


def test_a_broker_that_is_away_is_noticed_and_used_again_when_it_is_back(broker: Broker) -> None:
    publisher = Publisher()
    publisher.send(LOAD, "1")
    away = threading.Thread(target=broker.kill, args=(2,))
    away.start()
    time.sleep(0.5)
    with pytest.raises(BrokerAway):
        publisher.send(LOAD, "2")
    away.join()
    publisher.send(LOAD, "3")
    publisher.close()
    assert received(broker, LOAD)[-1:] == [["3"]]


@pytest.mark.skipif("TEST_FAULTS" not in os.environ, reason="takes half a minute: set TEST_FAULTS=1")
def test_a_frozen_broker_holds_nobody_for_long(broker: Broker) -> None:
    publisher = Publisher()
    publisher.send(CHECK, "1")
    frozen = threading.Thread(target=broker.freeze, args=(4 * PATIENCE_SECONDS,), daemon=True)
    frozen.start()
    time.sleep(0.3)
    begun = time.monotonic()
    with pytest.raises(BrokerAway):
        publisher.send(CHECK, "2")
    assert time.monotonic() - begun < 3 * PATIENCE_SECONDS
    with pytest.raises(BrokerAway):
        publisher.send(CHECK, "3")
    frozen.join()
