"""Erasing: what a request says of it; and the history lets go of content where a deposit is erased."""

import django.contrib.postgres.fields
import django.db.models.functions.datetime
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models

# Lines stay; of a deposit that is erased, and in the transaction that says so, their details may become fewer.
_FORWARD = """
CREATE OR REPLACE FUNCTION deposit_event_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF current_setting('deposit.erases', true) = OLD.deposit_id::text
            AND NEW.detail <@ OLD.detail
            AND (NEW.id, NEW.deposit_id, NEW.name, NEW.from_status, NEW.to_status, NEW.actor, NEW.at)
                = (OLD.id, OLD.deposit_id, OLD.name, OLD.from_status, OLD.to_status, OLD.actor, OLD.at)
            AND NEW.via IS NOT DISTINCT FROM OLD.via AND NEW.xact IS NOT DISTINCT FROM OLD.xact
            AND EXISTS (SELECT FROM deposit_withdrawal WHERE deposit_id = OLD.deposit_id AND erased)
        THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'deposit events are append-only' USING ERRCODE = 'restrict_violation';
END
$$;
"""
_BACKWARD = """
CREATE OR REPLACE FUNCTION deposit_event_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'deposit events are append-only' USING ERRCODE = 'restrict_violation';
END
$$;
"""
_KIND = models.CharField(
    choices=[("withdraw", "withdraw"), ("restore", "restore"), ("erase", "erase")], max_length=8
)


class Migration(migrations.Migration):
    dependencies = [("deposit", "0050_withdrawals")]

    operations = [
        # Only Python's list of choices: nothing changes in the table.
        migrations.SeparateDatabaseAndState(
            state_operations=[migrations.AlterField("deletionrequest", "kind", _KIND)]
        ),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AlterField("withdrawal", "citation", models.TextField(blank=True)),
            ]
        ),
        migrations.AddField(
            "deletionrequest",
            "objects_named",
            django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=50),
                db_default=[],
                default=list,
                editable=False,
                size=None,
            ),
        ),
        migrations.AddField("deletionrequest", "plan", models.JSONField(editable=False, null=True)),
        migrations.AddField(
            "deletionrequest",
            "staged",
            django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=200),
                db_default=[],
                default=list,
                editable=False,
                size=None,
            ),
        ),
        migrations.AddField(
            "deletionrequest", "progress", models.JSONField(db_default={}, default=dict, editable=False)
        ),
        migrations.AddField("deletionrequest", "erased_at", models.DateTimeField(editable=False, null=True)),
        migrations.AddField("withdrawal", "erased", models.BooleanField(db_default=False, default=False)),
        migrations.CreateModel(
            name="TakenBackup",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("place", models.CharField(max_length=2000)),
                ("instant", models.CharField(max_length=20)),
                (
                    "taken_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
            ],
            options={"ordering": ["-id"]},
        ),
        migrations.AddConstraint(
            "takenbackup", models.UniqueConstraint(fields=("place", "instant"), name="backup_is_told_once")
        ),
        migrations.RemoveConstraint("deletionrequest", "deletion_request_kind_is_known"),
        AddConstraintNotValid(
            "deletionrequest",
            models.CheckConstraint(
                condition=models.Q(("kind__in", ["withdraw", "restore", "erase"])),
                name="deletion_request_kind_is_known",
            ),
        ),
        AddConstraintNotValid(
            "deletionrequest",
            models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind", "erase"), ("state", "approved"), _negated=True),
                    ("plan__isnull", False),
                    _connector="OR",
                ),
                name="deletion_request_erases_by_a_plan",
            ),
        ),
        AddConstraintNotValid(
            "deletionrequest",
            models.CheckConstraint(
                condition=models.Q(
                    ("erased_at__isnull", True),
                    models.Q(("kind", "erase"), ("state", "approved")),
                    _connector="OR",
                ),
                name="deletion_request_erases_when_approved",
            ),
        ),
        migrations.RunSQL(_FORWARD, _BACKWARD),
    ]
