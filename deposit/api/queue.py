"""``/api/queue/``: the work that is open, for operators."""

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from deposit.api.serializers import ProblemSerializer
from deposit.api.views import ApiView, OldestFirst
from deposit.models import WorkItem
from deposit.permissions import Operation, require_service
from deposit.queue import reading
from deposit.refusals import Kind, Refusal
from deposit.services import queue


class WorkSerializer(serializers.ModelSerializer[WorkItem]):
    """One piece of work; ``state`` is working, silent, sent, waiting or later."""

    state = serializers.ChoiceField(choices=[(state.value, state.value) for state in reading.State])

    class Meta:
        model = WorkItem
        fields = [
            "id",
            "kind",
            "key",
            "deposit",
            "state",
            "queue",
            "heavy",
            "due_at",
            "attempts",
            "sends",
            "sent_at",
            "lease_owner",
            "lease_expires_at",
            "last_fault",
            "arguments",
            "created_at",
        ]
        read_only_fields = fields


class WorkQuerySerializer(serializers.Serializer[Any]):
    """Which work."""

    kind = serializers.CharField(max_length=40, required=False)
    state = serializers.ChoiceField(choices=[state.value for state in reading.State], required=False)
    failed = serializers.BooleanField(required=False, help_text="Only what failed before.")
    deposit = serializers.IntegerField(required=False, min_value=1, max_value=2**63 - 1)


class CountedSerializer(serializers.Serializer[Any]):
    """The open work of one kind; ``longest_seconds``: how long one is due already."""

    kind = serializers.CharField()
    number = serializers.IntegerField()
    waiting = serializers.IntegerField()
    sent = serializers.IntegerField()
    working = serializers.IntegerField()
    silent = serializers.IntegerField()
    later = serializers.IntegerField()
    failed = serializers.IntegerField()
    heavy = serializers.IntegerField()
    longest_seconds = serializers.FloatField()


_ANSWERS = {200: WorkSerializer, 409: ProblemSerializer}


@extend_schema_view(list=extend_schema(summary="Open work, oldest first", parameters=[WorkQuerySerializer]))
class WorkViewSet(ApiView, ListModelMixin, GenericViewSet[WorkItem]):
    """The queue, for operators."""

    lookup_value_regex = "[0-9]{1,18}"
    serializer_class = WorkSerializer
    pagination_class = OldestFirst
    filter_backends = []
    queryset = WorkItem.objects.none()

    def get_queryset(self) -> Any:
        """What the query string asks for."""
        require_service(self.actor, Operation.SEE_QUEUES)
        asked = WorkQuerySerializer(data=self.request.query_params)
        asked.is_valid(raise_exception=True)
        return reading.open_work(**asked.validated_data)

    @extend_schema(summary="A piece of work", responses=WorkSerializer)
    def retrieve(self, request: Request, pk: str) -> Response:
        """Everything about one piece of work."""
        require_service(self.actor, Operation.SEE_QUEUES)
        item = reading.open_work().filter(pk=int(pk)).first()
        if item is None:
            raise Refusal(Kind.NOT_FOUND, "queue.unknown", f"There is no open work {pk}.")
        return Response(WorkSerializer(item).data)

    @extend_schema(summary="Count the open work", responses=CountedSerializer(many=True), filters=False)
    @action(detail=False, pagination_class=None)
    def summary(self, request: Request) -> Response:
        """By kind."""
        require_service(self.actor, Operation.SEE_QUEUES)
        return Response(CountedSerializer(reading.counted(), many=True).data)

    @extend_schema(summary="Try at once", request=None, responses=_ANSWERS)
    @action(detail=True, methods=["post"])
    def retry(self, request: Request, pk: str) -> Response:
        """Have it tried at once, as if for the first time; 409 while a worker has it."""
        queue.retry(item_id=int(pk), actor=self.actor)
        return self.retrieve(request, pk)

    @extend_schema(summary="Cancel", request=None, responses={204: None, 409: ProblemSerializer})
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        """Strike it from the queue; 409 for checks and loads, without which a deposit would wait for ever."""
        queue.cancel(item_id=int(pk), actor=self.actor)
        return Response(status=204)
