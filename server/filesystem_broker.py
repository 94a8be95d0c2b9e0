"""The embedded broker: kombu's folder of messages, with messages that are there whole or not at all.

The stock transport makes a message's file and then writes it. A worker that looks in between finds nothing in it, takes
it for a broker that speaks nonsense, and ends. And it looks for messages fifty times a second, which costs more than
all else while nothing is done; here the kernel tells when one comes.
"""

import logging
import uuid
from pathlib import Path
from queue import Empty
from time import monotonic, sleep
from typing import Any

from kombu.exceptions import ChannelError
from kombu.transport import filesystem
from kombu.utils.json import dumps

from server.folder_watch import FolderWatch

logger = logging.getLogger(__name__)


class Channel(filesystem.Channel):
    """A channel whose messages appear at once."""

    def _put(self, queue: str, message: Any, **kwargs: Any) -> None:  # type: ignore[override]
        folder = Path(self.data_folder_out)
        name = f"{round(monotonic() * 1000)}_{uuid.uuid4()}.{queue}.msg"
        # Belongs to no queue.
        written = folder / f"{name}.new"
        try:
            written.write_text(dumps(message), encoding="utf-8")
            written.rename(folder / name)
        except OSError as error:
            raise ChannelError(f"The message {folder / name} cannot be written: {error.strerror}") from error

    def _get(self, queue: str, timeout: float | None = None) -> Any:
        try:
            return super()._get(queue)
        except ValueError:
            # Torn by a power cut; what it said is said again.
            raise Empty from None


class Transport(filesystem.Transport):
    """What ``filesystem://`` means here."""

    Channel = Channel

    def __init__(self, client: Any, **kwargs: Any) -> None:
        super().__init__(client, **kwargs)
        self._watch: FolderWatch | None = None
        self._is_blind = False

    # The stubs know neither the argument nor that these are there once a connection is.
    client: Any
    cycle: Any
    channels: Any

    def drain_events(self, connection: Any, timeout: float | None = None, **kwargs: Any) -> None:
        """Deliver the next message. Raises `TimeoutError` when none comes within ``timeout`` seconds."""
        end = None if timeout is None else monotonic() + timeout
        watch = self._watching()
        while True:
            if watch:
                watch.forget()
            try:
                self.cycle.get(self._deliver, timeout=timeout)
            except Empty:
                left = 1.0 if end is None else end - monotonic()
                if left <= 0:
                    raise TimeoutError from None
                self._wait(watch, min(left, 1.0))
            else:
                return

    def _wait(self, watch: FolderWatch | None, seconds: float) -> None:
        """Wait for a message; not for long where a task that ends is what is waited for, for nobody tells of that."""
        if watch and all(channel.qos.can_consume() for channel in self.channels):
            watch.wait(seconds)
        else:
            sleep(min(seconds, self.polling_interval or seconds))

    def _watching(self) -> FolderWatch | None:
        """The watch on the folder; None where the kernel does not tell."""
        if self._watch is None and not self._is_blind:
            try:
                self._watch = FolderWatch(Path(self.client.transport_options["data_folder_in"]))
            except OSError as error:
                self._is_blind = True
                logger.info("messages are looked for every %s seconds: %s", self.polling_interval, error)
        return self._watch

    def close_connection(self, connection: Any) -> None:
        """Let go of the folder, too."""
        if self._watch is not None:
            self._watch.close()
            self._watch = None
        super().close_connection(connection)
