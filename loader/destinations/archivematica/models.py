"""Pipelines, which collections they serve, and the transfers that are or were inside them."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from deposit.models import Collection, Deposit
from loader.destinations.archivematica.bundles.forms import TransferType
from loader.destinations.archivematica.checks import is_zone, transfer_source_fault
from loader.secret_references import is_reference

TRANSFER_TYPES = [(one.value, one.value) for one in TransferType]


def _reference(value: str) -> None:
    if value and not is_reference(value):
        raise ValidationError(_("Say where the key is, not what it is: env:NAME or file:/absolute/path."))


def _zone(value: str) -> None:
    if not is_zone(value):
        raise ValidationError(
            _("%(zone)s is no time zone, such as Europe/Paris or UTC."), params={"zone": value}
        )


def _transfer_source(value: str) -> None:
    fault = transfer_source_fault(value)
    if fault:
        raise ValidationError(fault)


class Pipeline(models.Model):
    """One Archivematica with its Storage Service. Times are in seconds; keys are references, never the keys."""

    name = models.CharField(max_length=100, unique=True)
    url = models.URLField(max_length=500, help_text=_("The dashboard's address."))
    user = models.CharField(max_length=150)
    key_ref = models.CharField(max_length=500, validators=[_reference])
    storage_service_url = models.URLField(max_length=500)
    storage_service_user = models.CharField(max_length=150)
    storage_service_key_ref = models.CharField(max_length=500, validators=[_reference])
    transfer_source = models.CharField(
        max_length=1000, validators=[_transfer_source], help_text=_("A folder, or sftp://user@host/folder.")
    )
    transfer_source_key_ref = models.CharField(
        max_length=500,
        blank=True,
        validators=[_reference],
        help_text=_(
            "For SFTP: file: a private key, env: a password; empty: the keys of the worker's account."
        ),
    )
    known_hosts = models.CharField(max_length=1000, blank=True)
    location = models.UUIDField(null=True, help_text=_("Of the transfer source, in the Storage Service."))
    path_prefix = models.CharField(
        max_length=1000,
        blank=True,
        help_text=_("Where the folder lies below that location, if not at its top."),
    )
    processing_config = models.CharField(max_length=100, blank=True, default="default")
    transfer_type = models.CharField(
        max_length=20, choices=TRANSFER_TYPES, default=TransferType.STANDARD.value
    )
    capacity = models.PositiveIntegerField(default=1)
    transfer_deadline = models.PositiveIntegerField(default=7 * 86400)
    retry_deadline = models.PositiveIntegerField(default=600)
    poll_seconds = models.PositiveIntegerField(default=10)
    required_locations = models.JSONField(default=list, blank=True)
    standalone_locations = models.JSONField(default=list, blank=True)
    fixity = models.BooleanField(default=False)
    unbag = models.BooleanField(default=False)
    strip_top_level_dir = models.BooleanField(default=False)
    exclude_hidden_files = models.BooleanField(default=False)
    storage_time_zone = models.CharField(max_length=100, default="UTC", validators=[_zone])
    paused = models.BooleanField(default=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    # What the last look at it found.
    remote_id = models.CharField(max_length=100, blank=True, default="", editable=False)
    remote_version = models.CharField(max_length=100, blank=True, default="", editable=False)
    checked_at = models.DateTimeField(null=True, editable=False)
    fault = models.TextField(blank=True, default="", editable=False)
    fault_since = models.DateTimeField(null=True, editable=False)
    # What a whole check by a worker found: its moment, and one entry for each thing.
    report = models.JSONField(default=dict, db_default={}, editable=False)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(name__regex=r"^[A-Za-z0-9][A-Za-z0-9._-]*$"),
                name="pipeline_name_is_a_path_segment",
                violation_error_message=_(
                    "A pipeline's name starts with a letter or digit and holds only letters, digits, '.', '_' and '-'."
                ),
            ),
            models.CheckConstraint(
                condition=Q(
                    capacity__gt=0, poll_seconds__gt=0, retry_deadline__gt=0, transfer_deadline__gt=0
                ),
                name="pipeline_numbers_are_positive",
                violation_error_message=_(
                    "Capacity, deadlines and the time between two polls are at least 1."
                ),
            ),
            models.CheckConstraint(
                condition=Q(fault="", fault_since__isnull=True)
                | (~Q(fault="") & Q(fault_since__isnull=False)),
                name="pipeline_fault_has_a_beginning",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class PipelineUse(models.Model):
    """That a collection's deposits may go through a pipeline."""

    collection = models.ForeignKey(Collection, on_delete=models.CASCADE, related_name="+")
    pipeline = models.ForeignKey(Pipeline, on_delete=models.PROTECT, related_name="uses")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["collection", "pipeline"], name="pipeline_use_is_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.collection} through {self.pipeline}"


