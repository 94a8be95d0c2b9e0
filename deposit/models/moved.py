"""What was moved here from another deposit server, so that a later run takes only what has changed there since."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from deposit.models.record import Deposit


class MovedAccount(models.Model):
    """A user who was moved here. ``fingerprint``: of the row there, as it was taken last (SHA-256, hex)."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="moved"
    )
    source = models.CharField(max_length=200)
    fingerprint = models.CharField(max_length=64)
    moved_at = models.DateTimeField(db_default=Now(), editable=False)

    def __str__(self) -> str:
        return f"{self.user} from {self.source}"


class MovedDeposit(models.Model):
    """A deposit that was moved here, under the number that it had there.

    ``fingerprint``: of its rows there, as they were taken last. ``revision``: the deposit's here after that, so that
    it shows whether it was changed here since. ``lacking``: what it had there and could not be taken; looked for again
    by every later run. ``loaded``: whether our archive has it; until then it is only recorded. ``swhid``: what it was
    known by there.
    """

    deposit = models.OneToOneField(Deposit, on_delete=models.CASCADE, primary_key=True, related_name="moved")
    source = models.CharField(max_length=200)
    fingerprint = models.CharField(max_length=64)
    revision = models.PositiveIntegerField()
    lacking = models.JSONField(default=list, db_default=[])
    loaded = models.BooleanField(default=False, db_default=False)
    swhid = models.TextField(blank=True, default="", db_default="")
    moved_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        indexes = [
            models.Index(fields=["deposit"], name="moved_not_loaded", condition=models.Q(loaded=False))
        ]

    def __str__(self) -> str:
        return f"deposit {self.deposit_id} from {self.source}"
