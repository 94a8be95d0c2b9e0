"""Who did what to accounts and rights, when, from where, through which channel."""

from django.db import models
from django.db.models.functions import Now


class AuditRecord(models.Model):
    """One line. Append-only: the database refuses update and delete. Never a secret in it.

    What is done to deposits stands in their own history (``Event``, with ``via``); ``deposit.audit`` reads both
    as one.
    """

    at = models.DateTimeField(db_default=Now(), editable=False)
    operation = models.CharField(max_length=50)
    actor = models.CharField(max_length=200)
    subject = models.CharField(max_length=300, blank=True)
    via = models.JSONField(default=dict)
    detail = models.JSONField(default=dict)

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["at"], name="audit_by_time")]

    def __str__(self) -> str:
        return f"{self.operation} {self.subject} by {self.actor}"
