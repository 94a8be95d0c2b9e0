"""The endpoints below ``/api/``: a view parses, calls one selector or service, renders."""

import json
import time
from collections.abc import Callable
from typing import Any, cast

from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpResponse
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound
from rest_framework.mixins import ListModelMixin
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.parsers import FormParser
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from archive.identifiers import SWHID
from archive.retrieval import known
from deposit.actors import Actor
from deposit.api import serializers
from deposit.archive_permissions import readable_among, wait_in_vain
from deposit.http.api_authentication import ApiAuthenticator
from deposit.http.json_parser import StorableJSONParser
from deposit.http.negotiation import AnyNegotiation
from deposit.http.problems import handle
from deposit.lists.cursor import DepositFilter
from deposit.models import Collection, DailyStatistics, Deposit
from deposit.monitoring import daily_statistics, statistics
from deposit.monitoring.alerts import alerts
from deposit.permissions import (
    Operation,
    may,
    may_service,
    require_service,
    visible_collections,
    visible_deposit,
    visible_deposits,
    visible_statistics,
)
from deposit.refusals import Kind, Refusal
from deposit.services import confirmation, operations
from deposit.services.exports import FORMATS, exported
from deposit.services.idempotency import Answer, fingerprint, once, read_key
from settings.postgres.replica import may_read_from_standby

ACTIONS: dict[str, Callable[..., Any]] = {
    "reschedule": operations.reschedule,
    "recheck": operations.recheck,
    "expire": operations.expire,
    "confirm": confirmation.confirm,
}


class Pages(CursorPagination):
    """Pages by cursor: they stay right and fast while deposits come in."""

    ordering = "-id"
    page_size = 50
    max_page_size = 500
    page_size_query_param = "page_size"

    def decode_cursor(self, request: Request) -> Cursor | None:
        """Where to go on: after which number. Raises a 404 for anything else."""
        cursor = super().decode_cursor(request)
        position = "0" if cursor is None or cursor.position is None else str(cursor.position)
        if not (position.isascii() and position.isdigit() and len(position) < 19):
            raise NotFound(self.invalid_cursor_message)
        return cursor


class OldestFirst(Pages):
    """Histories are read from their beginning."""

    ordering = "id"


class ApiView(APIView):
    """What all endpoints share: who asks, JSON, problems as documents."""

    authentication_classes = [ApiAuthenticator]
    permission_classes = []
    renderer_classes = [JSONRenderer]
    parser_classes = [StorableJSONParser, FormParser]

    @property
    def actor(self) -> Actor:
        """Who asks."""
        return cast(Actor, self.request.auth)

    def get_exception_handler(self) -> Callable[..., Response | None]:
        """Problems, not DRF's own documents."""
        return handle


@extend_schema_view(list=extend_schema(summary="Deposits, newest first"))
class DepositViewSet(ApiView, ListModelMixin, GenericViewSet[Deposit]):
    """Deposits that exist for the caller."""

    # As many digits as a number of the database has; anything else is an address of nothing.
    lookup_value_regex = "[0-9]{1,18}"
    serializer_class = serializers.DepositSerializer
    pagination_class = Pages
    filter_backends = [DjangoFilterBackend]
    filterset_class = DepositFilter
    queryset = Deposit.objects.none()

    def get_queryset(self) -> QuerySet[Deposit]:
        """Those that the caller can see."""
        return visible_deposits(self.actor).select_related("collection", "client__user")

    @may_read_from_standby
    def list(self, request: Request, *args: object, **kwargs: object) -> Response:
        """The list, filtered."""
        return super().list(request, *args, **kwargs)

    def _deposit(self, pk: str) -> Deposit:
        return visible_deposit(self.actor, int(pk))

    @extend_schema(
        summary="A deposit, with its findings and parts", responses=serializers.WholeDepositSerializer
    )
    def retrieve(self, request: Request, pk: str) -> Response:
        """Everything about one deposit but its history."""
        deposit = self._deposit(pk)
        told = {**self.get_serializer_context(), "faults": may(self.actor, Operation.RESCHEDULE, deposit)}
        return Response(serializers.WholeDepositSerializer(deposit, context=told).data)

    @extend_schema(
        summary="The history of a deposit", responses=serializers.EventSerializer(many=True), filters=False
    )
    @action(detail=True, pagination_class=OldestFirst, filter_backends=[], url_path="events")
    def events(self, request: Request, pk: str) -> Response:
        """What happened, oldest first."""
        deposit = self._deposit(pk)
        rows = self.paginate_queryset(cast(Any, deposit.events.all()))
        told = {"faults": may(self.actor, Operation.RESCHEDULE, deposit)}
        serializer = serializers.EventSerializer(cast(Any, rows), many=True, context=told)
        return self.get_paginated_response(serializer.data)

    @extend_schema(
        summary="Act on a deposit",
        request=serializers.ActionSerializer,
        responses={200: serializers.DepositSerializer, 409: serializers.ProblemSerializer},
        filters=False,
    )
    @action(detail=True, methods=["post"], url_path="actions", filter_backends=[])
    def act(self, request: Request, pk: str) -> Response:
        """Reschedule (load again), recheck (check again) or expire, for operators and curators; confirm warnings, for
        the depositor.
        """
        asked = serializers.ActionSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        name = asked.validated_data["action"]
        outcome = once(
            user=cast(User, request.user),
            key=read_key(request.META.get("HTTP_IDEMPOTENCY_KEY", "")),
            fingerprint=fingerprint("POST", request.path, str(self.actor.owner or ""), name),
            perform=lambda: self._acted(name, int(pk)),
        )
        return Response(json.loads(outcome.answer.body))

    def _acted(self, name: str, deposit_id: int) -> Answer:
        deposit = visible_deposit(self.actor, deposit_id)
        ACTIONS[name](deposit_id=deposit.pk, actor=self.actor)
        context = self.get_serializer_context()
        told = serializers.DepositSerializer(visible_deposit(self.actor, deposit_id), context=context).data
        return Answer(200, JSONRenderer().render(told))


