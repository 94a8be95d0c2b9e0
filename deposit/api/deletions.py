"""``/api/deletions/``: asking for a deposit to be withdrawn, restored or erased, and deciding on it."""

from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from deposit.api.serializers import ProblemSerializer
from deposit.api.views import ApiView, Pages
from deposit.erasure.report_pdf import as_pdf
from deposit.models import LONGEST_REASON, DeletionKind, DeletionRequest, DeletionState
from deposit.services import deletions, erasing


class DeletionSerializer(serializers.ModelSerializer[DeletionRequest]):
    """A request, and what became of it."""

    requester = serializers.CharField(source="requester.username")
    reviewer = serializers.CharField(source="reviewer.username", allow_null=True, default=None)
    may_review = serializers.SerializerMethodField(help_text="Whether the caller can decide on it.")
    objects = serializers.ListField(
        source="objects_named",
        child=serializers.CharField(),
        help_text="SWHIDs, where only these are to be erased.",
    )
    progress = serializers.JSONField(help_text="Of an approved erasure: packs written anew, and bytes.")

    class Meta:
        model = DeletionRequest
        fields = [
            "id",
            "deposit",
            "kind",
            "objects",
            "state",
            "requester",
            "reason",
            "requested_at",
            "expires_at",
            "reviewer",
            "note",
            "ended_at",
            "erased_at",
            "progress",
            "may_review",
        ]
        read_only_fields = fields

    def get_may_review(self, asked: DeletionRequest) -> bool:
        """Whether the caller can decide on it."""
        return deletions.may_review(self.context["view"].actor, asked)


class OneDeletionSerializer(DeletionSerializer):
    """The same with what an erasure would do, and where copies lie; for those who may ask for erasures."""

    plan = serializers.SerializerMethodField(
        help_text="What goes and what stays; null until it is made, and for others."
    )
    copies = serializers.SerializerMethodField(
        help_text="Copies that neither withdrawing nor erasing reaches."
    )

    class Meta(DeletionSerializer.Meta):
        fields = [*DeletionSerializer.Meta.fields, "plan", "copies"]
        read_only_fields = fields

    def get_plan(self, asked: DeletionRequest) -> dict[str, Any] | None:
        """What goes and what stays."""
        plan = erasing.plan_for(self.context["view"].actor, asked)
        return None if plan is None else dict(plan)

    def get_copies(self, asked: DeletionRequest) -> list[dict[str, Any]]:
        """Copies elsewhere."""
        return [dict(one) for one in erasing.copies_for(self.context["view"].actor, asked)]


class NewDeletionSerializer(serializers.Serializer[Any]):
    """What is asked for, and why (10 to 2,000 characters)."""

    deposit = serializers.IntegerField(min_value=1, max_value=2**63 - 1)
    kind = serializers.ChoiceField(choices=DeletionKind.choices)
    reason = serializers.CharField(max_length=LONGEST_REASON)
    objects = serializers.ListField(
        child=serializers.CharField(max_length=50),
        required=False,
        default=list,
        max_length=100,
        help_text="Of erase: SWHIDs of files and folders of the deposit; without any, all that only it brought.",
    )


class NoteSerializer(serializers.Serializer[Any]):
    """What the reviewer says; to reject takes a reason of 10 to 2,000 characters."""

    note = serializers.CharField(max_length=LONGEST_REASON, required=False, default="", allow_blank=True)


class DeletionQuerySerializer(serializers.Serializer[Any]):
    """Which requests."""

    state = serializers.ChoiceField(choices=DeletionState.choices, required=False)
    deposit = serializers.IntegerField(min_value=1, max_value=2**63 - 1, required=False)


_ANSWERS = {200: OneDeletionSerializer, 403: ProblemSerializer, 409: ProblemSerializer}


@extend_schema_view(
    list=extend_schema(summary="Requests to withdraw, restore or erase", parameters=[DeletionQuerySerializer])
)
class DeletionViewSet(ApiView, ListModelMixin, GenericViewSet[DeletionRequest]):
    """Requests on deposits for which the caller may ask itself, newest first."""

    lookup_value_regex = "[0-9]{1,18}"
    serializer_class = DeletionSerializer
    pagination_class = Pages
    filter_backends = []
    queryset = DeletionRequest.objects.none()

    def get_queryset(self) -> Any:
        """What the query string asks for."""
        asked = DeletionQuerySerializer(data=self.request.query_params)
        asked.is_valid(raise_exception=True)
        return deletions.requests_for(self.actor).filter(**asked.validated_data)

    def _told(self, asked: DeletionRequest, status: int = 200) -> Response:
        told = OneDeletionSerializer(asked, context=self.get_serializer_context()).data
        return Response(told, status=status)

    @extend_schema(summary="A request", responses=OneDeletionSerializer)
    def retrieve(self, request: Request, pk: str) -> Response:
        """What was asked for, by whom, why, and what became of it."""
        return self._told(deletions.request_for(self.actor, int(pk)))

    @extend_schema(
        summary="Ask for a deposit to be withdrawn, restored or erased",
        request=NewDeletionSerializer,
        responses={201: OneDeletionSerializer, 409: ProblemSerializer, 422: ProblemSerializer},
    )
    def create(self, request: Request) -> Response:
        """Somebody else decides on it; 409 while another request on the deposit is open."""
        asked = NewDeletionSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        wanted = asked.validated_data
        made = deletions.request(
            actor=self.actor,
            deposit_id=wanted["deposit"],
            kind=DeletionKind(wanted["kind"]),
            reason=wanted["reason"],
            objects=wanted["objects"],
        )
        return self._told(made, status=201)

    @extend_schema(summary="The report as PDF", responses={(200, "application/pdf"): bytes})
    @action(detail=True, methods=["get"])
    def report(self, request: Request, pk: str) -> HttpResponse:
        """Who asked for what and why, who decided, what went; nothing of the content."""
        asked = deletions.request_for(self.actor, int(pk))
        return HttpResponse(
            as_pdf(erasing.report_for(self.actor, asked)),
            content_type="application/pdf",
            headers={"Content-Disposition": f'attachment; filename="request-{asked.pk}.pdf"'},
        )

    def _note(self) -> str:
        given = NoteSerializer(data=self.request.data)
        given.is_valid(raise_exception=True)
        return str(given.validated_data["note"])

    @extend_schema(summary="Approve", request=NoteSerializer, responses=_ANSWERS)
    @action(detail=True, methods=["post"])
    def approve(self, request: Request, pk: str) -> Response:
        """Do it; 403 for who has asked for it."""
        return self._told(deletions.approve(actor=self.actor, request_id=int(pk), note=self._note()))

    @extend_schema(summary="Reject", request=NoteSerializer, responses=_ANSWERS)
    @action(detail=True, methods=["post"])
    def reject(self, request: Request, pk: str) -> Response:
        """Leave all as it is, for a reason."""
        return self._told(deletions.reject(actor=self.actor, request_id=int(pk), note=self._note()))

    @extend_schema(summary="Cancel", request=None, responses=_ANSWERS)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        """Take a request of one's own back."""
        return self._told(deletions.cancel(actor=self.actor, request_id=int(pk)))
