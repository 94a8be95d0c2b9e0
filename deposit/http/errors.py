"""From whatever went wrong to a refusal, and the HTTP status that a refusal is answered with, at every face."""

import logging

from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404
from rest_framework.exceptions import APIException

from deposit.http.statuses import KIND_BY_STATUS
from deposit.lifecycle import TransitionRefused
from deposit.refusals import Kind, Refusal

logger = logging.getLogger(__name__)

RETRY_AFTER_SECONDS: dict[Kind, int] = {
    Kind.TOO_MANY_REQUESTS: 30,
    Kind.UNAVAILABLE: 10,
    Kind.STORAGE_FULL: 300,
}


def database_away() -> Refusal:
    """PostgreSQL does not answer; swh-deposit's client looks for these two texts and says "maintenance"."""
    return Refusal(
        Kind.UNAVAILABLE,
        "service.database_away",
        "Database backend maintenance",
        "Service temporarily unavailable, try again later.",
    )


def internal_error() -> Refusal:
    """A fault of ours."""
    return Refusal(
        Kind.INTERNAL,
        "service.internal_error",
        "The server failed while it handled this request.",
        "Nothing is wrong with the request as far as we know. The operators find the fault in the log.",
    )


def refusal_of(error: Exception) -> Refusal:
    """What to tell the client; logs what the client did not cause."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, APIException):
        return of_status(error.status_code, str(error.detail))
    if isinstance(error, TransitionRefused):
        return Refusal(Kind.BAD_REQUEST, "deposit.status", str(error))
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
