"""The application of the web pages."""

from django.apps import AppConfig


class DashboardConfig(AppConfig):
    """Has no tables: what it shows is the record's and the archive's."""

    name = "dashboard"
