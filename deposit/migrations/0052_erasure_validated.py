"""What was there before is so, too."""

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("deposit", "0051_erasure")]

    operations = [
        ValidateConstraint("deletionrequest", "deletion_request_kind_is_known"),
        ValidateConstraint("deletionrequest", "deletion_request_erases_by_a_plan"),
        ValidateConstraint("deletionrequest", "deletion_request_erases_when_approved"),
    ]
