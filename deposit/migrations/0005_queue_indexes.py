"""Indexes of the queue: each client's oldest deposit, what is out with the broker, what was tried before."""

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("deposit", "0004_words_and_lists")]

    operations = [
        migrations.RemoveIndex(model_name="deposit", name="deposit_waiting"),
        migrations.AddIndex(
            model_name="deposit",
            index=models.Index(
                fields=["status", "client", "id"],
                name="deposit_waiting",
                condition=Q(status__in=["deposited", "verified", "loading"]),
            ),
        ),
        migrations.AddIndex(
            model_name="deposit",
            index=models.Index(
                fields=["status"],
                name="deposit_sent",
                condition=Q(status__in=["deposited", "verified"], sent_at__isnull=False),
            ),
        ),
        migrations.AddIndex(
            model_name="deposit",
            index=models.Index(
                fields=["attempts"],
                name="deposit_attempted",
                condition=Q(status__in=["deposited", "verified", "loading"], attempts__gt=0),
            ),
        ),
    ]
