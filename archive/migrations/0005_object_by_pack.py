"""What is in a pack is found without reading the whole index."""

from django.contrib.postgres.indexes import BrinIndex
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("archive", "0004_pack_of_objects_by_trigger")]
    operations = [
        AddIndexConcurrently(
            "object",
            BrinIndex(fields=["pack"], name="object_by_pack", autosummarize=True, pages_per_range=32),
        ),
    ]
