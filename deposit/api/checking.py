"""``POST /api/check/``: would this be accepted? The checks without a deposit."""

from typing import Any

from django.conf import settings
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from client.description.node import labels
from deposit import selectors
from deposit.api.views import ApiView
from deposit.http.body import Body
from deposit.http.headers import (
    parse_media_type,
    read_content_length,
    read_name_encoding,
)
from deposit.intake.limits import Sizes
from deposit.metadata.filling import word_for
from deposit.models import Collection
from deposit.permissions import Operation, forbidden
from deposit.refusals import Kind, Refusal
from deposit.services import dry_run

_ENTRY = "application/atom+xml"


class FoundSerializer(serializers.Serializer[Any]):
    """One result of a check: ``code`` is stable, ``message`` says what to do."""

    code = serializers.CharField()
    severity = serializers.CharField()
    area = serializers.CharField()
    subject = serializers.CharField()
    message = serializers.CharField()


class DescribedSerializer(serializers.Serializer[Any]):
    """What a package says of itself: it fills this field of a deposit whose metadata do not say it."""

    term = serializers.CharField(help_text="CodeMeta's name of it.")
    name = serializers.CharField()
    values = serializers.ListField(child=serializers.CharField())
    file = serializers.CharField(help_text="The one in the package that says it.")


class VerdictSerializer(serializers.Serializer[Any]):
    """What the checks of a deposit say of what was sent."""

    accepted = serializers.BooleanField(help_text="A deposit of it would pass; warnings reject nothing.")
    swhid = serializers.CharField(source="directory", help_text="Of the directory that the package holds.")
    findings = FoundSerializer(many=True)
    described = serializers.SerializerMethodField()

    @extend_schema_field(DescribedSerializer(many=True))
    def get_described(self, verdict: dry_run.Verdict) -> Any:
        """What the package's own files say, field by field."""
        description = verdict.description
        rows = [
            {"term": term, "name": name, "values": values, "file": description.sources[term]}
            for term in description.node
            if (name := word_for(term)) and (values := list(labels(description.node, term)))
        ]
        return DescribedSerializer(rows, many=True).data


class CheckView(ApiView):
    """Would it be accepted?"""

    @extend_schema(
        summary="Check a package or metadata without depositing them",
        parameters=[
            OpenApiParameter("collection", description="By whose rules; the first of yours by default."),
            OpenApiParameter("X-Name-Encoding", location=OpenApiParameter.HEADER),
        ],
        request={
            "application/octet-stream": OpenApiTypes.BINARY,
            f"{_ENTRY};type=entry": OpenApiTypes.BINARY,
        },
        responses=VerdictSerializer,
    )
    def post(self, request: Request) -> Response:
        """The package (zip or tar, under any type), or an Atom entry, is the body. Nothing of it is kept."""
        collection = self._collection(request.query_params.get("collection", ""))
        length = read_content_length(request.META)
        if (length or 0) > settings.CHECK_MAX_SIZE:
            raise dry_run.too_large_to_check()
        body = Body(request.META, length, Sizes.of(collection))
        if body.is_empty:
            raise Refusal(
                Kind.BAD_REQUEST,
                "check.empty",
                "There is nothing to check.",
                "Send a package or an Atom entry as the body.",
            )
        kind = parse_media_type(request.META.get("CONTENT_TYPE") or None)
        if kind is not None and kind.type == _ENTRY:
            verdict = dry_run.check_metadata(body.read(Sizes.of(collection).metadata))
        else:
            encoding = read_name_encoding(request.META.get("HTTP_X_NAME_ENCODING"))
            verdict = dry_run.check_package(body.chunks(), collection=collection, name_encoding=encoding)
        return Response(VerdictSerializer(verdict).data)

    def _collection(self, name: str) -> Collection:
        if self.actor.client is None:
            raise forbidden(self.actor, Operation.DEPOSIT)
        if name:
            return selectors.collection_for(self.actor, name)
        first = selectors.collections_of(self.actor).first()
        if first is None:
            raise forbidden(self.actor, Operation.DEPOSIT)
        return first
