"""The record of watched folders and buckets: what is watched, and what became of each thing found there."""

import uuid

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from deposit.models import Client, Collection, Deposit


class SourceKind(models.TextChoices):
    """Where a source looks."""

    FOLDER = "folder", _("folder")
    BUCKET = "bucket", _("bucket")


class Source(models.Model):
    """A folder or bucket; what appears there is deposited into its collection, by a client of its own."""

    name = models.CharField(max_length=60)
    kind = models.CharField(max_length=6, choices=SourceKind.choices)
    # A folder's absolute path, or s3://bucket/prefix?endpoint=…&region=….
    location = models.CharField(max_length=2000)
    collection = models.ForeignKey(Collection, on_delete=models.PROTECT, related_name="sources")
    client = models.OneToOneField(Client, on_delete=models.PROTECT, related_name="source")
    profile = models.CharField(max_length=60, blank=True, default="", db_default="")
    profile_options = models.JSONField(default=dict, db_default={}, blank=True)

    # None: short where the kernel tells who writes, long where it does not. In seconds.
    stable_seconds = models.FloatField(null=True, blank=True)
    ignore = models.CharField(max_length=1000, blank=True, default="", db_default="")
    retention_days = models.FloatField(null=True, blank=True)
    completed_dir = models.CharField(max_length=2000, blank=True, default="", db_default="")
    strip_top_level_dir = models.BooleanField(default=False, db_default=False)
    reject_duplicates = models.BooleanField(default=False, db_default=False)
    exclude_hidden_files = models.BooleanField(default=False, db_default=False)
    polling = models.BooleanField(default=False, db_default=False, help_text=_("Do without kernel events."))
    # Buckets: listing, sqs:URL, redis:URL#LIST or webhook; and where the credentials are, if not where boto3 looks.
    events = models.CharField(max_length=2000, blank=True, default="listing", db_default="listing")
    credentials_ref = models.CharField(max_length=1000, blank=True, default="", db_default="")
    webhook_digest = models.CharField(max_length=64, blank=True, default="", db_default="", editable=False)
    alert_hours = models.FloatField(default=24, db_default=24)

    paused = models.BooleanField(default=False, db_default=False)
    removed_at = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    # What the watcher tells of itself.
    scan_wanted_at = models.DateTimeField(null=True, editable=False)
    scanned_at = models.DateTimeField(null=True, editable=False)
    seen_at = models.DateTimeField(null=True, editable=False)
    trouble = models.TextField(blank=True, default="", db_default="", editable=False)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["name"], condition=Q(removed_at__isnull=True), name="source_name_is_unique"
            ),
            models.CheckConstraint(condition=Q(kind__in=SourceKind.values), name="source_kind_is_known"),
            models.CheckConstraint(
                condition=Q(name__regex=r"^[A-Za-z0-9][A-Za-z0-9._-]*$"),
                name="source_name_is_a_path_segment",
                violation_error_message=_(
                    "A source's name starts with a letter or digit and holds only letters, digits, '.', '_' and '-'."
                ),
            ),
            models.CheckConstraint(
                condition=Q(retention_days__isnull=True) | Q(completed_dir=""),
                name="source_keeps_or_moves",
                violation_error_message=_("Originals are either deleted after some days or moved, not both."),
            ),
            models.CheckConstraint(
                condition=Q(retention_days__isnull=True) | Q(retention_days__gte=0),
                name="source_retention_is_not_negative",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class ItemState(models.TextChoices):
    """Where an item stands."""

    SEEN = "seen", _("seen; not complete yet")
    WAITING = "waiting", _("complete; waits to be taken in")
    TAKEN = "taken", _("taken in as a deposit")
    REJECTED = "rejected", _("rejected; the report says what to mend")
    FAILED = "failed", _("failed for a reason of the service's")
    STORED = "stored", _("stored, which is proven")
    IGNORED = "ignored", _("gone, renamed or replaced before it was taken in")


class Disposal(models.TextChoices):
    """What became of an original once its storage was proven."""

    DELETED = "deleted", _("deleted")
    MOVED = "moved", _("moved")
    GONE = "gone", _("not there any more, or changed since")


class SourceItem(models.Model):
    """One file, directory or object at one version. At least once here; at most one deposit."""

    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="items")
    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    key = models.CharField(max_length=4096)
    # What tells it from what was or will be there under the same key; empty while it is not complete.
    version = models.CharField(max_length=200, blank=True)
    is_directory = models.BooleanField(default=False, db_default=False)
    size = models.PositiveBigIntegerField(default=0, db_default=0)
    state = models.CharField(max_length=8, choices=ItemState.choices, default=ItemState.SEEN)
    seen_at = models.DateTimeField(db_default=Now(), editable=False)
    taken_at = models.DateTimeField(null=True, editable=False)
    stored_at = models.DateTimeField(null=True, editable=False)
    deposit = models.OneToOneField(
        Deposit, on_delete=models.SET_NULL, null=True, related_name="source_item", editable=False
    )
    sha256 = models.CharField(max_length=64, blank=True, default="", db_default="", editable=False)
    error = models.TextField(blank=True, default="", db_default="", editable=False)
    attempts = models.PositiveIntegerField(default=0, db_default=0, editable=False)
    # How often an operator asked for it again; each time it becomes another deposit.
    retries = models.PositiveIntegerField(default=0, db_default=0, editable=False)
    due_at = models.DateTimeField(db_default=Now(), editable=False)
    # The state that the report beside the upload tells of, and the report's name; empty when none is written yet.
    reported = models.CharField(max_length=8, blank=True, default="", db_default="", editable=False)
    report = models.CharField(max_length=4300, blank=True, default="", db_default="", editable=False)
    disposal = models.CharField(
        max_length=7, choices=Disposal.choices, blank=True, default="", db_default="", editable=False
    )
    disposed_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["source", "key", "version"], name="item_is_seen_once"),
            models.CheckConstraint(condition=Q(state__in=ItemState.values), name="item_state_is_known"),
            models.CheckConstraint(
                condition=~Q(state__in=["taken", "stored"]) | Q(taken_at__isnull=False),
                name="item_taken_has_a_moment",
            ),
            models.CheckConstraint(
                condition=Q(disposal__in=["", "gone"]) | Q(state="stored"),
                name="item_original_goes_only_when_stored",
            ),
        ]
        indexes = [
            models.Index(
                fields=["source", "due_at", "id"], name="item_to_take", condition=Q(state="waiting")
            ),
            models.Index(fields=["source", "id"], name="item_to_look_at", condition=Q(version="")),
            models.Index(fields=["source", "id"], name="item_to_follow", condition=Q(state="taken")),
            models.Index(
                fields=["source", "id"],
                name="item_to_report",
                condition=~Q(reported=F("state")) & Q(state__in=["rejected", "failed", "stored"]),
            ),
            models.Index(
                fields=["source", "stored_at"],
                name="item_to_dispose",
                condition=Q(state="stored", disposal=""),
            ),
            models.Index(fields=["source", "seen_at"], name="item_by_moment"),
            models.Index(fields=["source", "version"], name="item_by_version"),
        ]

    def __str__(self) -> str:
        return f"{self.key} of {self.source_id}"

    @property
    def short_id(self) -> str:
        """The part of the identifier that reports carry in their names."""
        return self.uuid.hex[:12]
