"""Packs may be replaced by others, and objects erased."""

import django.db.models.deletion
import django.db.models.functions.datetime
import django.db.models.lookups
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("archive", "0005_object_by_pack"),
    ]

    operations = [
        migrations.CreateModel(
            name="ErasedObject",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "erased_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                ("kind", models.SmallIntegerField()),
                ("sha1_git", models.BinaryField(unique=True)),
                ("sha256", models.BinaryField(null=True)),
                ("reference", models.TextField()),
            ],
        ),
        migrations.AddField(
            model_name="pack",
            name="copies",
            field=models.BooleanField(null=True),
        ),
        migrations.AddField(
            model_name="pack",
            name="remove_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="pack",
            name="replaced_by",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="replaced",
                to="archive.pack",
            ),
        ),
        migrations.AddField(
            model_name="pack",
            name="rewritten",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name="pack",
            name="shift",
            field=models.BigIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="pack",
            name="to_erase",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddConstraint(
            model_name="erasedobject",
            constraint=models.CheckConstraint(
                condition=django.db.models.lookups.Exact(
                    models.Func(
                        models.F("sha1_git"), function="octet_length", output_field=models.IntegerField()
                    ),
                    20,
                ),
                name="erased_sha1_git_has_20_bytes",
            ),
        ),
        migrations.AddConstraint(
            model_name="erasedobject",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", [0, 1, 3, 5, 6])), name="erased_has_a_kind"
            ),
        ),
    ]
