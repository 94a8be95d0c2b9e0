"""Watched folders and buckets as a Django application."""

from django.apps import AppConfig


class SourcesConfig(AppConfig):
    """Sources, their items, and the process that watches them."""

    name = "sources"
    label = "sources"
    verbose_name = "Sources"

    def ready(self) -> None:
        """Let the service's alerts tell of sources; while there is one, its watcher is missed when it is away."""
        from deposit.monitoring.alerts import register  # noqa: PLC0415  (needs models)
        from deposit.monitoring.processes import register_process  # noqa: PLC0415  (needs models)
        from sources.alerts import alerts  # noqa: PLC0415  (needs models)
        from sources.models import Source  # noqa: PLC0415  (models are not ready when this file is read)

        active = Source.objects.filter(removed_at__isnull=True, paused=False)
        register_process("watch", lambda: active.exists())
        register(alerts)
