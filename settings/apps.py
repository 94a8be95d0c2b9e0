"""The application that makes Celery known to Django's processes and checks the settings."""

from django.apps import AppConfig

from settings import celery, checks

__all__ = ["SettingsConfig", "celery", "checks"]


class SettingsConfig(AppConfig):
    """Imports what must exist in every process: Celery's application, and the checks of ``settings.checks``."""

    name = "settings"
