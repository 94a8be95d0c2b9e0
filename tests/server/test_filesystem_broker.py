"""Messages in the embedded broker's folder are whole, or are passed over."""

import threading
from pathlib import Path
from queue import Empty

import pytest
from kombu import Connection
from kombu.simple import SimpleQueue

from settings.celery import app

MESSAGES = 300
# Of no other test: a process remembers which queues it has bound, whatever the folder.
QUEUE = "folder"


def opened(folder: Path) -> Connection:
    options = {
        "data_folder_in": str(folder),
        "data_folder_out": str(folder),
        "control_folder": str(folder / "control"),
        "polling_interval": 0.001,
    }
    return Connection("filesystem://localhost", transport_options=options)


def taken(queue: SimpleQueue, seconds: float) -> object:
    message = queue.get(timeout=seconds)
    message.ack()
    return message.payload


def test_a_reader_never_finds_half_a_message(tmp_path: Path) -> None:
    def send() -> None:
        with opened(tmp_path) as connection, connection.SimpleQueue(QUEUE) as queue:
            for number in range(MESSAGES):
                queue.put({"number": number})

    sender = threading.Thread(target=send)
    with opened(tmp_path) as connection, connection.SimpleQueue(QUEUE) as queue:
        sender.start()
        found = [taken(queue, 30) for _ in range(MESSAGES)]
    sender.join()
    assert sorted(message["number"] for message in found) == list(range(MESSAGES))  # type: ignore[index]


def test_a_message_that_a_power_cut_emptied_is_passed_over(tmp_path: Path) -> None:
    with opened(tmp_path) as connection, connection.SimpleQueue(QUEUE + ".torn") as queue:
        (tmp_path / f"0_torn.{QUEUE}.torn.msg").touch()
        queue.put("whole")
        assert taken(queue, 10) == "whole"
        assert list(tmp_path.glob("*.msg*")) == []
        with pytest.raises(Empty):
            queue.get(timeout=0.01)


def test_the_application_uses_it() -> None:
    with app.connection() as connection:
        assert connection.get_transport_cls().__module__ == "server.filesystem_broker"
