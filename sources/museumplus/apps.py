"""The MuseumPlus source as a Django application."""

from django.apps import AppConfig


class MuseumPlusConfig(AppConfig):
    """Objects, attachments and packages of a museum, as Passari's database has them."""

    name = "sources.museumplus"
    label = "museumplus"
    verbose_name = "MuseumPlus"
