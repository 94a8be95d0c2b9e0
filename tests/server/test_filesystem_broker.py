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


def opened(folder: Path, **other: object) -> Connection:
    options: dict[str, object] = {
        "data_folder_in": str(folder),
        "data_folder_out": str(folder),
        "control_folder": str(folder / "control"),
        "polling_interval": 0.001,
        **other,
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


def test_whoever_waits_is_woken_by_the_message(tmp_path: Path) -> None:
    """With a pause that would outlast the test, were it slept."""
    with (
        opened(tmp_path, polling_interval=3600) as connection,
        connection.SimpleQueue(QUEUE + ".woken") as queue,
        opened(tmp_path) as other,
        other.SimpleQueue(QUEUE + ".woken") as far_end,
    ):
        sender = threading.Timer(0.2, far_end.put, ["good morning"])
        sender.start()
        assert taken(queue, 60) == "good morning"
        sender.join()


def test_where_the_kernel_does_not_tell_the_folder_is_looked_into(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(folder: Path) -> None:
        raise OSError("the kernel gives no further inotify")

    monkeypatch.setattr("server.filesystem_broker.FolderWatch", refuse)
    with opened(tmp_path) as connection, connection.SimpleQueue(QUEUE + ".polled") as queue:
        queue.put("whole")
        assert taken(queue, 10) == "whole"
        with pytest.raises(Empty):
            queue.get(timeout=0.01)


def test_the_application_uses_it() -> None:
    with app.connection() as connection:
        assert connection.get_transport_cls().__module__ == "server.filesystem_broker"
