"""Packs that cannot be merged are not looked at again and again."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("archive", "0007_packs_replaced_indexes")]
    operations = [
        migrations.AddField("pack", "stays_alone", models.BooleanField(db_default=False, default=False)),
    ]
