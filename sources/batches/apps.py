"""Batches as a Django application."""

from django.apps import AppConfig


class BatchesConfig(AppConfig):
    """Batches and what became of each thing in them."""

    name = "sources.batches"
    label = "batches"
    verbose_name = "Batches"

    def ready(self) -> None:
        """Make the kind of work known to the queue."""
        from sources.batches import work  # noqa: F401, PLC0415  (needs the models)
