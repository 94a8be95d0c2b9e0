"""What a collection demands of its packages. Apart from the next: old code locks a deposit before its collection."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("deposit", "0023_fetches")]

    operations = [
        migrations.AddField(
            model_name="collection",
            name="profile",
            field=models.CharField(
                blank=True,
                choices=[
                    ("transfer-package", "transfer package"),
                    ("archivematica", "Archivematica's conventions for transfers"),
                ],
                default="",
                db_default="",
                help_text="What is demanded of its packages, beyond being whole.",
                max_length=60,
            ),
        ),
        migrations.AddField(
            model_name="collection",
            name="profile_options",
            field=models.JSONField(
                blank=True, db_default={}, default=dict, help_text="The options of the profile."
            ),
        ),
    ]
