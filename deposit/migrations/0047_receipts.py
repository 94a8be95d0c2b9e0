"""Where receipts of deliveries go."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("deposit", "0046_events_to_tell"),
    ]

    operations = [
        migrations.CreateModel(
            name="ReceiptTarget",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("destination", models.CharField(blank=True, db_default="", default="", max_length=50)),
                ("kind", models.CharField(choices=[("file", "file"), ("webhook", "webhook")], max_length=7)),
                (
                    "place",
                    models.CharField(
                        help_text="A folder, a bucket (s3://bucket/prefix), or the address of a webhook.",
                        max_length=2000,
                    ),
                ),
                ("template", models.JSONField(blank=True, db_default={}, default=dict)),
                ("file_name", models.CharField(blank=True, db_default="", default="", max_length=200)),
                ("secret", models.TextField(blank=True, db_default="", default="", editable=False)),
                ("enabled", models.BooleanField(db_default=True, default=True)),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                (
                    "collection",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="receipt_targets",
                        to="deposit.collection",
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("kind", "file"), ("secret", "")),
                            models.Q(("kind", "webhook"), models.Q(("secret", ""), _negated=True)),
                            _connector="OR",
                        ),
                        name="receipt_target_has_what_its_kind_needs",
                    )
                ],
            },
        ),
    ]
