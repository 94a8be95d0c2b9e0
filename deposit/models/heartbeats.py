"""Signs of life of the processes behind the web pages."""

from django.db import models
from django.db.models.functions import Now


class Heartbeat(models.Model):
    """That a worker took messages at a moment, and from which queues; see ``deposit.monitoring.heartbeats``."""

    name = models.CharField(max_length=200, unique=True)
    queues = models.CharField(max_length=300)
    # How many tasks it does side by side; 0 where it did not say.
    slots = models.PositiveIntegerField(default=0, db_default=0)
    began_at = models.DateTimeField(db_default=Now(), editable=False)
    beat_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        db_table = "deposit_pulse"

    def __str__(self) -> str:
        return self.name
