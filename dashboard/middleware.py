"""What every answer of the service carries, and how a refusal looks to people."""

from collections.abc import Callable
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render

from archive.errors import ArchiveError
from deposit.archived.errors import unreadable
from deposit.http.statuses import HTTP_STATUS
from deposit.refusals import Refusal, Withdrawn

# Scripts, styles and pictures are the service's own files. Nothing inline, nothing from elsewhere, no frames.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADER = "Content-Security-Policy"
_OURS = ("dashboard", "museum")


class PageMiddleware:
    """Sets the content security policy where a view set none, and shows refusals as pages."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Add the policy."""
        response = self.get_response(request)
        if not response.has_header(_HEADER):
            response[_HEADER] = POLICY
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """A refusal of a service, on a page: what is wrong and what to do."""
        match = request.resolver_match
        if isinstance(exception, ArchiveError):
            exception = unreadable(exception)
        if not isinstance(exception, Refusal) or match is None or match.app_name not in _OURS:
            return None
        if isinstance(exception, Withdrawn):
            return _tombstone(request, exception)
        status = HTTP_STATUS[exception.kind]
        context = {"refusal": exception, "status": status, "phrase": HTTPStatus(status).phrase}
        return render(request, "dashboard/refused.html", context, status=status)


def _tombstone(request: HttpRequest, refusal: Withdrawn) -> HttpResponse:
    """What stands in the place of what is withdrawn: for people, and for programs that ask for JSON."""
    response: HttpResponse
    if request.accepts("text/html"):
        context = {"refusal": refusal, "tombstone": refusal.tombstone}
        response = render(request, "dashboard/tombstone.html", context, status=HTTPStatus.GONE)
    else:
        response = JsonResponse(dict(refusal.tombstone), status=HTTPStatus.GONE)
    # It may be restored.
    response["Cache-Control"] = "private, no-cache"
    response["Vary"] = "Accept, Cookie"
    return response
