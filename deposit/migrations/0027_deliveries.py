"""Deliveries of deposits to destinations, their steps, and the identifiers that deposits get there."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("deposit", "0026_package_versions")]

    operations = [
        migrations.CreateModel(
            name="Delivery",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("destination", models.CharField(max_length=50)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "waiting"),
                            ("running", "running"),
                            ("asking", "asking"),
                            ("done", "done"),
                            ("failed", "failed"),
                            ("cancelled", "cancelled"),
                            ("abandoned", "abandoned"),
                        ],
                        default="waiting",
                        max_length=9,
                    ),
                ),
                ("current", models.BooleanField(default=True)),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                ("started_at", models.DateTimeField(editable=False, null=True)),
                ("ended_at", models.DateTimeField(editable=False, null=True)),
                ("deadline_at", models.DateTimeField(editable=False, null=True)),
                ("memory", models.JSONField(db_default={}, default=dict, editable=False)),
                ("question", models.JSONField(db_default={}, default=dict, editable=False)),
                (
                    "wish",
                    models.CharField(
                        blank=True,
                        choices=[("cancel", "cancel"), ("abandon", "abandon")],
                        db_default="",
                        default="",
                        editable=False,
                        max_length=7,
                    ),
                ),
                (
                    "wished_by",
                    models.CharField(blank=True, db_default="", default="", editable=False, max_length=200),
                ),
                (
                    "code",
                    models.CharField(blank=True, db_default="", default="", editable=False, max_length=100),
                ),
                ("error", models.TextField(blank=True, db_default="", default="", editable=False)),
                (
                    "deposit",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="deliveries",
                        to="deposit.deposit",
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
                "indexes": [
                    models.Index(fields=["deposit", "id"], name="delivery_of_deposit"),
                    models.Index(
                        condition=models.Q(("state", "done"), _negated=True),
                        fields=["state", "destination", "id"],
                        name="delivery_not_done",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("current", True)),
                        fields=("deposit", "destination"),
                        name="delivery_one_is_current",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "state__in",
                                ["waiting", "running", "asking", "done", "failed", "cancelled", "abandoned"],
                            )
                        ),
                        name="delivery_state_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("ended_at__isnull", True), ("state__in", ("waiting", "running", "asking"))
                            ),
                            models.Q(
                                models.Q(("state__in", ("waiting", "running", "asking")), _negated=True),
                                ("ended_at__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="delivery_ended_at_follows_state",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("wish__in", ["", "cancel", "abandon"])),
                        name="delivery_wish_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("current", True), ("ended_at__isnull", False), _connector="OR"),
                        name="delivery_replaced_has_ended",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Activity",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=50)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "waiting"),
                            ("running", "running"),
                            ("asking", "asking"),
                            ("done", "done"),
                            ("failed", "failed"),
                        ],
                        default="running",
                        max_length=7,
                    ),
                ),
                ("attempts", models.PositiveIntegerField(default=0, editable=False)),
                ("polls", models.PositiveIntegerField(db_default=0, default=0, editable=False)),
                (
                    "started_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                ("ended_at", models.DateTimeField(editable=False, null=True)),
                ("result", models.JSONField(db_default={}, default=dict, editable=False)),
                ("note", models.TextField(blank=True, db_default="", default="", editable=False)),
                ("error", models.TextField(blank=True, db_default="", default="", editable=False)),
                ("fault", models.TextField(blank=True, db_default="", default="", editable=False)),
                (
                    "delivery",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="activities",
                        to="deposit.delivery",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "activities",
                "ordering": ["id"],
                "constraints": [
                    models.UniqueConstraint(fields=("delivery", "name"), name="activity_is_unique"),
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ["waiting", "running", "asking", "done", "failed"])),
                        name="activity_state_is_known",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Identifier",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("scheme", models.CharField(max_length=50)),
                ("value", models.TextField()),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                (
                    "deposit",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="identifiers",
                        to="deposit.deposit",
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
                "indexes": [
                    models.Index(fields=["value"], name="identifier_by_value"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("deposit", "scheme", "value"), name="identifier_is_unique"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("scheme", ""), _negated=True), models.Q(("value", ""), _negated=True)
                        ),
                        name="identifier_is_not_empty",
                    ),
                ],
            },
        ),
    ]
