"""The queue: one row for each piece of work that is to be done later; see ``deposit.queue``."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from deposit.models.record import Deposit


class WorkItem(models.Model):
    """Work that is open: what (``kind``), about what (``key``), when, and who has it. The row ends with the work.

    Rows change often and live briefly. No index holds a column that a claim or a renewal writes, so that these write
    no index entries (PostgreSQL's heap-only tuples; pages keep room for them by ``fillfactor``).
    """

    kind = models.CharField(max_length=40)
    key = models.CharField(max_length=200)
    deposit = models.ForeignKey(Deposit, on_delete=models.CASCADE, null=True, related_name="work")
    # From the kind: which Celery queue the messages go to.
    queue = models.CharField(max_length=40)
    # Those who share take turns: the client's number, or 0.
    share = models.BigIntegerField(default=0, db_default=0)
    # Takes long: sent in a lane of its own, so that small work is not held up by large.
    heavy = models.BooleanField(default=False, db_default=False)
    due_at = models.DateTimeField(db_default=Now())
    attempts = models.PositiveIntegerField(default=0, db_default=0)
    # How often and when the dispatcher sent a message. Set as long as a message is out or a worker has the work.
    sends = models.PositiveIntegerField(default=0, db_default=0)
    sent_at = models.DateTimeField(null=True)
    # A worker has the work until then, by the database's clock. The token grows with every claim, over all rows:
    # whoever slept past a lease holds a token that no longer opens anything.
    lease_token = models.PositiveBigIntegerField(default=0, db_default=0)
    lease_expires_at = models.DateTimeField(null=True)
    lease_owner = models.CharField(max_length=200, blank=True, db_default="")
    # Was asked for again while a worker had it: it begins anew when that worker is done.
    # Its messages count no more: it was sent too far ahead. See `deposit.queue.lanes`.
    recalled = models.BooleanField(default=False, db_default=False)
    asked_again = models.BooleanField(default=False, db_default=False)
    last_fault = models.CharField(max_length=500, blank=True, db_default="")
    arguments = models.JSONField(default=dict, db_default={})
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["id"]
        indexes = [
            # The order in which work is sent.
            models.Index(fields=["queue", "heavy", "share", "due_at", "id"], name="work_in_order"),
            # What is out with the broker or in the hands of a worker: few rows, however long the queue.
            models.Index(fields=["queue"], name="work_out", condition=Q(sent_at__isnull=False)),
        ]
        constraints = [
            models.UniqueConstraint(fields=["kind", "key"], name="work_is_open_once"),
            models.CheckConstraint(
                condition=Q(lease_expires_at__isnull=True)
                | (Q(sent_at__isnull=False) & ~Q(lease_owner="") & Q(lease_token__gt=0)),
                name="work_lease_has_an_owner_and_a_token",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"
