"""Finding what was renamed, among many items."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("sources", "0001_initial")]

    operations = [
        AddIndexConcurrently(
            model_name="sourceitem",
            index=models.Index(fields=["source", "version"], name="item_by_version"),
        ),
    ]
