"""Every request has an id, which its log lines and its answer tell, and is counted."""

import re
import time
import uuid
from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

from deposit.monitoring.logs import request_id
from deposit.monitoring.prometheus import count_request

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
