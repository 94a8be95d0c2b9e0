"""The destination as a Django application."""

from django.apps import AppConfig


class ArchivematicaConfig(AppConfig):
    """Pipelines, and the transfers that are or were inside them."""

    name = "loader.destinations.archivematica"
    label = "archivematica"
    verbose_name = "Archivematica"

    def ready(self) -> None:
        """Let the service's alerts and metrics tell of pipelines."""
        from deposit.monitoring import alerts, prometheus  # noqa: PLC0415  (need models)
        from loader.destinations.archivematica import (  # noqa: PLC0415  (need models)
            monitoring,
            work,  # noqa: F401  (it registers its kind)
        )

        alerts.register(monitoring.alerts)
        prometheus.register(monitoring.metrics)
