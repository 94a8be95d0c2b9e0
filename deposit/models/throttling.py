"""How many wrong passwords came lately, shared by all web processes; and what a user is told about it."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Now


class LoginFailures(models.Model):
    """One leaky bucket, or the mark that an account was used from an address; see ``authentication.throttle``.

    The table is UNLOGGED: writing to it costs no sync, and a crash of PostgreSQL merely forgets it. ``key`` is a
    keyed digest, because people type passwords into the field for the user name.
    """

    key = models.BinaryField(primary_key=True, max_length=16)
    level = models.FloatField(default=0)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index(fields=["at"], name="login_failures_by_age")]

    def __str__(self) -> str:
        return bytes(self.key).hex()


class Notice(models.Model):
    """Something a user should know about the account; shown to the user, and mailed if there is an address."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notices")
    code = models.CharField(max_length=50)
    text = models.TextField()
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    mailed_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["user", "code", "created_at"], name="notice_by_user")]

    def __str__(self) -> str:
        return f"{self.code} for {self.user}"
