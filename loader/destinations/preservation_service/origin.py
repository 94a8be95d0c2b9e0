"""Where deposits for the service come from: who knows the record behind a deposit, and is told what becomes of it.

The destination knows how to deliver; what is delivered, and what the collection system is told, is its origin's to say.
``SIP_ORIGIN`` names it, so that nothing here imports a source.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from django.conf import settings
from django.utils.module_loading import import_string

from loader.steps import Context


class Origin(Protocol):
    """The record behind a deposit. Methods raise `loader.steps.Transient` and `Permanent`."""

    def create_sip(self, context: Context) -> Mapping[str, Any]:
        """Make the SIP; small facts of it."""

    def submit_sip(self, context: Context) -> Mapping[str, Any]:
        """Hand it to the service, once."""

    def verdict(self, context: Context) -> str | None:
        """``accepted`` or ``rejected``, once the service has decided and all is told; None until then."""


def origin() -> Origin:
    """The origin that the settings name."""
    found: Origin = import_string(settings.SIP_ORIGIN)
    return found
