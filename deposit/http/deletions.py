"""The answer to a client that deleted what is done."""

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from deposit.models import DeletionRequest

# Beyond the specifications, which give a DELETE no reason: nothing in RFC 9110 says what its body would mean.
REASON_HEADER = "X-Deletion-Reason"


def reason_in(request: HttpRequest) -> str:
    """Why a client deletes what is done, in UTF-8; empty where it does not say."""
    text = request.headers.get(REASON_HEADER, "")
    try:
        return text.encode("latin-1").decode().strip()
    except UnicodeError:
        return text.strip()


def accepted(asked: DeletionRequest) -> HttpResponse:
    """202 (RFC 9110 section 15.3.3), with the address at which the request is followed."""
    place = reverse("api:deletion-detail", args=[asked.pk])
    return HttpResponse(status=202, headers={"Location": place})
