"""How refusals look in the JSON API: problem details (RFC 9457), with the stable code of the refusal."""

from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import InterfaceError, OperationalError
from django.http import Http404
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.response import Response
from rest_framework.views import set_rollback

from deposit.http.errors import RETRY_AFTER_SECONDS, database_away
from deposit.http.statuses import HTTP_STATUS
from deposit.lifecycle import TransitionRefused
from deposit.refusals import BASIC, Kind, Refusal, Withdrawn

PROBLEM = "application/problem+json"


def problem(status: int, code: str, detail: str, **more: object) -> Response:
    """A problem document; ``code`` is stable, ``detail`` is for people, ``hint`` says what to do."""
    members = {"title": HTTPStatus(status).phrase, "status": status, "code": code, "detail": detail}
    return Response(
        members | {name: value for name, value in more.items() if value}, status=status, content_type=PROBLEM
    )


def handle(exception: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler for the API: every refusal is a problem document; None for faults of ours."""
    set_rollback()
    if isinstance(exception, OperationalError | InterfaceError):
        exception = database_away()
    if isinstance(exception, Refusal):
        return _refused(exception)
    if isinstance(exception, TransitionRefused):
        return problem(409, "deposit.status", str(exception), hint="Read the deposit again: it has moved on.")
    if isinstance(exception, ValidationError):
        errors = exception.get_full_details()
        return problem(400, "request.invalid", "The request has faults.", errors=errors)
    if isinstance(exception, Http404):
        return problem(404, "path.unknown", "There is nothing at this address.")
    if isinstance(exception, PermissionDenied):
        return problem(403, "auth.role", "You may not do this.")
    if isinstance(exception, APIException):
        return problem(exception.status_code, f"request.{exception.default_code}", str(exception.detail))
    return None


def _refused(refusal: Refusal) -> Response:
    more = {"tombstone": refusal.tombstone} if isinstance(refusal, Withdrawn) else {}
    response = problem(HTTP_STATUS[refusal.kind], refusal.code, refusal.summary, hint=refusal.hint, **more)
    if refusal.kind is Kind.UNAUTHORIZED:
        response["WWW-Authenticate"] = refusal.challenge or BASIC
    wait = RETRY_AFTER_SECONDS.get(refusal.kind)
    if wait:
        response["Retry-After"] = str(refusal.retry_after or wait)
    return response
