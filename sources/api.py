"""Sources and their items below ``/api/sources/``, and the events that a bucket's server sends there."""

import hashlib
import hmac
from typing import Any, cast

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from deposit.api.views import ApiView, Pages
from deposit.http.api_authentication import ApiAuthenticator
from deposit.permissions import Operation, may_service
from deposit.refusals import Kind, Refusal
from sources import items, selectors
from sources.buckets.address import read_address
from sources.buckets.events import MAX_BYTES, EventError, keys_in
from sources.models import ItemState, Source


def _unknown(name: str) -> Refusal:
    return Refusal(
        Kind.NOT_FOUND, "source.unknown", "There is no such source.", "The list at /api/sources/ shows yours."
    )


class SourceList(ApiView):
    """Sources that exist for the caller."""

    @extend_schema(summary="Watched folders and buckets", responses={200: OpenApiTypes.OBJECT})
    def get(self, request: Request) -> Response:
        """All of them, with how many items are in which state."""
        found = selectors.with_counts(selectors.visible_sources(self.actor))
        return Response({"results": [selectors.source_summary(source) for source in found]})


class _OfSource(ApiView):
    def source(self, name: str) -> Source:
        """A source that exists for the caller. Raises `Refusal`."""
        source = selectors.with_counts(selectors.visible_sources(self.actor)).filter(name=name).first()
        if source is None:
            raise _unknown(name)
        return source


class SourceDetail(_OfSource):
    """One source."""

    @extend_schema(summary="A watched folder or bucket", responses={200: OpenApiTypes.OBJECT})
    def get(self, request: Request, name: str) -> Response:
        """All that there is to tell of it."""
        return Response(selectors.source_summary(self.source(name)))


class ItemList(_OfSource):
    """What a source has seen."""

    @extend_schema(
        summary="The items of a source, newest first",
        parameters=[
            OpenApiParameter("state", str, enum=ItemState.values),
            OpenApiParameter("key", str),
            OpenApiParameter("cursor", str),
            OpenApiParameter("page_size", int),
        ],
        responses={200: OpenApiTypes.OBJECT},
    )
    def get(self, request: Request, name: str) -> Response:
        """A page of them."""
        query = request.query_params
        found = selectors.items_of(self.source(name), state=query.get("state", ""), key=query.get("key", ""))
        pages = Pages()
        rows = cast("list[Any]", pages.paginate_queryset(found, request, view=self))
        return pages.get_paginated_response(selectors.item_summaries(rows))


class EventsView(ApiView):
    """Where a bucket's server sends what happened there."""

    authentication_classes = []

    @extend_schema(
        summary="An event of a bucket: S3, MinIO or SeaweedFS",
        request=OpenApiTypes.OBJECT,
        responses={202: OpenApiTypes.NONE, 204: OpenApiTypes.NONE},
    )
    def post(self, request: Request, name: str) -> Response:
        """Write down which objects were made: 202, or 204 when there are none that count."""
        source = Source.objects.filter(name=name, kind="bucket", removed_at__isnull=True).first()
        if source is None or not (_has_token(request, source) or _operates(request)):
            # The same for a source that is not there: names are not told.
            raise Refusal(
                Kind.UNAUTHORIZED,
                "source.token",
                "The token is missing or wrong.",
                "Send the source's token as Bearer: `manage.py source token NAME` makes a new one.",
            )
        try:
            keys = keys_in(_body(request), read_address(source.location).bucket)
        except EventError as error:
            raise Refusal(
                Kind.BAD_REQUEST,
                "source.event",
                f"The event cannot be read. {error}",
                "Send it as S3, MinIO or SeaweedFS makes it, one in a request.",
            ) from error
        items.record_seen(source, keys)
        return Response(status=202 if keys else 204)


def _body(request: Request) -> bytes:
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdigit() or int(length) > MAX_BYTES:
        raise EventError(f"It is longer than {MAX_BYTES} bytes.")
    return bytes(request._request.body)


def _has_token(request: Request, source: Source) -> bool:
    kind, _, token = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    # MinIO sends its token as it is where none of its words stands before it.
    sent = token if kind.lower() == "bearer" else kind
    digest = hashlib.sha256(sent.strip().encode("utf-8", "surrogateescape")).hexdigest()
    return bool(source.webhook_digest) and hmac.compare_digest(digest, source.webhook_digest)


def _operates(request: Request) -> bool:
    """Whether it is an operator's account that sends the event."""
    if "HTTP_AUTHORIZATION" not in request.META:
        return False
    try:
        _, actor = ApiAuthenticator().authenticate(request)
    except Refusal:
        return False
    return may_service(actor, Operation.SEE_QUEUES)
