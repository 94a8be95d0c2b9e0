"""Content negotiation of the SWORD face: every Accept header is welcome."""

from collections.abc import Sequence

from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request


class AnyNegotiation(BaseContentNegotiation):
    """Clients ask for many XML types and get XML: a 406 would help nobody."""

    def select_parser(self, request: Request, parsers: Sequence[object]) -> None:  # type: ignore[override]
        """Bodies are read as streams, never by a DRF parser."""

    def select_renderer(  # type: ignore[override]
        self, request: Request, renderers: Sequence[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """The first renderer; the views answer with finished documents."""
        return renderers[0], renderers[0].media_type or ""
