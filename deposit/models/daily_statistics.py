"""Days of the service in numbers, so that a year of a million deposits is added up once and not at every look."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from deposit.models.record import Client, Collection


class DailyStatistics(models.Model):
    """What happened on one day (UTC) to the deposits of one client in one collection.

    See ``deposit.monitoring.daily_statistics``.

    It can be counted again from the history at any time.
    """

    day = models.DateField()
    client = models.ForeignKey(Client, on_delete=models.CASCADE, related_name="+", db_index=False)
    collection = models.ForeignKey(Collection, on_delete=models.CASCADE, related_name="+", db_index=False)
    received = models.PositiveBigIntegerField(help_text="Deposits that became complete.")
    size = models.PositiveBigIntegerField(help_text="Of their packages together, in bytes.")
    largest = models.PositiveBigIntegerField(help_text="Of the packages of one of them, in bytes.")
    done = models.PositiveBigIntegerField(help_text="Deposits that reached the archive.")
    rejected = models.PositiveBigIntegerField()
    failed = models.PositiveBigIntegerField()
    waited = models.PositiveBigIntegerField(
        help_text="From complete (or ordered again) to the archive, of all `done` together, in seconds."
    )
    longest = models.PositiveBigIntegerField(help_text="Of one of them, in seconds.")
    counted_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        db_table = "deposit_daytally"
        constraints = [
            models.UniqueConstraint(fields=["day", "client", "collection"], name="tally_of_a_day_is_unique"),
            models.CheckConstraint(
                condition=Q(largest__lte=F("size")) & Q(longest__lte=F("waited")),
                name="tally_parts_are_within_their_sums",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.day} client {self.client_id} collection {self.collection_id}"
