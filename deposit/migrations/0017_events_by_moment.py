from django.contrib.postgres.indexes import BrinIndex
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations


class Migration(migrations.Migration):
    # The table is large, and deposits go on while the index is made.
    atomic = False
    dependencies = [("deposit", "0016_tallies")]

    operations = [
        AddIndexConcurrently(
            model_name="event",
            index=BrinIndex(autosummarize=True, fields=["at"], name="event_by_moment", pages_per_range=32),
        ),
    ]
