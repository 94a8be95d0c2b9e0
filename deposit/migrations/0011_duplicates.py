"""What becomes of a package that a client deposits twice."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("deposit", "0010_idempotency")]

    operations = [
        migrations.AddField(
            model_name="collection",
            name="duplicates",
            field=models.CharField(
                choices=[("mark", "accept and mark it"), ("refuse", "refuse it")],
                db_default="mark",
                default="mark",
                help_text="What becomes of a package that the same client has deposited here before.",
                max_length=6,
            ),
        ),
        migrations.AddConstraint(
            model_name="collection",
            constraint=models.CheckConstraint(
                condition=models.Q(("duplicates__in", ["mark", "refuse"])),
                name="collection_duplicates_is_known",
            ),
        ),
        migrations.AddField(
            model_name="part",
            name="duplicate_of",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="deposit.deposit",
            ),
        ),
    ]
