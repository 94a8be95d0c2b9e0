"""Taking back what is archived: what was asked for, who decided, and what is withdrawn now."""

from django.conf import settings
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
    """That somebody asked for a deposit to be withdrawn or restored; somebody else decides.

    ``note`` is what the reviewer says; a rejection needs one.
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

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=DeletionKind.values), name="deletion_request_kind_is_known"
            ),
            models.CheckConstraint(
                condition=Q(state__in=DeletionState.values), name="deletion_request_state_is_known"
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


class Withdrawal(models.Model):
    """That a deposit is withdrawn: nothing of it is shown but what stands here. Restoring it removes the row.

    The deposit itself stays as it was, its status ``done``.
    """

    deposit = models.OneToOneField(Deposit, on_delete=models.CASCADE, related_name="withdrawal")
    request = models.ForeignKey(DeletionRequest, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(db_default=Now(), editable=False)
    reason = models.TextField()
    decided_by = models.CharField(max_length=150)
    # How the deposit was cited.
    citation = models.TextField()

    def __str__(self) -> str:
        return f"deposit {self.deposit_id} is withdrawn"


def is_withdrawn(deposit: Deposit) -> bool:
    """Whether a deposit is withdrawn; asks the database once for an object, unless it was selected with it."""
    return getattr(deposit, "withdrawal", None) is not None
