"""``/api/batches/``: the same verbs as ``manage.py batch``, below the folder that BATCH_ROOT names."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from deposit.api.views import ApiView, Pages
from deposit.permissions import Operation, require_service
from sources.batches import services
from sources.batches.models import Batch, BatchState


class BatchSerializer(serializers.Serializer[Any]):
    """A batch; the numbers are of the things in it, by how they stand."""

    id = serializers.IntegerField()
    folder = serializers.CharField()
    depth = serializers.IntegerField()
    collection = serializers.CharField()
    client = serializers.CharField()
    completed_dir = serializers.CharField()
    state = serializers.ChoiceField(choices=BatchState.choices)
    started_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)
    total = serializers.IntegerField()
    waiting = serializers.IntegerField()
    deposited = serializers.IntegerField()
    done = serializers.IntegerField()
    failed = serializers.IntegerField()

    def to_representation(self, instance: Any) -> dict[str, Any]:
        """From a row, as the commands tell it."""
        return super().to_representation(
            services.summary(instance) if isinstance(instance, Batch) else instance
        )


class StartSerializer(serializers.Serializer[Any]):
    """What to deposit, and how; with ``dry_run`` it is only said what would be deposited."""

    folder = serializers.CharField(max_length=2000)
    collection = serializers.CharField(max_length=100)
    client = serializers.CharField(max_length=150, required=False)
    depth = serializers.ChoiceField(choices=[1, 2], default=1)
    completed_dir = serializers.CharField(max_length=2000, default="", allow_blank=True)
    strip_top_level_dir = serializers.BooleanField(default=False)
    exclude_hidden_files = serializers.BooleanField(default=False)
    dry_run = serializers.BooleanField(default=False)


@extend_schema_view(list=extend_schema(summary="Batches, newest first"))
class BatchViewSet(ApiView, ListModelMixin, GenericViewSet[Batch]):
    """Batches, for administrators; operators see them."""

    lookup_value_regex = "[0-9]{1,18}"
    serializer_class = BatchSerializer
    pagination_class = Pages
    queryset = Batch.objects.none()

    def get_queryset(self) -> QuerySet[Batch]:
        """All of them."""
        require_service(self.actor, Operation.SEE_QUEUES)
        return Batch.objects.select_related("collection", "client__user")

    @extend_schema(
        summary="A batch, and what became of each thing in it", responses={200: OpenApiTypes.OBJECT}
    )
    def retrieve(self, request: Request, pk: str) -> Response:
        """Everything about one batch; at most a thousand things of it."""
        require_service(self.actor, Operation.SEE_QUEUES)
        return Response(services.whole(services.batch_numbered(int(pk))))

    @extend_schema(summary="Start a batch", request=StartSerializer, responses={201: BatchSerializer})
    def create(self, request: Request) -> Response:
        """One deposit for each file or folder at that depth."""
        require_service(self.actor, Operation.ADMINISTER)
        asked = StartSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        given = dict(asked.validated_data)
        if given.pop("dry_run"):
            wanted = {name: given[name] for name in ("folder", "depth", "completed_dir")}
            return Response({"would_deposit": services.preview(actor=self.actor, **wanted)})
        batch = services.start(actor=self.actor, **given)
        return Response(BatchSerializer(services.summary(batch)).data, status=201)

    @extend_schema(summary="Cancel a batch", request=None, responses={200: BatchSerializer})
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        """Nothing more of it is deposited; what is goes on."""
        batch = services.cancel(actor=self.actor, batch_id=int(pk))
        return Response(BatchSerializer(services.summary(batch)).data)
