"""A POST with an Idempotency-Key is answered as it was the first time."""

from collections.abc import Callable

from django.contrib.auth.models import User
from django.http import HttpResponse
from rest_framework.request import Request

from deposit.refusals import Kind, Refusal
from deposit.services.idempotency import Answer, fingerprint, once, read_key
from deposit.services.parts import Submission


class Replayed(Refusal):
    """It is not done again: the earlier answer goes out, and what came with this request is thrown away."""

    def __init__(self, response: HttpResponse) -> None:
        super().__init__(Kind.PRECONDITION_FAILED, "idempotency.replayed", "Done before.")
        self.response = response


def is_retryable(request: Request) -> bool:
    """Whether a request may be a retry: then it is an earlier answer that counts, before all that changed since."""
    return request.method == "POST" and bool(request.META.get("HTTP_IDEMPOTENCY_KEY", "").strip())


def key_of(request: Request) -> str | None:
    """The key that a POST names itself with; no other method is answered again. Raises `Refusal`."""
    return read_key(request.META.get("HTTP_IDEMPOTENCY_KEY", "")) if is_retryable(request) else None


def request_fingerprint(
    path: str, in_progress: bool, slug: str | None, submission: Submission | None, owner: str
) -> str:
    """What makes two POSTs the same: where to, for whom, what they say, and the digests of what they bring."""
    package = submission.package if submission else None
    entry = submission.entry if submission else None
    return fingerprint(
        "POST",
        path,
        owner,
        str(in_progress),
        slug,
        package.name if package else None,
        package.staged.sha256 if package else None,
        entry.document if entry else None,
    )


def answer_once(
    *, user: User, key: str | None, fingerprint: str, perform: Callable[[], HttpResponse]
) -> HttpResponse:
    """The answer of ``perform``; raises `Replayed` with the one that an earlier request got."""
    if key is None:
        return perform()
    made: list[HttpResponse] = []

    def answer() -> Answer:
        made.append(perform())
        response = made[0]
        return Answer(response.status_code, response.content, dict(response.items()))

    outcome = once(user=user, key=key, fingerprint=fingerprint, perform=answer)
    if not outcome.replayed:
        return made[0]
    again = HttpResponse(outcome.answer.body, status=outcome.answer.status)
    for name, value in outcome.answer.headers.items():
        again[name] = value
    again["Idempotency-Replayed"] = "true"
    raise Replayed(again)
