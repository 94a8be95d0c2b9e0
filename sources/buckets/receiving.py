"""Receiving events from SQS and Redis. What is received is written down before it is taken off its queue."""

import logging
import threading
from collections.abc import Callable
from typing import Any

import redis
from botocore.exceptions import BotoCoreError, ClientError
from django.db import Error, connection

from sources import items
from sources.buckets.address import EventWay
from sources.buckets.events import EventError, keys_in
from sources.models import Source

logger = logging.getLogger(__name__)

WAIT_SECONDS = 5
RETRY_SECONDS = 2.0

Note = Callable[[bytes | str], None]


class Receiver(threading.Thread):
    """Receives for one source until it is stopped; what goes wrong is tried again."""

    def __init__(
        self,
        source: Source,
        bucket: str,
        receive: Callable[[Note], None],
        *,
        stopping: threading.Event,
        woken: threading.Event,
    ) -> None:
        super().__init__(name=f"events-{source}", daemon=True)
        self._source, self._bucket, self._receive = source, bucket, receive
        self._stopping, self._woken = stopping, woken

    def run(self) -> None:
        """Receive, write down, take off."""
        while not self._stopping.is_set():
            try:
                self._receive(self._note)
            except (ClientError, BotoCoreError, redis.RedisError, Error, OSError) as error:
                logger.warning("source=%s events: %s", self._source, str(error).strip())
                connection.close()
                self._stopping.wait(RETRY_SECONDS)
        connection.close()

    def _note(self, message: bytes | str) -> None:
        """Write down which objects a message tells of. Raises `EventError`, django.db.Error."""
        keys = keys_in(message, self._bucket)
        if keys:
            items.record_seen(self._source, keys)
            self._woken.set()


def from_sqs(client: Any, way: EventWay) -> Callable[[Note], None]:
    """Receives up to ten messages; each is deleted once it is written down."""

    def receive(note: Note) -> None:
        answer = client.receive_message(
            QueueUrl=way.url, MaxNumberOfMessages=10, WaitTimeSeconds=WAIT_SECONDS
        )
        for message in answer.get("Messages", ()):
            try:
                note(message["Body"])
            except EventError as error:
                # It would come again for ever where the queue has no dead-letter rule; listings find its object.
                logger.warning("a message of %s is dropped: %s", way.url, error)
            client.delete_message(QueueUrl=way.url, ReceiptHandle=message["ReceiptHandle"])

    return receive


def from_redis(client: "redis.Redis", way: EventWay) -> Callable[[Note], None]:
    """Moves one message to a list of its own, writes it down, and removes it; what cannot be read goes to a third list.

    A receiver that died in between left its message in the second list: that is read first.
    """
    held, refused = f"{way.list_name}-held", f"{way.list_name}-failed"

    def receive(note: Note) -> None:
        message: Any = client.lindex(held, -1)
        if message is None:
            message = client.blmove(way.list_name, held, WAIT_SECONDS, "LEFT", "LEFT")
        if message is None:
            return
        try:
            note(message)
        except EventError as error:
            logger.warning("a message of %s goes to %s: %s", way.list_name, refused, error)
            client.lpush(refused, message)
        client.lrem(held, 1, message)

    return receive


def connect_redis(way: EventWay) -> "redis.Redis":
    """A client that notices a broken connection within seconds."""
    return redis.Redis.from_url(way.url, socket_timeout=WAIT_SECONDS + 10, socket_connect_timeout=10)
