"""``/api/deliveries/``: deliveries of deposits to their destinations, and what operators do to them."""

from collections.abc import Callable
from typing import Any, cast

from django.db.models import QuerySet
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from deposit.api.serializers import ProblemSerializer
from deposit.api.views import ApiView, Pages
from deposit.lists import deliveries as told
from deposit.models import Delivery, DeliveryState
from deposit.permissions import Operation, may_service, require_service, visible_deposit
from deposit.services import deliveries

MANY = 500
_MOST_OF_DEPOSIT = 100


class ActivitySerializer(serializers.Serializer[Any]):
    """One step; ``attempts`` failed or ended it, ``polls`` looked whether what it waits for has happened."""

    name = serializers.CharField()
    state = serializers.CharField()
    attempts = serializers.IntegerField()
    polls = serializers.IntegerField()
    started_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)
    note = serializers.CharField()
    error = serializers.CharField()
    fault = serializers.CharField(required=False, help_text="The raw cause; for operators.")
    result = serializers.JSONField()
    substeps = serializers.JSONField()


class DeliverySerializer(serializers.Serializer[Any]):
    """A delivery in a list."""

    id = serializers.IntegerField()
    deposit = serializers.IntegerField()
    destination = serializers.CharField()
    pipeline = serializers.CharField(allow_null=True)
    state = serializers.ChoiceField(choices=DeliveryState.choices)
    current = serializers.BooleanField()
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)
    code = serializers.CharField()
    error = serializers.CharField()

    def to_representation(self, instance: Any) -> dict[str, Any]:
        """From a row, as the commands tell it."""
        return super().to_representation(
            told.summary(instance) if isinstance(instance, Delivery) else instance
        )


class KnownAsSerializer(serializers.Serializer[Any]):
    """What the deposit is known by somewhere; the scheme says where."""

    scheme = serializers.CharField()
    value = serializers.CharField()
    superseded = serializers.BooleanField()


class WholeDeliverySerializer(DeliverySerializer):
    """A delivery with its steps and the identifiers of its deposit."""

    deadline_at = serializers.DateTimeField(allow_null=True)
    wish = serializers.CharField()
    mode = serializers.CharField(allow_null=True)
    previous = serializers.IntegerField(allow_null=True)
    next = serializers.IntegerField(allow_null=True)
    question = serializers.JSONField(allow_null=True)
    identifiers = KnownAsSerializer(many=True)
    activities = ActivitySerializer(many=True)


class RetrySerializer(serializers.Serializer[Any]):
    """How to retry."""

    mode = serializers.ChoiceField(choices=deliveries.MODES, required=False)


class DecisionSerializer(serializers.Serializer[Any]):
    """The option that is chosen."""

    option = serializers.CharField(max_length=100)


class ReconcileSerializer(serializers.Serializer[Any]):
    """Whether the delivery is to end with what is stored, if that is all that it needs."""

    apply = serializers.BooleanField(default=False)


class BulkSerializer(serializers.Serializer[Any]):
    """What to do to which deliveries; without ``apply`` it is only said what would be done."""

    operation = serializers.ChoiceField(choices=list(deliveries.VERBS))
    ids = serializers.ListField(child=serializers.IntegerField(min_value=1), max_length=MANY, required=False)
    state = serializers.ListField(
        child=serializers.ChoiceField(choices=DeliveryState.choices), required=False
    )
    destination = serializers.CharField(max_length=50, required=False)
    pipeline = serializers.CharField(max_length=100, required=False)
    collection = serializers.CharField(max_length=100, required=False)
    mode = serializers.ChoiceField(choices=deliveries.MODES, required=False)
    apply = serializers.BooleanField(default=False)


class OutcomeSerializer(serializers.Serializer[Any]):
    """What became of one of many; ``refusal`` is empty where it was done."""

    delivery = serializers.IntegerField()
    refusal = serializers.CharField()


class BulkOutcomeSerializer(serializers.Serializer[Any]):
    """What was done, or would be."""

    applied = serializers.BooleanField()
    outcomes = OutcomeSerializer(many=True)


_ANSWERS = {200: WholeDeliverySerializer, 409: ProblemSerializer}


