"""How refusals look to SWORD 2 clients: ``sword:error`` documents (section 12), for every refusal under ``/1/``."""

from collections.abc import Iterable

from django.http import HttpResponse

from deposit.http.errors import RETRY_AFTER_SECONDS
from deposit.http.statuses import HTTP_STATUS
from deposit.refusals import BASIC, Kind, Refusal
from deposit.sword import documents


def error_response(refusal: Refusal, *, allow: Iterable[str] = ()) -> HttpResponse:
    """The answer to a refused request, with the headers its status calls for."""
    response = HttpResponse(
        documents.error(refusal), status=HTTP_STATUS[refusal.kind], content_type="application/xml"
    )
    if refusal.kind is Kind.UNAUTHORIZED:
        response["WWW-Authenticate"] = refusal.challenge or BASIC
    if refusal.kind is Kind.METHOD_NOT_ALLOWED:
        response["Allow"] = ", ".join(sorted({*allow, *(["HEAD"] if "GET" in allow else [])}))
    if refusal.kind in RETRY_AFTER_SECONDS:
        response["Retry-After"] = str(refusal.retry_after or RETRY_AFTER_SECONDS[refusal.kind])
    return response
