"""Where the deposits of a collection are taken. One table in a migration: two locked at once could deadlock."""

import django.contrib.postgres.fields
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models

import deposit.models.record


class Migration(migrations.Migration):
    dependencies = [("deposit", "0028_directory_swhid")]

    operations = [
        migrations.AddField(
            model_name="collection",
            name="destinations",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=50),
                db_default=["archive"],
                default=deposit.models.record.default_destinations,
                help_text="Where its deposits are taken, in this order.",
                size=None,
            ),
        ),
        AddConstraintNotValid(
            model_name="collection",
            constraint=models.CheckConstraint(
                condition=models.Q(("destinations__len__gt", 0)), name="collection_has_destinations"
            ),
        ),
    ]
