"""Taking back what is archived: what was asked for, who decided, and what is withdrawn now."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Length, Now
from django.db.models.lookups import GreaterThanOrEqual, LessThanOrEqual
from django.utils.translation import gettext_lazy as _

from deposit.models.record import Deposit

# Of a reason, in characters.
SHORTEST_REASON, LONGEST_REASON = 10, 2000


class DeletionKind(models.TextChoices):
    """What is asked for."""

    WITHDRAW = "withdraw", _("withdraw")
    RESTORE = "restore", _("restore")
    ERASE = "erase", _("erase")


class DeletionState(models.TextChoices):
    """Where a request stands."""

    REQUESTED = "requested", _("waiting for review")
    APPROVED = "approved", _("approved")
    REJECTED = "rejected", _("not approved")
    CANCELLED = "cancelled", _("cancelled")
    EXPIRED = "expired", _("not reviewed in time")


def _long_enough(name: str) -> Q:
    return Q(GreaterThanOrEqual(Length(name), SHORTEST_REASON)) & Q(
        LessThanOrEqual(Length(name), LONGEST_REASON)
    )


class DeletionRequest(models.Model):
    """That somebody asked for a deposit to be withdrawn, restored or erased; somebody else decides.

    ``note`` is what the reviewer says; a rejection needs one. Of an erasure: ``objects_named`` are the SWHIDs that are
    to go, none for all that only this deposit brought. ``plan`` (``deposit.erasure.planning``) is there before it can
    be decided, stays for ever, and holds identifiers and counts, never content. ``staged``: what its packages were
    stored as. ``progress``: what the work that erases tells of itself. ``erased_at``: when all was gone.
    """

    deposit = models.ForeignKey(Deposit, on_delete=models.PROTECT, related_name="deletion_requests")
    kind = models.CharField(max_length=8, choices=DeletionKind.choices)
    state = models.CharField(
        max_length=9, choices=DeletionState.choices, default=DeletionState.REQUESTED, editable=False
    )
    requester = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    reason = models.TextField()
    requested_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField()
    reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    note = models.TextField(blank=True, default="", db_default="")
    ended_at = models.DateTimeField(null=True, editable=False)
    objects_named = ArrayField(models.CharField(max_length=50), default=list, db_default=[], editable=False)
    plan = models.JSONField(null=True, editable=False)
    staged = ArrayField(models.CharField(max_length=200), default=list, db_default=[], editable=False)
    progress = models.JSONField(default=dict, db_default={}, editable=False)
    erased_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=DeletionKind.values), name="deletion_request_kind_is_known"
            ),
            models.CheckConstraint(
                condition=Q(state__in=DeletionState.values), name="deletion_request_state_is_known"
            ),
            # Nobody erases what was not looked at; and what is erased was approved.
            models.CheckConstraint(
                condition=~Q(kind="erase", state="approved") | Q(plan__isnull=False),
                name="deletion_request_erases_by_a_plan",
            ),
            models.CheckConstraint(
                condition=Q(erased_at__isnull=True) | Q(kind="erase", state="approved"),
                name="deletion_request_erases_when_approved",
            ),
            models.CheckConstraint(
                condition=Q(reviewer__isnull=True) | ~Q(reviewer=F("requester")),
                name="deletion_request_takes_two_people",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["approved", "rejected"], reviewer__isnull=False)
                | Q(state__in=["requested", "cancelled", "expired"], reviewer__isnull=True),
                name="deletion_request_is_decided_by_its_reviewer",
            ),
            models.CheckConstraint(
                condition=Q(state="requested", ended_at__isnull=True)
                | (~Q(state="requested") & Q(ended_at__isnull=False)),
                name="deletion_request_ends_once",
            ),
            models.CheckConstraint(condition=_long_enough("reason"), name="deletion_request_has_a_reason"),
            models.CheckConstraint(
                condition=~Q(state="rejected") | _long_enough("note"),
                name="deletion_request_is_rejected_with_a_reason",
            ),
            models.UniqueConstraint(
                fields=["deposit"],
                condition=Q(state="requested"),
                name="deletion_request_is_the_only_open_one",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} deposit {self.deposit_id}: {self.state}"


_REFERENCE = "deletion request "


def reference_to(request_id: int) -> str:
    """What the archive notes of each object that it erases; the request says who decided and why."""
    return f"{_REFERENCE}{request_id}"


def request_number(reference: str) -> int | None:
    """The number of the request that such a note names."""
    number = reference.removeprefix(_REFERENCE)
    return int(number) if number != reference and number.isdecimal() else None


class Withdrawal(models.Model):
    """That a deposit is withdrawn: nothing of it is shown but what stands here. Restoring it removes the row.

    The deposit itself stays as it was, its status ``done``; of one that is ``erased`` only identifiers are left, and
    the row stays.
    """

    deposit = models.OneToOneField(Deposit, on_delete=models.CASCADE, related_name="withdrawal")
    request = models.ForeignKey(DeletionRequest, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(db_default=Now(), editable=False)
    reason = models.TextField()
    decided_by = models.CharField(max_length=150)
    # How the deposit was cited; empty once it is erased.
    citation = models.TextField(blank=True)
    erased = models.BooleanField(default=False, db_default=False)

    def __str__(self) -> str:
        return f"deposit {self.deposit_id} is withdrawn"


def is_withdrawn(deposit: Deposit) -> bool:
    """Whether a deposit is withdrawn; asks the database once for an object, unless it was selected with it."""
    return getattr(deposit, "withdrawal", None) is not None


def is_erased(deposit: Deposit) -> bool:
    """Whether a deposit is erased, or is being so; asks as `is_withdrawn` does."""
    row: Withdrawal | None = getattr(deposit, "withdrawal", None)
    return row is not None and row.erased


class TakenBackup(models.Model):
    """A backup that was made, so that it is known where copies lie. Rows are only ever added."""

    # The host and the folder, as the command was told.
    place = models.CharField(max_length=2000)
    instant = models.CharField(max_length=20)
    taken_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["place", "instant"], name="backup_is_told_once")]

    def __str__(self) -> str:
        return f"{self.instant} in {self.place}"
