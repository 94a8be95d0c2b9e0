from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("deposit", "0034_museum_profile")]

    operations = [
        migrations.AddField(
            model_name="deposit",
            name="name_encoding",
            field=models.CharField(blank=True, db_default="", default="", editable=False, max_length=20),
        ),
    ]
