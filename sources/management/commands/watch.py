"""``manage.py watch``: watch folders and buckets, until stopped."""

import logging
import signal
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from server import watchdog
from sources.models import Source
from sources.watching import Watcher, serve_once

logger = logging.getLogger("sources.watching")


class Command(BaseCommand):
    """Watch all sources; new ones are seen without a restart."""

    help = "Take in what appears in watched folders and buckets, and write reports beside it."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take ``--once``, for scripts and tests."""
        parser.add_argument("--once", action="store_true", help="scan every source once and stop")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until SIGTERM or SIGINT."""
        if options["once"]:
            for source in Source.objects.filter(removed_at__isnull=True, paused=False):
                serve_once(source)
            return
        watcher = Watcher()

        def stop(signum: int, frame: FrameType | None) -> None:
            watcher.stop()

        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, stop)
        watcher.run(watchdog.alive)
