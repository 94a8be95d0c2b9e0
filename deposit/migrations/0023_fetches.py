"""The administration calls several fetches so. Nothing changes in the database."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("deposit", "0022_whose_is_amiss")]

    operations = [
        migrations.AlterModelOptions(name="fetch", options={"verbose_name_plural": "fetches"}),
    ]
