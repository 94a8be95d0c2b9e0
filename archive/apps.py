"""The archive as a Django application."""

from django.apps import AppConfig


class ArchiveConfig(AppConfig):
    """The content-addressed archive; knows nothing of deposits."""

    name = "archive"
    verbose_name = "Archive"
