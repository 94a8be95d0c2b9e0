"""Packages on their way in by other roads than one request: uploads in segments, and files fetched from elsewhere."""

import uuid

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from deposit.models.record import Client, Part


class Upload(models.Model):
    """A segmented upload (SWORD 3): one reserved file that fills in any order.

    ``stored_as`` names the file, as in `Part`, which takes it over as it is when the upload is deposited.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="uploads")
    size = models.PositiveBigIntegerField(help_text="Of the whole, in bytes, as announced.")
    segment_size = models.PositiveBigIntegerField(help_text="Of all segments but the last, in bytes.")
    segment_count = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64, help_text="Of the whole, as announced.")
    stored_as = models.CharField(max_length=200, unique=True, editable=False)
    # What the bucket calls its unfinished object, where the staging area is one; "" in a folder.
    reservation = models.TextField(default="", db_default="", editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    # When the newest segment came.
    touched_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["created_at"]
        indexes = [models.Index(fields=["touched_at"], name="upload_by_idleness")]
        constraints = [
            models.CheckConstraint(condition=Q(sha256__regex=r"^[0-9a-f]{64}$"), name="upload_sha256_is_hex"),
            models.CheckConstraint(
                condition=Q(
                    segment_size__gt=0,
                    segment_count__gt=0,
                    size__lte=F("segment_size") * F("segment_count"),
                    size__gt=F("segment_size") * (F("segment_count") - 1),
                ),
                name="upload_segments_make_the_whole",
            ),
        ]

    def __str__(self) -> str:
        return f"upload {self.pk}"


class UploadSegment(models.Model):
    """That a segment is on disk, with the digest that its bytes had when they came."""

    upload = models.ForeignKey(Upload, on_delete=models.CASCADE, related_name="segments")
    number = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["upload", "number"], name="segment_number_is_unique"),
            models.CheckConstraint(condition=Q(number__gt=0), name="segment_numbers_begin_at_one"),
            models.CheckConstraint(
                condition=Q(sha256__regex=r"^[0-9a-f]{64}$"), name="segment_sha256_is_hex"
            ),
        ]

    def __str__(self) -> str:
        return f"segment {self.number} of {self.upload_id}"


class FetchState(models.TextChoices):
    """Where the fetching of a file stands."""

    PENDING = "pending"
    DOWNLOADING = "downloading"
    FETCHED = "fetched"
    ERROR = "error"


class Fetch(models.Model):
    """A package that the service gets itself from another server (By-Reference Deposit)."""

    # The kind of its work item, whose key is the number of the fetch.
    WORK = "fetch"

    part = models.OneToOneField(Part, on_delete=models.CASCADE, related_name="fetch")
    url = models.CharField(max_length=2000)
    state = models.CharField(max_length=11, choices=FetchState.choices, default=FetchState.PENDING)
    # The client has said that nothing more will come: the deposit is complete once all its packages are here.
    completes = models.BooleanField(default=False, db_default=False)
    log = models.TextField(blank=True, db_default="")
    received = models.PositiveBigIntegerField(default=0, db_default=0, help_text="Bytes so far.")

    class Meta:
        verbose_name_plural = "fetches"
        indexes = [
            models.Index(fields=["id"], name="fetch_open", condition=Q(state__in=["pending", "downloading"]))
        ]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=FetchState.values), name="fetch_state_is_known"),
        ]

    def __str__(self) -> str:
        return f"fetch of {self.url}"
