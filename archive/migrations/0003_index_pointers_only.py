"""The index by targets leaves out contents, which have none."""

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations
from django.db.models import Q


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("archive", "0002_fixity")]
    operations = [
        AddIndexConcurrently(
            "object",
            GinIndex(fields=["targets"], name="object_by_targets", condition=Q(targets__isnull=False)),
        ),
        RemoveIndexConcurrently("object", "object_by_target"),
    ]
