"""Clients that deposit on behalf of others, and who sent each part."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("deposit", "0008_audit")]

    operations = [
        migrations.AddField(
            model_name="membership",
            name="mediates",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="May deposit here on behalf of the collection's other clients (On-Behalf-Of).",
            ),
        ),
        migrations.AddField(
            model_name="part",
            name="mediator",
            field=models.CharField(blank=True, db_default="", editable=False, max_length=150),
        ),
    ]
