"""The number of the transaction in lines of the history that ask for a notice. Alone, so that it locks one table."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("deposit", "0043_strip_top_folder")]

    operations = [
        migrations.AddField(
            model_name="event", name="xact", field=models.BigIntegerField(editable=False, null=True)
        ),
    ]
