"""Who has which role: curators by rows, operators and administrators by Django's groups and permissions."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from deposit.models.record import Collection


class Curatorship(models.Model):
    """That a user looks after all deposits of a collection, whoever made them."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="curatorships")
    collection = models.ForeignKey(Collection, on_delete=models.CASCADE, related_name="curatorships")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "collection"], name="curatorship_is_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.user} curates {self.collection}"
