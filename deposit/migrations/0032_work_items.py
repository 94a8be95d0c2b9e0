"""The queue gets a table of its own.

The columns of leases stay in the table of deposits for one more version, with defaults in the database: processes of
the version before go on with them, and the deposits that they complete get their work items from the dispatcher
(`deposit.services.work.heal`). The two constraints on them go, for the version before and this one lease in different
places.
"""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Q
from django.db.models.functions import Now


class Migration(migrations.Migration):
    dependencies = [("deposit", "0031_submission_keys")]

    operations = [
        migrations.RunSQL(
            "CREATE SEQUENCE deposit_lease_tokens AS bigint", "DROP SEQUENCE deposit_lease_tokens"
        ),
        migrations.CreateModel(
            name="WorkItem",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("kind", models.CharField(max_length=40)),
                ("key", models.CharField(max_length=200)),
                ("queue", models.CharField(max_length=40)),
                ("share", models.BigIntegerField(db_default=0, default=0)),
                ("heavy", models.BooleanField(db_default=False, default=False)),
                ("due_at", models.DateTimeField(db_default=Now())),
                ("attempts", models.PositiveIntegerField(db_default=0, default=0)),
                ("sends", models.PositiveIntegerField(db_default=0, default=0)),
                ("sent_at", models.DateTimeField(null=True)),
                ("lease_token", models.PositiveBigIntegerField(db_default=0, default=0)),
                ("lease_expires_at", models.DateTimeField(null=True)),
                ("lease_owner", models.CharField(blank=True, db_default="", max_length=200)),
                ("asked_again", models.BooleanField(db_default=False, default=False)),
                ("last_fault", models.CharField(blank=True, db_default="", max_length=500)),
                ("arguments", models.JSONField(db_default={}, default=dict)),
                ("created_at", models.DateTimeField(db_default=Now(), editable=False)),
                (
                    "deposit",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="work",
                        to="deposit.deposit",
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
                "indexes": [
                    models.Index(fields=["queue", "heavy", "share", "due_at", "id"], name="work_in_order"),
                    models.Index(fields=["queue"], name="work_out", condition=Q(sent_at__isnull=False)),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=["kind", "key"], name="work_is_open_once"),
                    models.CheckConstraint(
                        condition=Q(lease_expires_at__isnull=True)
                        | (Q(sent_at__isnull=False) & ~Q(lease_owner="") & Q(lease_token__gt=0)),
                        name="work_lease_has_an_owner_and_a_token",
                    ),
                ],
            },
        ),
        # Room on each page for the newest state of its rows; and dead ones go before they are many.
        migrations.RunSQL(
            "ALTER TABLE deposit_workitem SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, "
            "autovacuum_analyze_scale_factor = 0.05)",
            migrations.RunSQL.noop,
        ),
        migrations.RunSQL(
            "ALTER TABLE deposit_deposit ALTER lease_token SET DEFAULT 0, ALTER lease_owner SET DEFAULT '', "
            "ALTER attempts SET DEFAULT 0, ALTER sends SET DEFAULT 0",
            migrations.RunSQL.noop,
        ),
        migrations.RemoveConstraint(model_name="deposit", name="deposit_lease_only_while_worked_on"),
        migrations.RemoveConstraint(model_name="deposit", name="deposit_loading_has_a_lease"),
    ]
