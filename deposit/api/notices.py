"""``/api/subscriptions/`` and ``/api/notices/``: who is told what, and what became of it; one's own alone."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from deposit.api.serializers import ProblemSerializer
from deposit.api.views import ApiView, Pages
from deposit.models import (
    NoticeType,
    Notification,
    NotificationAttempt,
    NotificationState,
    Subscription,
    SubscriptionChannel,
    SubscriptionReach,
)
from deposit.notices import subscriptions
from deposit.permissions import client_of

_EVENTS = [each.value for each in NoticeType if each is not NoticeType.TEST]


class SubscriptionSerializer(serializers.ModelSerializer[Subscription]):
    """One subscription. ``state`` is well, failing, paused or off; secrets are never shown again."""

    user = serializers.CharField(source="user.username")
    collection = serializers.CharField(source="collection.name", default=None, allow_null=True)
    state = serializers.ChoiceField(choices=["well", "failing", "paused", "off"])
    events = serializers.ListField(child=serializers.ChoiceField(choices=_EVENTS))

    class Meta:
        model = Subscription
        fields = [
            "id",
            "user",
            "channel",
            "reach",
            "collection",
            "events",
            "url",
            "digest",
            "language",
            "is_default",
            "active",
            "state",
            "failures",
            "failing_since",
            "last_fault",
            "succeeded_at",
            "paused_at",
            "created_at",
        ]
        read_only_fields = fields


class MadeSerializer(SubscriptionSerializer):
    """The same with the secret of a webhook, this once."""

    secret = serializers.CharField(read_only=True)

    class Meta(SubscriptionSerializer.Meta):
        fields = [*SubscriptionSerializer.Meta.fields, "secret"]
        read_only_fields = fields


class AddSerializer(serializers.Serializer[Any]):
    """A new subscription of the caller."""

    channel = serializers.ChoiceField(choices=SubscriptionChannel.choices)
    events = serializers.ListField(child=serializers.ChoiceField(choices=_EVENTS), allow_empty=False)
    reach = serializers.ChoiceField(choices=SubscriptionReach.choices, default=SubscriptionReach.OWN)
    collection = serializers.CharField(max_length=100, required=False, default="", allow_blank=True)
    url = serializers.CharField(max_length=2000, required=False, default="", allow_blank=True)
    digest = serializers.BooleanField(default=False)
    language = serializers.CharField(max_length=10, required=False, default="", allow_blank=True)


class ChangeSerializer(serializers.Serializer[Any]):
    """What is to be other than it is."""

    events = serializers.ListField(
        child=serializers.ChoiceField(choices=_EVENTS), required=False, allow_empty=False
    )
    collection = serializers.CharField(max_length=100, required=False, allow_blank=True)
    url = serializers.CharField(max_length=2000, required=False)
    digest = serializers.BooleanField(required=False)
    language = serializers.CharField(max_length=10, required=False, allow_blank=True)
    active = serializers.BooleanField(required=False)


class AttemptSerializer(serializers.ModelSerializer[NotificationAttempt]):
    """One attempt: when, the status, how long it took, what was answered."""

    class Meta:
        model = NotificationAttempt
        fields = ["at", "status", "seconds", "answer"]
        read_only_fields = fields


class NoticeSerializer(serializers.ModelSerializer[Notification]):
    """One thing that was told, or is to be."""

    message_id = serializers.CharField()

    class Meta:
        model = Notification
        fields = [
            "id",
            "message_id",
            "subscription",
            "deposit",
            "type",
            "state",
            "attempts",
            "answer",
            "created_at",
            "ended_at",
        ]
        read_only_fields = fields


class WholeNoticeSerializer(NoticeSerializer):
    """The same with its body and its attempts."""

    log = AttemptSerializer(many=True)

    class Meta(NoticeSerializer.Meta):
        fields = [*NoticeSerializer.Meta.fields, "body", "log"]
        read_only_fields = fields


class ReplayedSerializer(serializers.Serializer[Any]):
    """How many notices are sent again."""

    replayed = serializers.IntegerField()


class NoticeQuerySerializer(serializers.Serializer[Any]):
    """Which notices."""

    subscription = serializers.IntegerField(required=False, min_value=1, max_value=2**63 - 1)
    deposit = serializers.IntegerField(required=False, min_value=1, max_value=2**63 - 1)
    state = serializers.ChoiceField(choices=NotificationState.choices, required=False)


@extend_schema_view(list=extend_schema(summary="Subscriptions, newest first"))
class SubscriptionViewSet(ApiView, ListModelMixin, GenericViewSet[Subscription]):
    """The caller's subscriptions; an administrator's those of all."""

    lookup_value_regex = "[0-9]{1,18}"
    serializer_class = SubscriptionSerializer
    pagination_class = Pages
    filter_backends = []
    queryset = Subscription.objects.none()

    def get_queryset(self) -> QuerySet[Subscription]:
        """Those that exist for the caller."""
        return subscriptions.subscriptions_for(self.actor)

    @extend_schema(summary="A subscription", responses=SubscriptionSerializer)
    def retrieve(self, request: Request, pk: str) -> Response:
        """One of them."""
        return Response(SubscriptionSerializer(subscriptions.subscription_for(self.actor, int(pk))).data)

    @extend_schema(
        summary="Subscribe", request=AddSerializer, responses={201: MadeSerializer, 400: ProblemSerializer}
    )
    def create(self, request: Request) -> Response:
        """Subscribe the caller. The answer has the secret of a webhook, this once."""
        asked = AddSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        user = self.actor.user or client_of(self.actor).user
        made, secret = subscriptions.add(actor=self.actor, user=user, **asked.validated_data)
        return self._with_secret(made, secret, status=201)

    def _with_secret(self, subscription: Subscription, secret: str, *, status: int = 200) -> Response:
        data = {**SubscriptionSerializer(subscription).data, "secret": secret}
        return Response(data, status=status, headers={"Cache-Control": "no-store"})

    @extend_schema(
        summary="Change a subscription", request=ChangeSerializer, responses=SubscriptionSerializer
    )
    def partial_update(self, request: Request, pk: str) -> Response:
        """Change what is given."""
        asked = ChangeSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        subscriptions.change(actor=self.actor, subscription_id=int(pk), **asked.validated_data)
        return self.retrieve(request, pk)

    @extend_schema(summary="Remove a subscription", responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        """End it, with the log of its notices."""
        subscriptions.remove(actor=self.actor, subscription_id=int(pk))
        return Response(status=204)

    @extend_schema(summary="Send a test", request=None, responses={202: NoticeSerializer})
    @action(detail=True, methods=["post"])
    def test(self, request: Request, pk: str) -> Response:
        """Send a notice of the type ``notice.test``."""
        made = subscriptions.test(actor=self.actor, subscription_id=int(pk))
        return Response(NoticeSerializer(made).data, status=202)

    @extend_schema(summary="A new secret", request=None, responses=MadeSerializer)
    @action(detail=True, methods=["post"])
    def rotate(self, request: Request, pk: str) -> Response:
        """A new secret, shown this once; the former one signs beside it for a while."""
        return self._with_secret(*subscriptions.rotate(actor=self.actor, subscription_id=int(pk)))

    @extend_schema(summary="Resume after a pause", request=None, responses=SubscriptionSerializer)
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, pk: str) -> Response:
        """Send what was kept, and what comes."""
        subscriptions.resume(actor=self.actor, subscription_id=int(pk))
        return self.retrieve(request, pk)

    @extend_schema(summary="Send again what was given up", request=None, responses=ReplayedSerializer)
    @action(detail=True, methods=["post"])
    def replay(self, request: Request, pk: str) -> Response:
        """All that is dead of this subscription, at most a thousand."""
        number = subscriptions.replay_dead(actor=self.actor, subscription_id=int(pk))
        return Response({"replayed": number})


@extend_schema_view(list=extend_schema(summary="Notices, newest first", parameters=[NoticeQuerySerializer]))
class NoticeViewSet(ApiView, ListModelMixin, GenericViewSet[Notification]):
    """What was told to the caller's subscriptions; ``?state=dead`` is what was given up."""

    lookup_value_regex = "[0-9]{1,18}"
    serializer_class = NoticeSerializer
    pagination_class = Pages
    filter_backends = []
    queryset = Notification.objects.none()

    def get_queryset(self) -> QuerySet[Notification]:
        """Those that exist for the caller."""
        asked = NoticeQuerySerializer(data=self.request.query_params)
        asked.is_valid(raise_exception=True)
        return subscriptions.notices_for(self.actor, **asked.validated_data)

    @extend_schema(summary="A notice, with its body and attempts", responses=WholeNoticeSerializer)
    def retrieve(self, request: Request, pk: str) -> Response:
        """One of them."""
        return Response(WholeNoticeSerializer(subscriptions.notice_for(self.actor, int(pk))).data)

    @extend_schema(summary="Send a notice again", request=None, responses={202: NoticeSerializer})
    @action(detail=True, methods=["post"])
    def replay(self, request: Request, pk: str) -> Response:
        """One that has ended, however it did; receivers see the same id."""
        found = subscriptions.replay(actor=self.actor, notice_id=int(pk))
        return Response(NoticeSerializer(found).data, status=202)