class ExportView(ApiView):
    """The description of a deposit in a format that others read."""

    # The address names the format.
    content_negotiation_class = AnyNegotiation

    @extend_schema(
        summary="The description of a deposit as a file",
        parameters=[OpenApiParameter("name", location=OpenApiParameter.PATH, enum=list(FORMATS))],
        responses={(200, "application/*"): OpenApiTypes.BINARY, 404: serializers.ProblemSerializer},
    )
    def get(self, request: Request, deposit_id: int, name: str) -> HttpResponse:
        """BibTeX, CITATION.cff, CodeMeta, DataCite or Dublin Core, of what is archived and may be read."""
        if name not in FORMATS:
            raise Refusal(
                Kind.NOT_FOUND,
                "export.unknown",
                "There is no such format.",
                f"Ask for one of {', '.join(FORMATS)}.",
            )
        file = exported(self.actor, deposit_id, name)
        response = HttpResponse(file.content, content_type=file.content_type)
        response["Content-Disposition"] = f'attachment; filename="{file.file_name}"'
        return response


@extend_schema_view(list=extend_schema(summary="Collections"))
class CollectionViewSet(ApiView, ListModelMixin, GenericViewSet[Collection]):
    """Collections that exist for the caller."""

    serializer_class = serializers.CollectionSerializer
    pagination_class = OldestFirst
    queryset = Collection.objects.none()

    def get_queryset(self) -> QuerySet[Collection]:
        """Those that the caller can see."""
        return visible_collections(self.actor)


class KnownView(ApiView):
    """Is this stored?"""

    @extend_schema(
        summary="Which objects are stored",
        request=serializers.KnownSerializer,
        responses={200: OpenApiTypes.OBJECT},
    )
    def post(self, request: Request) -> Response:
        """For each SWHID whether it is stored; depositors are told of what their own deposits hold."""
        asked = serializers.KnownSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        swhids = [_parse(text) for text in asked.validated_data["swhids"]]
        began = time.monotonic()
        found = self._found(swhids)
        if len(found) < len(swhids):
            wait_in_vain(began)
        return Response({str(swhid): {"known": swhid in found} for swhid in swhids})

    def _found(self, swhids: list[SWHID]) -> set[SWHID]:
        if may_service(self.actor, Operation.READ_CONTENT):
            return known(swhids)
        return readable_among(self.actor, known(swhids))


def _parse(text: str) -> SWHID:
    try:
        return SWHID.parse(text)
    except ValueError as error:
        raise Refusal(
            Kind.BAD_REQUEST, "archive.swhid", f"{text[:60]} is not a SWHID.", "Write swh:1:dir:... in full."
        ) from error


class StatisticsView(ApiView):
    """Figures."""

    @extend_schema(summary="Queues and days", responses=serializers.StatisticsSerializer)
    @may_read_from_standby
    def get(self, request: Request) -> Response:
        """What waits, what is amiss, and what came in lately, of the deposits the caller can see."""
        mine = visible_deposits(self.actor)
        figures = {"queues": statistics.queues(mine), "days": statistics.days(mine)}
        return Response(serializers.StatisticsSerializer(figures).data)


class FiguresView(ApiView):
    """Figures over time."""

    @extend_schema(
        summary="Figures over time: by day, week, collection or client",
        parameters=[serializers.FiguresQuerySerializer],
        responses=serializers.FiguresSerializer,
    )
    def get(self, request: Request) -> Response:
        """What came in and what became of it, of the deposits the caller can see; the thousand busiest by name."""
        asked = serializers.FiguresQuerySerializer(data=request.query_params)
        asked.is_valid(raise_exception=True)
        wanted = asked.validated_data
        complete = daily_statistics.bring_up_to_date()
        mine = visible_statistics(self.actor)
        for name, column in _NAMES.items():
            if name in wanted:
                mine = mine.filter(**{column: wanted[name]})
        span = {"since": wanted["since"], "until": wanted["until"]}
        told = span | {
            "complete": complete,
            "whole": daily_statistics.whole(mine, **span),
            "rows": _rows(mine, wanted["by"], span),
        }
        return Response(serializers.FiguresSerializer(told).data)


_NAMES = {"collection": "collection__name", "client": "client__user__username"}


def _rows(mine: QuerySet[DailyStatistics], by: str, span: dict[str, Any]) -> list[dict[str, Any]]:
    if by in _NAMES:
        return [
            {"name": name, "tally": tally}
            for name, tally in daily_statistics.busiest(mine, _NAMES[by], **span, most=1000)
        ]
    return [
        {"name": one.day.isoformat(), "tally": one.tally}
        for one in daily_statistics.spans(mine, **span, weekly=by == "week")
    ]


class AlertsView(ApiView):
    """Health."""

    @extend_schema(summary="What is wrong with the service", responses=serializers.AlertSerializer(many=True))
    def get(self, request: Request) -> Response:
        """For operators: each with a sentence that says what to do; an empty list when all is well."""
        require_service(self.actor, Operation.SEE_QUEUES)
        return Response(serializers.AlertSerializer(alerts(), many=True).data)
