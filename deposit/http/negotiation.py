"""Content negotiation of the SWORD face: every Accept header is welcome."""

from collections.abc import Sequence

from django.http import HttpRequest
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


def accepts(request: HttpRequest | Request, media_type: str) -> bool:
    """Whether the client names this media type, parameters included, in Accept; ``*/*`` names none."""
    wanted = _parameters_of(media_type)
    return any(
        wanted <= _parameters_of(one) and "q=0" not in _parameters_of(one)
        for one in request.META.get("HTTP_ACCEPT", "").split(",")
    )


def _parameters_of(media_type: str) -> set[str]:
    return {piece.strip().lower().replace('"', "") for piece in media_type.split(";")}
