from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("deposit", "0053_large_tables")]

    operations = [
        migrations.AddField(
            model_name="upload",
            name="reservation",
            field=models.TextField(db_default="", default="", editable=False),
        ),
    ]
