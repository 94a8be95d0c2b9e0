"""``manage.py dispatch``: run the dispatcher."""

import logging
import signal
import threading
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import InterfaceError, OperationalError, connection
from kombu.exceptions import OperationalError as BrokerError

from deposit import dispatcher
from deposit.lifecycle import Work
from settings.celery import app

logger = logging.getLogger("deposit.dispatcher")

TASKS = {Work.CHECK: "checker.check", Work.LOAD: "loader.load"}
POLL_SECONDS = 2.0


def send(work: Work, deposit_id: int) -> None:
    """Publish the hint that a deposit waits; returns when the broker has it."""
    app.send_task(TASKS[work], args=[deposit_id], queue=str(work), retry=False)


class Command(BaseCommand):
    """Send what waits to the workers, until stopped."""

    help = "Send waiting deposits to the checkers and loaders, and take work back from those that died."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take ``--once``, for scripts and tests."""
        parser.add_argument("--once", action="store_true", help="do one round and stop")

    def handle(self, *args: Any, **options: Any) -> None:
        """Lead, listen and send; a database or broker that is away is waited for."""
        if options["once"]:
            dispatcher.round_of_work(send)
            return
        self.stopping = threading.Event()
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, self._stop)
        while not self.stopping.is_set():
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
            if self.stopping.wait(POLL_SECONDS):
                return
        logger.info("leading")
        dispatcher.listen()
        while not self.stopping.is_set():
            try:
                dispatcher.round_of_work(send)
            except (BrokerError, OSError) as error:
                logger.warning("broker away, trying again: %s", error)
            if not self.stopping.is_set():
                dispatcher.wait(POLL_SECONDS)
