"""Errors below ``/1/`` are ``sword:error`` documents, even those that no view of ours saw."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseBase

from deposit.http.errors import of_status, refusal_of
from deposit.sword.responses import error_response

PREFIX = "/1/"
_TEXTS = {
    400: "The request is malformed.",
    404: "There is nothing at this address.",
    500: "The server failed.",
}


class SwordErrorMiddleware:
    """Stands first, so that it sees the answers of the framework and of all other middleware."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Replace an error page of the framework by an error document."""
        response = self.get_response(request)
        if (
            request.path_info.startswith(PREFIX)
            and response.status_code >= 400
            and not response.get("Content-Type", "").startswith("application/xml")
        ):
            text = _TEXTS.get(response.status_code, "The request was refused.")
            return error_response(getattr(response, "refusal", None) or of_status(response.status_code, text))
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """What escaped a view below ``/1/``."""
        return error_response(refusal_of(exception)) if request.path_info.startswith(PREFIX) else None
