"""What a collection says of a single top folder is one of the known words."""

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("deposit", "0048_told_in_feeds")]

    operations = [ValidateConstraint(model_name="collection", name="collection_top_folder_is_known")]
