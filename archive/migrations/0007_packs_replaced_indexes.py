"""Packs whose files are in the storage are found without looking at those that were replaced."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("archive", "0006_packs_replaced")]
    operations = [
        AddIndexConcurrently(
            model_name="pack",
            index=models.Index(
                condition=models.Q(("replaced_by__isnull", True)), fields=["id"], name="pack_in_storage"
            ),
        ),
        AddIndexConcurrently(
            model_name="pack",
            index=models.Index(
                condition=models.Q(("replaced_by__isnull", False)),
                fields=["replaced_by"],
                name="pack_replaced_by",
            ),
        ),
        AddIndexConcurrently(
            model_name="pack",
            index=models.Index(
                condition=models.Q(("remove_at__isnull", False)), fields=["remove_at"], name="pack_remove_at"
            ),
        ),
        AddIndexConcurrently(
            model_name="pack",
            index=models.Index(condition=models.Q(("to_erase", True)), fields=["id"], name="pack_to_erase"),
        ),
    ]
