"""Heartbeat, DailyStatistics and PageAnchor: the classes are called so; their tables keep their names."""

from django.db import migrations

NAMES = {"Pulse": "Heartbeat", "DayTally": "DailyStatistics", "Milestone": "PageAnchor"}


class Migration(migrations.Migration):
    dependencies = [("deposit", "0038_provider_identities")]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                operation
                for old, new in NAMES.items()
                for operation in (
                    migrations.AlterModelTable(old, f"deposit_{old.lower()}"),
                    migrations.RenameModel(old, new),
                )
            ]
        )
    ]
