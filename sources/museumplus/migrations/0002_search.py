"""Trigram indexes, where the server has the extension for them."""

from django.db import migrations

from sources.museumplus.search_indexes import make_search_indexes


def make(apps: object, schema_editor: object) -> None:
    make_search_indexes()


class Migration(migrations.Migration):
    dependencies = [("museumplus", "0001_initial")]
    operations = [migrations.RunPython(make, migrations.RunPython.noop)]
