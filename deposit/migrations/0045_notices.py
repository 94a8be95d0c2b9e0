"""Subscriptions, notifications, and how far the outbox has been told."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    # Each statement commits by itself: locks on several tables at once would meet those of requests, crosswise.
    atomic = False

    dependencies = [
        ("deposit", "0044_event_xact"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Notification",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("type", models.CharField(max_length=40)),
                ("body", models.JSONField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "waiting"),
                            ("sending", "being sent"),
                            ("collected", "for the next digest"),
                            ("delivered", "delivered"),
                            ("unknown", "perhaps delivered"),
                            ("dead", "given up"),
                            ("bounced", "bounced"),
                            ("dropped", "not sent any more"),
                        ],
                        default="waiting",
                        editable=False,
                        max_length=9,
                    ),
                ),
                ("attempts", models.PositiveIntegerField(db_default=0, default=0, editable=False)),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                ("ended_at", models.DateTimeField(editable=False, null=True)),
                (
                    "answer",
                    models.CharField(blank=True, db_default="", default="", editable=False, max_length=500),
                ),
            ],
            options={
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="NotificationAttempt",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                ("status", models.PositiveIntegerField(null=True)),
                ("seconds", models.FloatField(default=0)),
                ("answer", models.CharField(blank=True, max_length=500)),
            ],
            options={
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="OutboxPosition",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("xact", models.BigIntegerField(default=0)),
                ("event", models.BigIntegerField(default=0)),
                ("top", models.BigIntegerField(default=0)),
                ("floor", models.BigIntegerField(default=0)),
                ("cluster", models.CharField(blank=True, max_length=40)),
            ],
        ),
        migrations.CreateModel(
            name="StandingAlert",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("code", models.CharField(max_length=100)),
                ("severity", models.CharField(max_length=7)),
                ("sentence", models.TextField()),
                (
                    "raised_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                (
                    "seen_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                ("cleared_at", models.DateTimeField(editable=False, null=True)),
            ],
            options={
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="Subscription",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "channel",
                    models.CharField(choices=[("mail", "mail"), ("webhook", "webhook")], max_length=7),
                ),
                (
                    "reach",
                    models.CharField(
                        choices=[
                            ("own", "my own deposits"),
                            ("curated", "deposits of the collections that I curate"),
                            ("all", "all deposits"),
                        ],
                        db_default="own",
                        default="own",
                        max_length=7,
                    ),
                ),
                (
                    "events",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=40), help_text="What is told.", size=None
                    ),
                ),
                ("is_default", models.BooleanField(db_default=False, default=False, editable=False)),
                ("active", models.BooleanField(db_default=True, default=True)),
                (
                    "digest",
                    models.BooleanField(
                        db_default=False, default=False, help_text="One mail a day instead of one for each."
                    ),
                ),
                ("language", models.CharField(blank=True, db_default="", default="", max_length=10)),
                ("url", models.CharField(blank=True, db_default="", default="", max_length=2000)),
                ("secret", models.TextField(blank=True, db_default="", default="", editable=False)),
                ("previous_secret", models.TextField(blank=True, db_default="", default="", editable=False)),
                ("previous_until", models.DateTimeField(editable=False, null=True)),
                ("failures", models.PositiveIntegerField(db_default=0, default=0, editable=False)),
                ("failing_since", models.DateTimeField(editable=False, null=True)),
                ("retry_at", models.DateTimeField(editable=False, null=True)),
                ("slow", models.BooleanField(db_default=False, default=False, editable=False)),
                (
                    "last_fault",
                    models.CharField(blank=True, db_default="", default="", editable=False, max_length=500),
                ),
                ("succeeded_at", models.DateTimeField(editable=False, null=True)),
                ("paused_at", models.DateTimeField(editable=False, null=True)),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
            },
        ),
        migrations.AddField(
            model_name="notification",
            name="deposit",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="deposit.deposit",
            ),
        ),
        migrations.AddField(
            model_name="notification",
            name="event",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="deposit.event",
            ),
        ),
        migrations.AddField(
            model_name="notificationattempt",
            name="notification",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="log", to="deposit.notification"
            ),
        ),
        migrations.AddConstraint(
            model_name="standingalert",
            constraint=models.UniqueConstraint(
                condition=models.Q(("cleared_at__isnull", True)), fields=("code",), name="alert_stands_once"
            ),
        ),
        migrations.AddField(
            model_name="subscription",
            name="collection",
            field=models.ForeignKey(
                blank=True,
                help_text="Only deposits of this collection; empty: of any.",
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="deposit.collection",
            ),
        ),
        migrations.AddField(
            model_name="subscription",
            name="user",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="subscriptions",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="notification",
            name="subscription",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="notifications",
                to="deposit.subscription",
            ),
        ),
        migrations.AddConstraint(
            model_name="subscription",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("channel", "mail"), ("secret", ""), ("url", "")),
                    models.Q(
                        ("channel", "webhook"),
                        ("digest", False),
                        models.Q(("url", ""), _negated=True),
                        models.Q(("secret", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="subscription_has_what_its_channel_needs",
            ),
        ),
        migrations.AddConstraint(
            model_name="subscription",
            constraint=models.CheckConstraint(
                condition=models.Q(("reach__in", ["own", "curated", "all"])),
                name="subscription_reach_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="subscription",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "events__contained_by",
                        [
                            "deposit.done",
                            "deposit.rejected",
                            "deposit.failed",
                            "deposit.held",
                            "deposit.expiring",
                            "deposit.expired",
                            "deposit.withdrawn",
                            "delivery.asking",
                            "alert.queues",
                            "alert.damage",
                            "alert.sources",
                            "alert.pipelines",
                            "alert.space",
                            "alert.other",
                            "notice.test",
                        ],
                    ),
                    ("events__len__gt", 0),
                ),
                name="subscription_events_are_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="subscription",
            constraint=models.UniqueConstraint(
                condition=models.Q(("channel", "mail")),
                fields=("user", "reach", "collection"),
                name="subscription_by_mail_is_unique",
                nulls_distinct=False,
            ),
        ),
        migrations.AddIndex(
            model_name="notification",
            index=models.Index(
                condition=models.Q(("state__in", ["waiting", "sending"])),
                fields=["subscription", "deposit", "id"],
                name="notification_open_in_order",
            ),
        ),
        migrations.AddIndex(
            model_name="notification",
            index=models.Index(fields=["subscription", "id"], name="notification_of_subscription"),
        ),
        migrations.AddIndex(
            model_name="notification",
            index=models.Index(
                condition=models.Q(("state__in", ["collected", "dead", "unknown", "bounced"])),
                fields=["state", "id"],
                name="notification_amiss",
            ),
        ),
        migrations.AddIndex(
            model_name="notification",
            index=models.Index(fields=["ended_at"], name="notification_by_age"),
        ),
        migrations.AddConstraint(
            model_name="notification",
            constraint=models.UniqueConstraint(
                condition=models.Q(("event__isnull", False)),
                fields=("subscription", "event"),
                name="notification_is_made_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="notification",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "state__in",
                        [
                            "waiting",
                            "sending",
                            "collected",
                            "delivered",
                            "unknown",
                            "dead",
                            "bounced",
                            "dropped",
                        ],
                    )
                ),
                name="notification_state_is_known",
            ),
        ),
    ]
