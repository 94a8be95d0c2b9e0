"""The embedded broker: kombu's folder of messages, with messages that are there whole or not at all.

The stock transport makes a message's file and then writes it. A worker that looks in between finds nothing in it, takes
it for a broker that speaks nonsense, and ends.
"""

import uuid
from pathlib import Path
from queue import Empty
from time import monotonic
from typing import Any

from kombu.exceptions import ChannelError
from kombu.transport import filesystem
from kombu.utils.json import dumps


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
