"""``/api/pipelines/``: the same verbs as ``manage.py pipeline``. No key is ever among what is told."""

from typing import Any, cast

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from deposit.api.serializers import ProblemSerializer
from deposit.api.views import ApiView, OldestFirst
from deposit.permissions import Operation, require_service
from loader.destinations.archivematica import capacity, describing, services
from loader.destinations.archivematica.models import Pipeline


class PipelineSerializer(serializers.Serializer[Any]):
    """A pipeline in a list; ``used`` of ``capacity`` places are taken."""

    name = serializers.CharField()
    url = serializers.CharField()
    capacity = serializers.IntegerField()
    used = serializers.IntegerField()
    paused = serializers.BooleanField()
    status = serializers.CharField(help_text="active, paused, unavailable or unknown")
    fault = serializers.CharField()
    version = serializers.CharField()
    remote_id = serializers.CharField()
    checked_at = serializers.DateTimeField(allow_null=True)

    def to_representation(self, instance: Any) -> dict[str, Any]:
        """From a row, as the commands tell it."""
        if isinstance(instance, Pipeline):
            instance = describing.summary(instance)
        return super().to_representation(instance)


class SettingsSerializer(serializers.ModelSerializer[Pipeline]):
    """The settings of a pipeline, to make or to change one."""

    class Meta:
        model = Pipeline
        fields = [
            "name",
            "url",
            "user",
            "key_ref",
            "storage_service_url",
            "storage_service_user",
            "storage_service_key_ref",
            "transfer_source",
            "transfer_source_key_ref",
            "known_hosts",
            "location",
            "path_prefix",
            "processing_config",
            "transfer_type",
            "capacity",
            "transfer_deadline",
            "retry_deadline",
            "poll_seconds",
            "required_locations",
            "standalone_locations",
            "fixity",
            "unbag",
            "strip_top_level_dir",
            "exclude_hidden_files",
            "storage_time_zone",
        ]


class FreeSerializer(serializers.Serializer[Any]):
    """Whose place is given back."""

    delivery = serializers.IntegerField(min_value=1)


_WHOLE = {200: OpenApiTypes.OBJECT, 404: ProblemSerializer}


@extend_schema_view(list=extend_schema(summary="Archivematica pipelines and how full they are"))
class PipelineViewSet(ApiView, ListModelMixin, GenericViewSet[Pipeline]):
    """Pipelines, for operators; administrators add and change them."""

    lookup_field = "name"
    lookup_value_regex = "[A-Za-z0-9][A-Za-z0-9._-]{0,99}"
    serializer_class = PipelineSerializer
    pagination_class = OldestFirst
    queryset = Pipeline.objects.none()

    def get_queryset(self) -> QuerySet[Pipeline]:
        """All of them."""
        require_service(self.actor, Operation.SEE_QUEUES)
        return capacity.with_load(Pipeline.objects.all())

    def _answer(self, pipeline: Pipeline, status: int = 200) -> Response:
        return Response(describing.whole(pipeline), status=status)

    @extend_schema(summary="A pipeline, its settings and what is inside", responses=_WHOLE)
    def retrieve(self, request: Request, name: str) -> Response:
        """Everything about one pipeline but its keys."""
        require_service(self.actor, Operation.SEE_QUEUES)
        return self._answer(services.pipeline_named(name))

    @extend_schema(
        summary="Make a pipeline known", request=SettingsSerializer, responses={201: OpenApiTypes.OBJECT}
    )
    def create(self, request: Request) -> Response:
        """Keys are given by reference: ``env:NAME`` or ``file:/path``, as the workers see them."""
        require_service(self.actor, Operation.ADMINISTER)
        asked = SettingsSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        return self._answer(services.add_pipeline(actor=self.actor, **asked.validated_data), status=201)

    @extend_schema(summary="Change a pipeline", request=SettingsSerializer, responses=_WHOLE)
    def partial_update(self, request: Request, name: str) -> Response:
        """What is not given stays."""
        require_service(self.actor, Operation.ADMINISTER)
        asked = SettingsSerializer(services.pipeline_named(name), data=request.data, partial=True)
        asked.is_valid(raise_exception=True)
        given = {field: value for field, value in asked.validated_data.items() if field != "name"}
        return self._answer(services.change_pipeline(actor=self.actor, name=name, **given))

    @extend_schema(summary="Forget a pipeline that was never used", responses={204: None})
    def destroy(self, request: Request, name: str) -> Response:
        """Refused once it was used."""
        services.remove_pipeline(actor=self.actor, name=name)
        return Response(status=204)

    @extend_schema(summary="Give a pipeline no more work", request=None, responses=_WHOLE)
    @action(detail=True, methods=["post"])
    def pause(self, request: Request, name: str) -> Response:
        """What is inside is followed all the same."""
        return self._answer(services.set_paused(actor=self.actor, name=name, paused=True))

    @extend_schema(summary="Give a pipeline work again", request=None, responses=_WHOLE)
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, name: str) -> Response:
        """Deposits that wait go on by themselves."""
        return self._answer(services.set_paused(actor=self.actor, name=name, paused=False))

    @extend_schema(summary="Have a pipeline looked at", request=None, responses={202: OpenApiTypes.OBJECT})
    @action(detail=True, methods=["post"])
    def check(self, request: Request, name: str) -> Response:
        """A worker looks, for only workers have the keys; ``status``, ``fault`` and ``checked_at`` then tell."""
        return self._answer(services.ask_for_check(actor=self.actor, name=name), status=202)

    @extend_schema(summary="Give a held place back", request=FreeSerializer, responses=_WHOLE)
    @action(detail=True, methods=["post"])
    def free(self, request: Request, name: str) -> Response:
        """On the word of somebody who has seen that the transfer is not inside any more."""
        asked = FreeSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        given = cast(dict[str, Any], asked.validated_data)
        services.free_place(actor=self.actor, name=name, delivery_id=given["delivery"])
        return self._answer(services.pipeline_named(name))
