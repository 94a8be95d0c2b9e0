"""Watched folders and buckets as a Django application."""

from django.apps import AppConfig


class SourcesConfig(AppConfig):
    """Sources, their items, and the process that watches them."""

    name = "sources"
    label = "sources"
    verbose_name = "Sources"
