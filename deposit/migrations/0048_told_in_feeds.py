"""The indexes of feeds, built while deposits go on."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

_TOLD = models.Q(("status__in", ["done", "withdrawn"]))


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("deposit", "0047_receipts")]

    operations = [
        AddIndexConcurrently(
            model_name="deposit",
            index=models.Index(
                fields=["collection", "-status_changed_at", "-id"],
                name="deposit_told_of_collection",
                condition=_TOLD,
            ),
        ),
        AddIndexConcurrently(
            model_name="deposit",
            index=models.Index(
                fields=["client", "-status_changed_at", "-id"], name="deposit_told_of_client", condition=_TOLD
            ),
        ),
    ]