@extend_schema_view(list=extend_schema(summary="Deliveries, newest first"))
class DeliveryViewSet(ApiView, ListModelMixin, GenericViewSet[Delivery]):
    """Deliveries of deposits that exist for the caller; operators act on them."""

    lookup_value_regex = "[0-9]{1,18}"
    serializer_class = DeliverySerializer
    pagination_class = Pages
    filter_backends = [DjangoFilterBackend]
    filterset_class = told.DeliveryFilter
    queryset = Delivery.objects.none()

    def get_queryset(self) -> QuerySet[Delivery]:
        """Those that the caller can see."""
        return told.visible_deliveries(self.actor)

    @extend_schema(summary="A delivery with its steps", responses=WholeDeliverySerializer)
    def retrieve(self, request: Request, pk: str) -> Response:
        """Everything about one delivery."""
        return self._document(deliveries.delivery_for(self.actor, int(pk), Operation.READ))

    def _document(self, delivery: Delivery) -> Response:
        faults = may_service(self.actor, Operation.SEE_QUEUES)
        return Response(WholeDeliverySerializer(told.whole(delivery, faults=faults)).data)

    def _act(self, service: Callable[..., Delivery], pk: str, **arguments: Any) -> Response:
        return self._document(service(delivery_id=int(pk), actor=self.actor, **arguments))

    @extend_schema(summary="Cancel a delivery", request=None, responses=_ANSWERS, filters=False)
    @action(detail=True, methods=["post"], filter_backends=[])
    def cancel(self, request: Request, pk: str) -> Response:
        """End it as cancelled before its next step."""
        return self._act(deliveries.cancel, pk)

    @extend_schema(summary="Abandon a delivery", request=None, responses=_ANSWERS, filters=False)
    @action(detail=True, methods=["post"], filter_backends=[])
    def abandon(self, request: Request, pk: str) -> Response:
        """Give it up before its next step."""
        return self._act(deliveries.abandon, pk)

    @extend_schema(summary="Retry a delivery", request=RetrySerializer, responses=_ANSWERS, filters=False)
    @action(detail=True, methods=["post"], filter_backends=[])
    def retry(self, request: Request, pk: str) -> Response:
        """Deliver again; the answer is the new delivery."""
        asked = _valid(RetrySerializer, request)
        return self._act(deliveries.retry, pk, mode=asked.get("mode"))

    @extend_schema(summary="Answer a question", request=DecisionSerializer, responses=_ANSWERS, filters=False)
    @action(detail=True, methods=["post"], filter_backends=[])
    def decide(self, request: Request, pk: str) -> Response:
        """Choose one of the options of ``question``."""
        return self._act(deliveries.decide, pk, option=_valid(DecisionSerializer, request)["option"])

    @extend_schema(
        summary="Reconcile a delivery",
        request=ReconcileSerializer,
        responses={202: WholeDeliverySerializer, 409: ProblemSerializer},
        filters=False,
    )
    @action(detail=True, methods=["post"], filter_backends=[])
    def reconcile(self, request: Request, pk: str) -> Response:
        """A worker looks what is stored; the activity ``reconciliation`` then tells."""
        asked = _valid(ReconcileSerializer, request)
        response = self._act(deliveries.ask_for_reconciliation, pk, apply=asked["apply"])
        response.status_code = 202
        return response

    @extend_schema(
        summary="Act on many deliveries",
        request=BulkSerializer,
        responses=BulkOutcomeSerializer,
        filters=False,
    )
    @action(detail=False, methods=["post"], filter_backends=[])
    def bulk(self, request: Request) -> Response:
        """Those with the given numbers, or the newest 500 that fit; a preview unless ``apply``."""
        require_service(self.actor, Operation.RESCHEDULE)
        asked = _valid(BulkSerializer, request)
        wanted: dict[str, Any] = {
            name: asked[name] for name in ("state", "destination", "pipeline", "collection") if name in asked
        }
        found = told.DeliveryFilter(wanted, queryset=self.get_queryset()).qs
        if "ids" in asked:
            found = found.filter(pk__in=asked["ids"])
        ids = list(found.values_list("pk", flat=True)[:MANY])
        arguments = {"mode": asked.get("mode")} if asked["operation"] == "retry" else {}
        service = deliveries.perform if asked["apply"] else deliveries.preview
        outcomes = service(asked["operation"], ids, actor=self.actor, **arguments)
        rows = [{"delivery": one.delivery, "refusal": one.refusal} for one in outcomes]
        return Response({"applied": asked["apply"], "outcomes": rows})


def _valid(serializer: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    asked = serializer(data=request.data)
    asked.is_valid(raise_exception=True)
    return cast(dict[str, Any], asked.validated_data)


class DeliveriesOfDepositView(ApiView):
    """``/api/deposits/{id}/deliveries/``: where one deposit was taken, step by step."""

    @extend_schema(
        operation_id="deposits_deliveries_list",
        summary="The deliveries of a deposit, newest first",
        responses=WholeDeliverySerializer(many=True),
    )
    def get(self, request: Request, deposit_id: int) -> Response:
        """Its deliveries with their steps, the newest hundred."""
        deposit = visible_deposit(self.actor, deposit_id)
        faults = may_service(self.actor, Operation.SEE_QUEUES)
        newest = told.visible_deliveries(self.actor).filter(deposit=deposit)[:_MOST_OF_DEPOSIT]
        lines = [told.whole(delivery, faults=faults) for delivery in newest]
        return Response(WholeDeliverySerializer(lines, many=True).data)
