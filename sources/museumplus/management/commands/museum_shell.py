"""``manage.py museum_shell``: a Python shell in which the museum's models are at hand."""

from django.core.management.commands import shell


class Command(shell.Command):
    """As ``shell``, which in this project imports all models."""

    help = (
        "A Python shell with the museum's models (MuseumObject, MuseumPackage, MuseumAttachment, SyncStatus)."
    )
