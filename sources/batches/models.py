"""The record of batches."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from deposit.models import Client, Collection, Deposit


class BatchState(models.TextChoices):
    """Where a batch stands."""

    RUNNING = "running", _("running")
    DONE = "done", _("done")
    FAILED = "failed", _("ended, not all of it is stored")
    CANCELLED = "cancelled", _("cancelled")


class Batch(models.Model):
    """One run over a folder. ``depth`` 1: what lies in it; 2: what lies in the folders in it."""

    folder = models.CharField(max_length=2000)
    depth = models.PositiveSmallIntegerField(default=1)
    collection = models.ForeignKey(Collection, on_delete=models.PROTECT, related_name="+")
    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="+")
    completed_dir = models.CharField(max_length=2000, blank=True)
    strip_top_level_dir = models.BooleanField(default=False)
    exclude_hidden_files = models.BooleanField(default=False)
    state = models.CharField(max_length=9, choices=BatchState.choices, default=BatchState.RUNNING)
    started_by = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    ended_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "batches"
        constraints = [
            models.CheckConstraint(condition=Q(depth__in=[1, 2]), name="batch_depth_is_one_or_two"),
            models.CheckConstraint(condition=Q(state__in=BatchState.values), name="batch_state_is_known"),
            # Twice at once would read everything twice for nothing.
            models.UniqueConstraint(
                fields=["folder"], condition=Q(state="running"), name="batch_one_runs_in_a_folder"
            ),
        ]

    def __str__(self) -> str:
        return f"batch {self.pk} of {self.folder}"


class ItemState(models.TextChoices):
    """Where one thing of a batch stands."""

    WAITING = "waiting", _("waiting")
    DEPOSITED = "deposited", _("deposited; on its way")
    DONE = "done", _("stored")
    FAILED = "failed", _("not stored")


class BatchItem(models.Model):
    """One file or folder of a batch. ``name`` is relative to the batch's folder."""

    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="items")
    name = models.CharField(max_length=1000)
    state = models.CharField(max_length=9, choices=ItemState.choices, default=ItemState.WAITING)
    # What it was when it was read; only that is moved away once it is stored.
    version = models.CharField(max_length=200, blank=True)
    deposit = models.ForeignKey(Deposit, on_delete=models.SET_NULL, null=True, related_name="+")
    error = models.TextField(blank=True)
    moved_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["batch", "name"], name="batch_item_is_unique"),
            models.CheckConstraint(condition=Q(state__in=ItemState.values), name="batch_item_state_is_known"),
        ]
        indexes = [
            models.Index(
                fields=["batch", "state", "id"],
                name="batch_item_open",
                condition=Q(state__in=["waiting", "deposited"]),
            )
        ]

    def __str__(self) -> str:
        return self.name
