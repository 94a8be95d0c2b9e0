"""Taking a deposit to its destinations: one delivery for each, one activity for each step, and what came of it.

Rows are written by ``loader.workflow`` and ``deposit.services.deliveries`` alone.
"""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from deposit.models.record import Deposit


class DeliveryState(models.TextChoices):
    """Where a delivery stands; the values are part of the API."""

    WAITING = "waiting", _("waiting")
    RUNNING = "running", _("running")
    ASKING = "asking", _("asking")
    DONE = "done", _("done")
    FAILED = "failed", _("failed")
    CANCELLED = "cancelled", _("cancelled")
    ABANDONED = "abandoned", _("abandoned")


# Deliveries in these states go on; all others have ended.
OPEN_DELIVERIES = (DeliveryState.WAITING, DeliveryState.RUNNING, DeliveryState.ASKING)


class Delivery(models.Model):
    """One run of taking one deposit to one destination.

    A retry is a delivery of its own; the earlier one stays, and is no longer ``current``.
    """

    deposit = models.ForeignKey(Deposit, on_delete=models.CASCADE, related_name="deliveries", db_index=False)
    destination = models.CharField(max_length=50)
    state = models.CharField(max_length=9, choices=DeliveryState.choices, default=DeliveryState.WAITING)
    # Whether it counts for what becomes of the deposit now: the newest one to each destination.
    current = models.BooleanField(default=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    started_at = models.DateTimeField(null=True, editable=False)
    ended_at = models.DateTimeField(null=True, editable=False)
    # When the whole has to be over, if ever; what a destination remembers; what a person was asked and answered.
    deadline_at = models.DateTimeField(null=True, editable=False)
    memory = models.JSONField(default=dict, db_default={}, editable=False)
    question = models.JSONField(default=dict, db_default={}, editable=False)
    # What somebody asked for and who: the worker that runs the next step ends the delivery so.
    wish = models.CharField(
        max_length=7,
        blank=True,
        choices=[("cancel", _("cancel")), ("abandon", _("abandon"))],
        default="",
        db_default="",
        editable=False,
    )
    wished_by = models.CharField(max_length=200, blank=True, default="", db_default="", editable=False)
    # A code of `deposit.findings` and its sentence, for the depositor, once it has ended without success.
    code = models.CharField(max_length=100, blank=True, default="", db_default="", editable=False)
    error = models.TextField(blank=True, default="", db_default="", editable=False)

    class Meta:
        ordering = ["id"]
        indexes = [
            models.Index(fields=["deposit", "id"], name="delivery_of_deposit"),
            models.Index(
                fields=["state", "destination", "id"],
                name="delivery_not_done",
                condition=~Q(state="done"),
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["deposit", "destination"],
                condition=Q(current=True),
                name="delivery_one_is_current",
            ),
            models.CheckConstraint(
                condition=Q(state__in=DeliveryState.values), name="delivery_state_is_known"
            ),
            models.CheckConstraint(
                condition=Q(state__in=OPEN_DELIVERIES, ended_at__isnull=True)
                | (~Q(state__in=OPEN_DELIVERIES) & Q(ended_at__isnull=False)),
                name="delivery_ended_at_follows_state",
            ),
            models.CheckConstraint(
                condition=Q(wish__in=["", "cancel", "abandon"]), name="delivery_wish_is_known"
            ),
            # Only what has ended can be replaced by another.
            models.CheckConstraint(
                condition=Q(current=True) | Q(ended_at__isnull=False), name="delivery_replaced_has_ended"
            ),
        ]

    def __str__(self) -> str:
        return f"delivery {self.pk} to {self.destination}"


class ActivityState(models.TextChoices):
    """How a step of a delivery stands; the values are part of the API."""

    WAITING = "waiting", _("waiting")
    RUNNING = "running", _("running")
    ASKING = "asking", _("asking")
    DONE = "done", _("done")
    FAILED = "failed", _("failed")


class Activity(models.Model):
    """One step of a delivery, with its attempts and its result."""

    delivery = models.ForeignKey(
        Delivery, on_delete=models.CASCADE, related_name="activities", db_index=False
    )
    name = models.CharField(max_length=50)
    state = models.CharField(max_length=7, choices=ActivityState.choices, default=ActivityState.RUNNING)
    # Attempts that failed or ended it; how often it was looked at again while it waited.
    attempts = models.PositiveIntegerField(default=0, editable=False)
    polls = models.PositiveIntegerField(default=0, db_default=0, editable=False)
    started_at = models.DateTimeField(db_default=Now(), editable=False)
    ended_at = models.DateTimeField(null=True, editable=False)
    result = models.JSONField(default=dict, db_default={}, editable=False)
    # What it waits for, or why it failed: a sentence for everybody; and the raw fault, for operators alone.
    note = models.TextField(blank=True, default="", db_default="", editable=False)
    error = models.TextField(blank=True, default="", db_default="", editable=False)
    fault = models.TextField(blank=True, default="", db_default="", editable=False)

    class Meta:
        ordering = ["id"]
        verbose_name_plural = "activities"
        constraints = [
            models.UniqueConstraint(fields=["delivery", "name"], name="activity_is_unique"),
            models.CheckConstraint(
                condition=Q(state__in=ActivityState.values), name="activity_state_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} of delivery {self.delivery_id}"


class Identifier(models.Model):
    """What a deposit is known by somewhere. Rows are added and never removed: what was handed out is found for ever.

    Schemes: ``swhid-directory``, ``swhid-release``, ``swhid-snapshot``, and those of the destinations.
    """

    deposit = models.ForeignKey(Deposit, on_delete=models.CASCADE, related_name="identifiers", db_index=False)
    scheme = models.CharField(max_length=50)
    value = models.TextField()
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["deposit", "scheme", "value"], name="identifier_is_unique"),
            models.CheckConstraint(condition=~Q(scheme="") & ~Q(value=""), name="identifier_is_not_empty"),
        ]
        indexes = [models.Index(fields=["value"], name="identifier_by_value")]

    def __str__(self) -> str:
        return f"{self.scheme} {self.value}"

    @property
    def is_superseded(self) -> bool:
        """Whether a later load gave the deposit another identifier of this scheme."""
        columns = {
            "swhid-release": "release_swhid",
            "swhid-snapshot": "snapshot_swhid",
            "swhid-directory": "swhid",
        }
        column = columns.get(self.scheme)
        return column is not None and getattr(self.deposit, column) != self.value
