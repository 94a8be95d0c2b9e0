"""The profile of a deposit that a source made."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("deposit", "0024_collection_profiles")]

    operations = [
        migrations.AddField(
            model_name="deposit",
            name="profile",
            field=models.CharField(blank=True, default="", db_default="", editable=False, max_length=60),
        ),
        migrations.AddField(
            model_name="deposit",
            name="profile_options",
            field=models.JSONField(db_default={}, default=dict, editable=False),
        ),
    ]
