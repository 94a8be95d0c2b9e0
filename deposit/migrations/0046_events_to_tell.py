"""The outbox's index, built while deposits go on."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("deposit", "0045_notices")]

    operations = [
        AddIndexConcurrently(
            model_name="event",
            index=models.Index(
                condition=models.Q(("xact__isnull", False)), fields=["xact", "id"], name="event_to_tell"
            ),
        ),
    ]
