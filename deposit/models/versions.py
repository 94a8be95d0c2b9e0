"""Versions of a package: deposits in one collection that are known by the same external identifier."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from deposit.models.record import Collection, Deposit

# In characters, of up to four bytes: what an index of PostgreSQL takes.
LONGEST_EXTERNAL_ID = 500


class PackageVersion(models.Model):
    """That a deposit is the n-th version of a package. Written when it is accepted; the number stays with it."""

    collection = models.ForeignKey(Collection, on_delete=models.PROTECT, related_name="+")
    external_id = models.CharField(max_length=LONGEST_EXTERNAL_ID)
    number = models.PositiveIntegerField()
    deposit = models.OneToOneField(Deposit, on_delete=models.CASCADE, related_name="package_version")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["collection", "external_id", "number"]
        constraints = [
            models.UniqueConstraint(
                fields=["external_id", "collection", "number"], name="version_has_one_deposit"
            ),
            models.CheckConstraint(condition=Q(number__gte=1), name="version_counts_from_one"),
            models.CheckConstraint(condition=~Q(external_id=""), name="version_has_an_identifier"),
        ]

    def __str__(self) -> str:
        return f"{self.external_id} v{self.number}"
