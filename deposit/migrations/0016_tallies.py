import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("deposit", "0015_collection_limits")]

    operations = [
        migrations.CreateModel(
            name="DayTally",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("day", models.DateField()),
                ("received", models.PositiveBigIntegerField(help_text="Deposits that became complete.")),
                ("size", models.PositiveBigIntegerField(help_text="Of their packages together, in bytes.")),
                (
                    "largest",
                    models.PositiveBigIntegerField(help_text="Of the packages of one of them, in bytes."),
                ),
                ("done", models.PositiveBigIntegerField(help_text="Deposits that reached the archive.")),
                ("rejected", models.PositiveBigIntegerField()),
                ("failed", models.PositiveBigIntegerField()),
                (
                    "waited",
                    models.PositiveBigIntegerField(
                        help_text="From complete (or ordered again) to the archive, of all `done` together, "
                        "in seconds."
                    ),
                ),
                ("longest", models.PositiveBigIntegerField(help_text="Of one of them, in seconds.")),
                (
                    "counted_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                (
                    "client",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="deposit.client",
                    ),
                ),
                (
                    "collection",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="deposit.collection",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("day", "client", "collection"), name="tally_of_a_day_is_unique"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("largest__lte", models.F("size")), ("longest__lte", models.F("waited"))
                        ),
                        name="tally_parts_are_within_their_sums",
                    ),
                ],
            },
        ),
    ]
