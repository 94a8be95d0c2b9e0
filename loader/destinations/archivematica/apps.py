"""The destination as a Django application."""

from django.apps import AppConfig


class ArchivematicaConfig(AppConfig):
    """Pipelines, and the transfers that are or were inside them."""

    name = "loader.destinations.archivematica"
    label = "archivematica"
    verbose_name = "Archivematica"
