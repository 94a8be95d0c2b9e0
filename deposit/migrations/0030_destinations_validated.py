"""Every collection has a destination."""

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("deposit", "0029_destinations")]

    operations = [ValidateConstraint(model_name="collection", name="collection_has_destinations")]
