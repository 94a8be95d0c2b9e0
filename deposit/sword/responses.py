"""From whatever went wrong to a ``sword:error`` answer."""

import logging
from collections.abc import Iterable

from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpResponse
from rest_framework.exceptions import APIException

from deposit.authentication.headers import BASIC
from deposit.lifecycle import TransitionRefused
from deposit.refusals import Kind, Refusal
from deposit.sword import documents
from deposit.sword.errors import KIND_BY_STATUS, RETRY_AFTER_SECONDS, WIRE, database_away, internal_error

logger = logging.getLogger(__name__)


def refusal_of(error: Exception) -> Refusal:
    """What to tell the client; logs what the client did not cause."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, APIException):
        return of_status(error.status_code, str(error.detail))
    if isinstance(error, TransitionRefused):
        return Refusal(Kind.BAD_REQUEST, "deposit.transition", str(error))
    if isinstance(error, Http404):
        return of_status(404, "There is nothing at this address.")
    if isinstance(error, PermissionDenied):
        return of_status(403, "You may not do this.")
    if isinstance(error, SuspiciousOperation):
        return of_status(400, "The request is malformed.")
    if isinstance(error, OperationalError | InterfaceError):
        logger.error("database away: %s", str(error).strip())
        return database_away()
    logger.error("request failed", exc_info=error)
    return internal_error()


def of_status(status: int, summary: str) -> Refusal:
    """A refusal for an HTTP status that the framework chose."""
    kind = KIND_BY_STATUS.get(status, Kind.BAD_REQUEST if status < 500 else Kind.INTERNAL)
    return Refusal(kind, f"http.{status}", summary)


def error_response(refusal: Refusal, *, allow: Iterable[str] = ()) -> HttpResponse:
    """The answer to a refused request, with the headers its status calls for."""
    response = HttpResponse(
        documents.error(refusal), status=WIRE[refusal.kind].status, content_type="application/xml"
    )
    if refusal.kind is Kind.UNAUTHORIZED:
        response["WWW-Authenticate"] = refusal.challenge or BASIC
    if refusal.kind is Kind.METHOD_NOT_ALLOWED:
        response["Allow"] = ", ".join(sorted({*allow, *(["HEAD"] if "GET" in allow else [])}))
    if refusal.kind in RETRY_AFTER_SECONDS:
        response["Retry-After"] = str(refusal.retry_after or RETRY_AFTER_SECONDS[refusal.kind])
    return response
