"""How much a client's packages may take in all."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("deposit", "0013_milestones")]

    operations = [
        migrations.AddField(
            model_name="client",
            name="quota_bytes",
            field=models.PositiveBigIntegerField(
                blank=True,
                help_text="How much the client's packages may take in all; empty: any amount.",
                null=True,
            ),
        )
    ]
