"""Indexes that answer what is asked of whole queues and of days by themselves, without a look at the rows.

They are built beside those that they replace, while the service goes on.
"""

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("deposit", "0020_no_truncate")]

    operations = [
        AddIndexConcurrently(
            "deposit",
            models.Index(
                fields=["status", "client", "id"],
                include=["status_changed_at", "lease_expires_at"],
                name="deposit_waiting_since",
                condition=Q(status__in=["deposited", "verified", "loading"]),
            ),
        ),
        AddIndexConcurrently(
            "deposit",
            models.Index(
                fields=["status", "id"],
                include=["status_changed_at"],
                name="deposit_amiss_since",
                condition=Q(status__in=["partial", "expired", "rejected", "failed"]),
            ),
        ),
        AddIndexConcurrently(
            "deposit",
            models.Index(
                fields=["reception_date"],
                include=["id", "status", "client", "collection"],
                name="deposit_by_day",
            ),
        ),
        AddIndexConcurrently(
            "deposit",
            models.Index(
                fields=["lease_owner"], name="deposit_at_work", condition=Q(lease_expires_at__isnull=False)
            ),
        ),
        RemoveIndexConcurrently("deposit", "deposit_waiting"),
        RemoveIndexConcurrently("deposit", "deposit_amiss"),
        RemoveIndexConcurrently("deposit", "deposit_by_reception"),
    ]
