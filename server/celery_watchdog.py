"""Celery's worker and scheduler under systemd's watchdog: they speak from their own loops."""

from typing import Any

from celery.beat import PersistentScheduler
from celery.worker.consumer import Consumer as CeleryConsumer

from server import watchdog


class Consumer(CeleryConsumer):
    """Speaks from the loop that takes messages, and while the broker is away."""

    def connect(self) -> Any:
        """Connect to the broker. Celery forgets its timers with every connection that is lost."""
        with watchdog.waiting():
            connection = super().connect()
        between = watchdog.seconds()
        if between:
            self.timer.call_repeatedly(between, watchdog.alive)
        return connection


class Scheduler(PersistentScheduler):
    """Speaks whenever it has looked what is due, and while the broker is away."""

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Send what is due. Returns the seconds until the next look."""
        watchdog.alive()
        pause: float = super().tick(*args, **kwargs)
        return min(pause, watchdog.seconds() or pause)

    def _ensure_connected(self) -> Any:
        with watchdog.waiting():
            return super()._ensure_connected()  # type: ignore[misc]  # the stubs lack it
