"""Errors below ``/api/`` are problem documents, even those that no view of ours saw."""

from collections.abc import Callable
from http import HTTPStatus

from django.http import HttpRequest, HttpResponseBase, JsonResponse

from deposit.http.problems import PROBLEM
from deposit.refusals import Refusal

PREFIX = "/api/"
_HINTS = {
    404: "/api/ lists what there is.",
    500: "The fault is ours, and has been logged with this answer's X-Request-ID; try again later.",
}


class ProblemMiddleware:
    """Replaces an error page of the framework by a problem document."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Look at the answers of the framework and of all other middleware."""
        response = self.get_response(request)
        told = response.get("Content-Type", "").startswith(PROBLEM)
        if response.status_code < 400 or told or not request.path_info.startswith(PREFIX):
            return response
        phrase = HTTPStatus(response.status_code).phrase
        refusal: Refusal | None = getattr(response, "refusal", None)
        members = {
            "title": phrase,
            "status": response.status_code,
            "code": refusal.code if refusal else f"request.{phrase.lower().replace(' ', '_')}",
            "detail": refusal.summary if refusal else f"{phrase}.",
            "hint": refusal.hint if refusal else _HINTS.get(response.status_code, ""),
        }
        answer = JsonResponse(
            {name: value for name, value in members.items() if value},
            status=response.status_code,
            content_type=PROBLEM,
        )
        for name, value in response.items():
            if name not in ("Content-Type", "Content-Length"):
                answer[name] = value
        return answer
