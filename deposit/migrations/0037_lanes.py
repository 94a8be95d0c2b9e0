"""What the lanes of the queue need to know: how many tasks a worker does at once, and what was sent too far ahead."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("deposit", "0036_fetches_are_work")]

    operations = [
        migrations.AddField("pulse", "slots", models.PositiveIntegerField(db_default=0, default=0)),
        migrations.AddField("workitem", "recalled", models.BooleanField(db_default=False, default=False)),
    ]
