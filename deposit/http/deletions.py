"""The answer to a client that deleted what is done."""

from django.http import HttpResponse
from django.urls import reverse

from deposit.models import DeletionRequest


def accepted(asked: DeletionRequest) -> HttpResponse:
    """202 (RFC 9110 section 15.3.3), with the address at which the request is followed."""
    place = reverse("api:deletion-detail", args=[asked.pk])
    return HttpResponse(status=202, headers={"Location": place})
