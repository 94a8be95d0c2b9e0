"""The directory that a deposit's packages make, as the checks saw it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("deposit", "0027_deliveries")]

    operations = [
        migrations.AddField(
            model_name="deposit",
            name="directory_swhid",
            field=models.TextField(editable=False, null=True),
        ),
    ]
