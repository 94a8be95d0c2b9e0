"""Objects, attachments and packages of a museum, with the tables and columns of Passari's database.

What is done to an object is the record of deposits' to tell; these tables keep what the collection system said, and
what became of each package at the preservation service.
"""

from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from sources.museumplus.pending import MuseumObjectManager

_HASH_LENGTH = 64
NO_REASON = "No reason was given"


class FreezeSource(models.TextChoices):
    """Who froze an object: a person, or the workflow at an error it knows."""

    USER = "user"
    AUTOMATIC = "automatic"


class MuseumAttachment(models.Model):
    """A file and its description: a *Multimedia* of MuseumPlus. Known by its id alone until it is synchronised."""

    id = models.BigIntegerField(primary_key=True)
    filename = models.TextField(null=True, blank=True)  # noqa: DJ001  (NULL: not known)
    modified_date = models.DateTimeField(null=True, blank=True)
    created_date = models.DateTimeField(null=True, blank=True)
    metadata_hash = models.CharField(max_length=_HASH_LENGTH, null=True, blank=True)  # noqa: DJ001

    class Meta:
        db_table = "museum_attachments"

    def __str__(self) -> str:
        return self.filename or str(self.id)


class MuseumObject(models.Model):
    """An *Object* of MuseumPlus, and how far its preservation has come.

    ``modified_date`` is the latest of the object's own and its attachments', and is never lowered. A hash that is NULL
    is not known yet; an ``attachment_metadata_hash`` that is empty says that there are no attachments.
    """

    id = models.BigIntegerField(primary_key=True)
    title = models.TextField(null=True, blank=True)  # noqa: DJ001
    preserved = models.BooleanField(default=False)
    frozen = models.BooleanField(default=False, db_index=True)
    freeze_reason = models.TextField(null=True, blank=True)  # noqa: DJ001
    freeze_source = models.CharField(max_length=9, choices=FreezeSource, null=True, blank=True)  # noqa: DJ001
    created_date = models.DateTimeField(null=True, blank=True)
    modified_date = models.DateTimeField(null=True, blank=True)
    metadata_hash = models.CharField(max_length=_HASH_LENGTH, null=True, blank=True)  # noqa: DJ001
    attachment_metadata_hash = models.CharField(max_length=_HASH_LENGTH, null=True, blank=True)  # noqa: DJ001
    latest_package = models.ForeignKey(
        "MuseumPackage", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    attachments = models.ManyToManyField(
        MuseumAttachment, through="ObjectAttachment", related_name="museum_objects"
    )

    objects = MuseumObjectManager()

    class Meta:
        db_table = "museum_objects"
        constraints = [
            models.CheckConstraint(
                name="museum_objects_frozen_for_a_reason",
                # Said of NULL, too: a check that is unknown would pass.
                condition=Q(frozen=False)
                | (Q(freeze_reason__isnull=False, freeze_source__isnull=False) & ~Q(freeze_reason="")),
            )
        ]

    def __str__(self) -> str:
        return self.title or f"Object {self.id}"

    def save(self, *args: Any, **options: Any) -> None:
        """Write it; an object that is frozen has a reason, if only that none was given."""
        self.give_reason()
        if (fields := options.get("update_fields")) is not None and "frozen" in fields:
            options["update_fields"] = {*fields, "freeze_reason", "freeze_source"}
        super().save(*args, **options)

    def give_reason(self) -> None:
        """Where an object is frozen and nobody says why, say so: the database refuses it else."""
        if self.frozen:
            self.freeze_reason = self.freeze_reason or NO_REASON
            self.freeze_source = self.freeze_source or FreezeSource.USER

    @property
    def preservation_pending(self) -> bool:
        """Whether it is due for preservation now; asks the queryset, which alone knows the rule."""
        return MuseumObject.objects.pending().filter(pk=self.pk).exists()


class MuseumPackage(models.Model):
    """What was made of an object at one moment, to be preserved.

    ``object_modified_date`` and the hashes are the object's as they were then. ``downloaded``, ``packaged``,
    ``uploaded`` follow each other; ``preserved`` or ``rejected`` is the service's verdict; ``cancelled`` says that the
    object was frozen meanwhile.
    """

    id = models.BigAutoField(primary_key=True)
    sip_filename = models.CharField(max_length=255, unique=True)
    sip_id = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001
    object_modified_date = models.DateTimeField(null=True, blank=True)
    created_date = models.DateTimeField(default=timezone.now, db_index=True)
    metadata_hash = models.CharField(max_length=_HASH_LENGTH, null=True, blank=True)  # noqa: DJ001
    attachment_metadata_hash = models.CharField(max_length=_HASH_LENGTH, null=True, blank=True)  # noqa: DJ001
    downloaded = models.BooleanField(default=False)
    packaged = models.BooleanField(default=False)
    uploaded = models.BooleanField(default=False)
    rejected = models.BooleanField(default=False)
    preserved = models.BooleanField(default=False)
    cancelled = models.BooleanField(default=False, db_default=False)
    museum_object = models.ForeignKey(MuseumObject, on_delete=models.PROTECT, related_name="packages")
    attachments = models.ManyToManyField(
        MuseumAttachment, through="PackageAttachment", related_name="packages"
    )

    class Meta:
        db_table = "museum_packages"
        constraints = [
            models.CheckConstraint(
                name="museum_packages_one_verdict", condition=~Q(preserved=True, rejected=True)
            )
        ]

    def __str__(self) -> str:
        return self.sip_filename

    @property
    def status(self) -> str:
        """What a list shows: ``cancelled``, ``preserved``, ``rejected`` or ``processing``, the first that holds."""
        return next(
            (name for name in ("cancelled", "preserved", "rejected") if getattr(self, name)), "processing"
        )

    @property
    def archive_log_dir(self) -> Path:
        """Where logs and reports are, compressed, once the package is done with."""
        digits = str(self.museum_object_id)
        parts = [digits[start : start + 3] for start in range(0, len(digits), 3)]
        return Path(settings.ARCHIVE_DIR, *parts, f"Object_{digits}", self.sip_filename, "logs")

    @property
    def workflow_log_dir(self) -> Path:
        """Where logs are while the package is being worked on."""
        return Path(settings.PACKAGE_DIR, str(self.museum_object_id), "logs")


class ObjectAttachment(models.Model):
    """That an attachment belongs to an object."""

    museum_object = models.ForeignKey(MuseumObject, on_delete=models.CASCADE)
    museum_attachment = models.ForeignKey(MuseumAttachment, on_delete=models.CASCADE)

    class Meta:
        db_table = "object_attachment_association"
        constraints = [
            models.UniqueConstraint(
                name="object_attachment_once", fields=["museum_object", "museum_attachment"]
            )
        ]

    def __str__(self) -> str:
        return f"{self.museum_object_id} {self.museum_attachment_id}"


class PackageAttachment(models.Model):
    """That an attachment was in a package."""

    museum_package = models.ForeignKey(MuseumPackage, on_delete=models.CASCADE)
    museum_attachment = models.ForeignKey(MuseumAttachment, on_delete=models.CASCADE)

    class Meta:
        db_table = "package_attachment_association"
        constraints = [
            models.UniqueConstraint(
                name="package_attachment_once", fields=["museum_package", "museum_attachment"]
            )
        ]

    def __str__(self) -> str:
        return f"{self.museum_package_id} {self.museum_attachment_id}"


class WorkflowJob(models.Model):
    """That an object is being worked on, and at which step. There is at most one row per object.

    A projection for people and for whoever must not begin twice; the work itself is the queue's and the deliveries'.
    Between the submission and the verdict of the service there is no row: the object is *submitted*.
    """

    class Queue(models.TextChoices):
        """The steps, under the names of Passari's queues."""

        DOWNLOAD_OBJECT = "download_object"
        CREATE_SIP = "create_sip"
        SUBMIT_SIP = "submit_sip"
        CONFIRM_SIP = "confirm_sip"

    class State(models.TextChoices):
        """``failed`` waits for a person."""

        PENDING = "pending"
        STARTED = "started"
        FAILED = "failed"

    museum_object = models.OneToOneField(
        MuseumObject, primary_key=True, on_delete=models.CASCADE, related_name="job"
    )
    queue = models.CharField(max_length=16, choices=Queue)
    state = models.CharField(max_length=8, choices=State, default=State.PENDING)
    sip_id = models.CharField(max_length=255, default="", blank=True)
    deposit_id = models.BigIntegerField(null=True, blank=True)
    error = models.TextField(default="", blank=True)
    enqueued_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "museum_jobs"
        indexes = [models.Index(fields=["queue", "state"], name="museum_jobs_by_queue")]

    def __str__(self) -> str:
        return f"{self.queue}_{self.museum_object_id}"


class SyncStatus(models.Model):
    """How far a synchronisation with saved progress has come.

    ``start_sync_date`` is when the unfinished run began; ``prev_start_sync_date`` when the last finished one did, from
    which on changes are asked for; ``offset`` is the entry to go on with.
    """

    name = models.CharField(max_length=255, primary_key=True)
    start_sync_date = models.DateTimeField(null=True, blank=True)
    prev_start_sync_date = models.DateTimeField(null=True, blank=True)
    offset = models.BigIntegerField(default=0)

    class Meta:
        db_table = "sync_statuses"

    def __str__(self) -> str:
        return self.name


class Heartbeat(models.Model):
    """When a recurring run last showed a sign of life; the names are those of ``HEARTBEAT_INTERVALS``."""

    source = models.CharField(max_length=64, primary_key=True)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "museum_heartbeats"

    def __str__(self) -> str:
        return self.source

    @classmethod
    def beat(cls, source: str, at: datetime | None = None) -> None:
        """Note that ``source`` is alive."""
        cls.objects.update_or_create(source=source, defaults={"at": at or timezone.now()})
