"""Whom an identity provider means by an account of ours."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class ProviderIdentity(models.Model):
    """The one person at the provider who is an account: by issuer and subject, which never change hands.

    Without a subject it is an administrator's word that whoever logs in next under the account's name is meant.
    """

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="provider_identity"
    )
    issuer = models.CharField(max_length=500, blank=True)
    subject = models.CharField(max_length=255, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name_plural = "provider identities"
        constraints = [
            models.UniqueConstraint(
                fields=["issuer", "subject"], condition=~Q(subject=""), name="identity_is_one_account"
            ),
            models.CheckConstraint(
                condition=Q(issuer="", subject="") | (~Q(issuer="") & ~Q(subject="")),
                name="identity_is_whole",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.subject or 'the next to log in'} is {self.user}"
