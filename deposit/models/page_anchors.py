"""Anchors of numbered pages: how many deposits of a client come up to a certain one."""

from django.db import models

from deposit.models.record import Client


class PageAnchor(models.Model):
    """``position`` deposits of the client have a number up to ``deposit_id``; see ``deposit.lists.numbered``."""

    client = models.ForeignKey(Client, on_delete=models.CASCADE, related_name="+")
    position = models.PositiveBigIntegerField()
    deposit_id = models.PositiveBigIntegerField()

    class Meta:
        db_table = "deposit_milestone"
        constraints = [
            models.UniqueConstraint(fields=["client", "position"], name="milestone_position_is_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.position} up to deposit {self.deposit_id}"
