"""The MuseumPlus source as a Django application."""

from django.apps import AppConfig


class MuseumPlusConfig(AppConfig):
    """Objects, attachments and packages of a museum, as Passari's database has them."""

    name = "sources.museumplus"
    label = "museumplus"
    verbose_name = "MuseumPlus"

    def ready(self) -> None:
        """Tell the queue of the museum's kinds of work."""
        from sources.museumplus.workflow.kinds import register_kinds  # noqa: PLC0415  (models are not ready before)

        register_kinds()
