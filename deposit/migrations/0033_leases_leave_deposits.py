"""No index holds the columns of leases any more, and the model of deposits forgets them; the table keeps them."""

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models
from django.db.models import Q

_LEASE_COLUMNS = ("lease_token", "lease_expires_at", "lease_owner", "attempts", "sent_at", "sends")


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("deposit", "0032_work_items")]

    operations = [
        AddIndexConcurrently(
            "deposit",
            models.Index(
                fields=["status", "client", "id"],
                include=["status_changed_at"],
                name="deposit_waiting_of_clients",
                condition=Q(status__in=["deposited", "verified", "loading"]),
            ),
        ),
        RemoveIndexConcurrently("deposit", "deposit_waiting_since"),
        RemoveIndexConcurrently("deposit", "deposit_sent"),
        RemoveIndexConcurrently("deposit", "deposit_attempted"),
        RemoveIndexConcurrently("deposit", "deposit_at_work"),
        migrations.SeparateDatabaseAndState(
            state_operations=[migrations.RemoveField("deposit", name) for name in _LEASE_COLUMNS]
        ),
    ]
