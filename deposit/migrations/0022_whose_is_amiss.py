"""The index over what is amiss tells whose it is too, so that a client's own figures need no look at the rows."""

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("deposit", "0021_cover_what_is_counted")]

    operations = [
        AddIndexConcurrently(
            "deposit",
            models.Index(
                fields=["status", "id"],
                include=["status_changed_at", "client"],
                name="deposit_amiss_of_clients",
                condition=Q(status__in=["partial", "expired", "rejected", "failed"]),
            ),
        ),
        RemoveIndexConcurrently("deposit", "deposit_amiss_since"),
    ]
