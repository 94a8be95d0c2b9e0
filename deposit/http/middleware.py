"""Every request has an id, which its log lines and its answer tell, and is counted; some go no further than here."""

import re
import time
import uuid
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict

from deposit.http.header_limits import blank_unreadable
from deposit.http.origins import refuse_foreign
from deposit.http.sound_request import REFUSAL
from deposit.http.text import is_storable
from deposit.monitoring.logs import request_id
from deposit.monitoring.prometheus import count_request
from deposit.refusals import Kind, Refusal

HEADER = "X-Request-ID"
_ACCEPTABLE = re.compile(r"[A-Za-z0-9_.-]{8,64}", re.ASCII)


class RequestMiddleware:
    """Stands first: gives every request an id (the proxy's, if it sent one), tells it in the answer, and counts."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer, count, and name the request."""
        given = request.META.get("HTTP_X_REQUEST_ID", "")
        name = given if _ACCEPTABLE.fullmatch(given) else uuid.uuid4().hex[:16]
        token = request_id.set(name)
        began = time.monotonic()
        try:
            response = self.get_response(request)
        finally:
            request_id.reset(token)
        response[HEADER] = name
        count_request(request, response.status_code, time.monotonic() - began)
        return response


class RefusedRequest(HttpResponse):
    """The answer to a request that no view sees; the middleware of each door writes its ``refusal`` in its own form."""

    def __init__(self, refusal: Refusal) -> None:
        status = 403 if refusal.kind is Kind.FORBIDDEN else 400
        text = f"{refusal.summary} {refusal.hint}".strip() + "\n"
        super().__init__(text, status=status, content_type="text/plain; charset=utf-8")
        self.refusal = refusal


class SoundRequestMiddleware:
    """Stands last, so that its answers carry what all carry: what no view should see is refused."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Refuse a request that was found wanting when it was made (`deposit.http.sound_request`), or is now."""
        refusal = (
            request.META.get(REFUSAL)
            or blank_unreadable(request.META)
            or _unstorable(request)
            or refuse_foreign(request)
        )
        response = RefusedRequest(refusal) if refusal else self.get_response(request)
        if _is_personal(request) and not response.has_header("Cache-Control"):
            response["Cache-Control"] = "private, no-store"
        return response

    def process_view(self, request: HttpRequest, *_: Any) -> HttpResponse | None:
        """Refuse a form with a text that nothing can keep, once the guard against forged forms has read it."""
        form: QueryDict | None = getattr(request, "_post", None)
        pairs = form.lists() if form else ()
        if all(is_storable(text) for name, texts in pairs for text in (name, *map(str, texts))):
            return None
        return RefusedRequest(_not_text())


def _is_personal(request: HttpRequest) -> bool:
    """Whether a program's answer depends on who has logged in: no cache keeps it, on the way or in the browser."""
    is_program = request.path_info.startswith(("/api/", "/archive/", "/1/", "/3/"))
    return is_program and (
        "HTTP_AUTHORIZATION" in request.META or settings.SESSION_COOKIE_NAME in request.COOKIES
    )


def _unstorable(request: HttpRequest) -> Refusal | None:
    """Whether the path or the query has what no table can hold. Django has replaced what is no UTF-8."""
    sound = is_storable(request.path_info) and "%00" not in request.META.get("QUERY_STRING", "")
    return None if sound else _not_text()


def _not_text() -> Refusal:
    return Refusal(
        Kind.BAD_REQUEST,
        "request.text",
        "The request has a NUL, or a character that is none, in its address or its form.",
        "Send text in UTF-8.",
    )
