"""Handing messages to the broker: over one connection, with an end to every wait, and new after every fault."""

from contextlib import suppress
from typing import Any

from celery import current_app
from kombu import Connection
from kombu.exceptions import KombuError

from deposit.queue.registry import Kind

# How long the broker may take to answer before it counts as away, in seconds.
PATIENCE_SECONDS = 5
# The same, in the words of each transport, for waits that `send` cannot bound itself.
_AMQP: dict[str, Any] = {"read_timeout": PATIENCE_SECONDS, "write_timeout": PATIENCE_SECONDS}
# Its client asks four times before it gives up.
_REDIS: dict[str, Any] = {
    "socket_timeout": PATIENCE_SECONDS / 4,
    "socket_connect_timeout": PATIENCE_SECONDS / 4,
}
_PATIENCE = {"amqp": _AMQP, "amqps": _AMQP, "redis": _REDIS, "rediss": _REDIS}


class BrokerAway(Exception):
    """The broker did not take a message; it may have it all the same."""


class Publisher:
    """Sends hints that work is due. Not for use by two threads."""

    def __init__(self) -> None:
        self._connection: Connection | None = None
        self._producer: Any = None

    def send(self, kind: Kind, key: str, *further: str) -> None:
        """Publish one hint; returns when the broker has it. Raises `BrokerAway`.

        ``further``: keys of work of the same kind that is to be done together with it.
        """
        try:
            if self._connection is None:
                self._connect()
            current_app.send_task(
                kind.task,
                args=[key, *further],
                queue=kind.queue,
                producer=self._producer,
                retry=False,
                timeout=PATIENCE_SECONDS,
                confirm_timeout=PATIENCE_SECONDS,
            )
        except Exception as error:
            if not self._is_the_brokers(error):
                raise
            self.close()
            raise BrokerAway(f"{type(error).__name__}: {error}") from error

    def _connect(self) -> None:
        scheme = str(current_app.conf.broker_url).partition(":")[0]
        self._connection = current_app.connection(
            connect_timeout=PATIENCE_SECONDS, transport_options=_PATIENCE.get(scheme, {})
        )
        self._connection.ensure_connection(max_retries=1, timeout=PATIENCE_SECONDS)
        self._producer = current_app.amqp.Producer(self._connection, auto_declare=False)

    def _is_the_brokers(self, error: Exception) -> bool:
        kinds: tuple[type[BaseException], ...] = (KombuError, OSError)
        if self._connection is not None:
            kinds += (*self._connection.connection_errors, *self._connection.channel_errors)
        return isinstance(error, kinds)

    def close(self) -> None:
        """Let go of the connection; the next message opens another."""
        gone, self._connection, self._producer = self._connection, None, None
        if gone is not None:
            # Not a polite farewell: the other side may be frozen.
            with suppress(Exception):
                gone.collect(socket_timeout=0.1)
