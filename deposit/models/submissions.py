"""What sources have submitted, so that nothing is submitted twice."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from deposit.models.record import Client, Deposit


class SubmissionKey(models.Model):
    """The name that a client's source gave to a submission, and the deposit that came of it.

    Written in one transaction with the deposit. It stays as long as the deposit does.
    """

    client = models.ForeignKey(Client, on_delete=models.CASCADE, related_name="+", db_index=False)
    key = models.CharField(max_length=500)
    source = models.CharField(max_length=100)
    deposit = models.ForeignKey(Deposit, on_delete=models.CASCADE, null=True, related_name="submission_keys")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["client", "key"], name="submission_key_is_unique"),
            models.CheckConstraint(condition=~Q(key=""), name="submission_key_is_not_empty"),
        ]

    def __str__(self) -> str:
        return f"{self.key} of {self.source}"
