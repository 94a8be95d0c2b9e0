"""``manage.py dispatch``: run the dispatcher."""

import logging
import signal
import threading
import time
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import InterfaceError, OperationalError, connection

from deposit.queue import dispatcher
from deposit.queue.publisher import BrokerAway, Publisher
from server import watchdog

logger = logging.getLogger("deposit.queue.dispatcher")

# A stream of announcements is answered in rounds this far apart, in seconds: one round serves many.
ROUND_SECONDS = 0.05
# How often it looks for work that should be open and is not, in seconds.
HEAL_SECONDS = 15.0
# How often it makes work of what others have written down, in seconds.
PRODUCE_SECONDS = 1.0


class Command(BaseCommand):
    """Send what waits to the workers, until stopped."""

    help = "Send work that is due to the workers, and take it back from those that died."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take ``--once``, for scripts and tests."""
        parser.add_argument("--once", action="store_true", help="do one round and stop")

    def handle(self, *args: Any, **options: Any) -> None:
        """Lead, listen and send; a database or broker that is away is waited for."""
        self.publisher = Publisher()
        if options["once"]:
            dispatcher.heal()
            dispatcher.produce()
            dispatcher.round_of_work(self.publisher.send)
            return
        self.stopping = threading.Event()
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, self._stop)
        while not self.stopping.is_set():
            watchdog.alive()
            try:
                self._lead()
            except (OperationalError, InterfaceError) as error:
                logger.warning("database away, trying again: %s", str(error).strip())
                connection.close()
                self.stopping.wait(1)

    def _stop(self, signum: int, frame: FrameType | None) -> None:
        self.stopping.set()

    def _lead(self) -> None:
        connection.ensure_connection()
        while not dispatcher.lead():
            watchdog.alive()
            if dispatcher.depose_a_frozen_leader():
                logger.warning("the leader was frozen, its session was ended")
            elif self.stopping.wait(dispatcher.POLL_SECONDS):
                return
        logger.info("leading")
        dispatcher.listen()
        # Whoever led before may have sent to workers that had no database, and dropped what they got.
        dispatcher.forget_what_was_sent()
        self.heals_at = self.produces_at = 0.0
        while not self.stopping.is_set():
            self._heal()
            self._round()

    def _heal(self) -> None:
        if time.monotonic() >= self.heals_at:
            dispatcher.heal()
            self.heals_at = time.monotonic() + HEAL_SECONDS
        if time.monotonic() >= self.produces_at:
            dispatcher.produce()
            self.produces_at = time.monotonic() + PRODUCE_SECONDS

    def _round(self) -> None:
        watchdog.alive()
        begun = time.monotonic()
        try:
            crowded = dispatcher.round_of_work(self.publisher.send)
        except BrokerAway as error:
            logger.warning("broker away, trying again: %s", error)
            dispatcher.forget_what_was_sent()
            self.stopping.wait(dispatcher.POLL_SECONDS)
            return
        self.stopping.wait(max(0.0, begun + ROUND_SECONDS - time.monotonic()))
        if not self.stopping.is_set():
            dispatcher.wait(dispatcher.CROWDED_SECONDS if crowded else dispatcher.POLL_SECONDS)
