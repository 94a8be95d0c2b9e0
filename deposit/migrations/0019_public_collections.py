"""Collections whose archived deposits everybody may read."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("deposit", "0018_pulses"),
    ]

    operations = [
        migrations.AddField(
            model_name="collection",
            name="public",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="Everybody may read what is archived of its deposits that are done, without logging in.",
            ),
        ),
    ]
