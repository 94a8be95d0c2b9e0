"""Fetches are work items; their columns of leases stay for one more version, as those of deposits do."""

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models
from django.db.models import Q

_LEASE_COLUMNS = ("attempts", "due_at", "token", "lease_expires_at")


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("deposit", "0035_name_encoding")]

    operations = [
        migrations.RemoveConstraint("fetch", "fetch_downloading_has_a_lease"),
        AddIndexConcurrently(
            "fetch",
            models.Index(fields=["id"], name="fetch_open", condition=Q(state__in=["pending", "downloading"])),
        ),
        RemoveIndexConcurrently("fetch", "fetch_waiting"),
        migrations.SeparateDatabaseAndState(
            state_operations=[migrations.RemoveField("fetch", name) for name in _LEASE_COLUMNS]
        ),
    ]
