"""Versions of packages, and those of what was accepted before they were counted."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

# The versions of what was accepted before versions were counted.
NUMBER = """
    INSERT INTO deposit_packageversion (collection_id, external_id, number, deposit_id)
    SELECT collection_id, external_id, row_number() OVER (PARTITION BY collection_id, external_id ORDER BY id), id
    FROM deposit_deposit
    WHERE status IN ('verified', 'loading', 'done', 'failed') AND length(external_id) BETWEEN 1 AND 500
    ON CONFLICT DO NOTHING
"""


class Migration(migrations.Migration):
    # One statement after the other: together they would lock deposits and collections in either order.
    atomic = False

    dependencies = [("deposit", "0025_deposit_profiles")]

    operations = [
        migrations.CreateModel(
            name="PackageVersion",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("external_id", models.CharField(max_length=500)),
                ("number", models.PositiveIntegerField()),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                (
                    "collection",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="deposit.collection"
                    ),
                ),
                (
                    "deposit",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="package_version",
                        to="deposit.deposit",
                    ),
                ),
            ],
            options={
                "ordering": ["collection", "external_id", "number"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("external_id", "collection", "number"), name="version_has_one_deposit"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("number__gte", 1)), name="version_counts_from_one"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("external_id", ""), _negated=True),
                        name="version_has_an_identifier",
                    ),
                ],
            },
        ),
        migrations.RunSQL(NUMBER, migrations.RunSQL.noop),
    ]