class Transfer(models.Model):
    """A deposit's way through a pipeline. It takes up one of the pipeline's places until ``left_at``.

    Kept for good: it is what a retry looks at before it would make a second AIP.
    """

    pipeline = models.ForeignKey(Pipeline, on_delete=models.PROTECT, related_name="transfers")
    deposit = models.ForeignKey(Deposit, on_delete=models.PROTECT, related_name="+")
    delivery_id = models.BigIntegerField(db_index=True)
    name = models.CharField(max_length=100, unique=True, help_text=_("Of the bundle, and of the transfer."))
    entered_at = models.DateTimeField(db_default=Now(), editable=False)
    # When the package was handed over, or may have been: from then on Archivematica may be at work.
    asked_at = models.DateTimeField(null=True)
    with_key = models.BooleanField(default=False)
    # How often it was handed over under this name; each time the transfer gets another.
    attempt = models.PositiveIntegerField(default=1)
    transfer_uuid = models.CharField(max_length=36, blank=True, default="")
    sip_uuid = models.CharField(max_length=36, blank=True, default="")
    # Archivematica was seen to work on it, so that it has its own copy of the bundle.
    seen_at = models.DateTimeField(null=True)
    # The delivery ended while Archivematica was, or may have been, at work: the place stays taken.
    held_at = models.DateTimeField(null=True)
    held_because = models.TextField(blank=True, default="")
    # Since when every answer about it failed, or was not yet what it has to be.
    failing_since = models.DateTimeField(null=True)
    left_at = models.DateTimeField(null=True)
    cleaned_at = models.DateTimeField(null=True)
    stored_at = models.DateTimeField(null=True)
    stored_in = models.CharField(max_length=36, blank=True, default="")
    stored_path = models.TextField(blank=True, default="")

    class Meta:
        ordering = ["id"]
        indexes = [
            models.Index(fields=["pipeline"], name="transfer_inside", condition=Q(left_at__isnull=True)),
            models.Index(fields=["deposit", "id"], name="transfer_by_deposit"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["transfer_uuid"], name="transfer_uuid_is_unique", condition=~Q(transfer_uuid="")
            ),
            models.UniqueConstraint(
                fields=["sip_uuid"], name="transfer_sip_is_unique", condition=~Q(sip_uuid="")
            ),
            # One place for each delivery that is under way.
            models.UniqueConstraint(
                fields=["delivery_id"],
                name="transfer_under_way_is_unique",
                condition=Q(left_at__isnull=True, held_at__isnull=True),
            ),
            models.CheckConstraint(
                condition=Q(asked_at__isnull=False) | Q(transfer_uuid="", sip_uuid=""),
                name="transfer_uuid_was_asked_for",
            ),
            models.CheckConstraint(
                condition=Q(left_at__isnull=True) | Q(left_at__gte=F("entered_at")),
                name="transfer_left_after_entering",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def remote_name(self) -> str:
        """What the transfer is called in Archivematica."""
        return self.name if self.attempt == 1 else f"{self.name}-{self.attempt}"

    @property
    def idempotency_key(self) -> str:
        """The same for every repetition of one hand-over."""
        return f"deposit-transfer-{self.remote_name}"

    @property
    def is_inside(self) -> bool:
        """Whether it takes up a place."""
        return self.left_at is None

    def note(self, **fields: Any) -> None:
        """Write these fields, at once and alone."""
        for name, value in fields.items():
            setattr(self, name, value)
        self.save(update_fields=list(fields))
