"""What the JSON API shows; the field names are part of its contract."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.urls import reverse
from rest_framework import serializers

from deposit.lists.days import VALIDATORS
from deposit.lists.events import plain_actor, plain_detail
from deposit.models import Collection, Deposit, Event, Finding, Identifier, Part
from deposit.monitoring.waiting import why_not_done
from deposit.services.confirmation import is_held
from deposit.services.exports import FORMATS


class DepositSerializer(serializers.ModelSerializer[Deposit]):
    """A deposit in a list."""

    collection = serializers.CharField(source="collection.name")
    client = serializers.CharField(source="client.user.username")
    page = serializers.SerializerMethodField(help_text="The address of its page, for people.")

    class Meta:
        model = Deposit
        fields = [
            "id",
            "status",
            "type",
            "collection",
            "client",
            "title",
            "package_name",
            "external_id",
            "origin_url",
            "software_version",
            "parent",
            "reception_date",
            "complete_date",
            "status_changed_at",
            "swhid",
            "swhid_context",
            "release_swhid",
            "snapshot_swhid",
            "revision",
            "page",
        ]
        read_only_fields = fields

    def get_page(self, deposit: Deposit) -> str:
        """Absolute where the request is known."""
        path = reverse("dashboard:deposit", args=[deposit.pk])
        request = self.context.get("request")
        return request.build_absolute_uri(path) if request else path


class FindingSerializer(serializers.ModelSerializer[Finding]):
    """One result of a check: ``code`` is stable, ``message`` says what to do."""

    class Meta:
        model = Finding
        fields = ["code", "severity", "area", "subject", "message", "created_at"]
        read_only_fields = fields


class PartSerializer(serializers.ModelSerializer[Part]):
    """One thing sent in one request; ``size`` in bytes."""

    class Meta:
        model = Part
        fields = ["id", "kind", "name", "content_type", "packaging", "size", "sha256", "created_at"]
        read_only_fields = fields


class EventSerializer(serializers.ModelSerializer[Event]):
    """One line of a deposit's history; names of workers and raw faults only with ``faults`` in the context."""

    class Meta:
        model = Event
        fields = ["id", "name", "from_status", "to_status", "actor", "at", "detail"]
        read_only_fields = fields

    def to_representation(self, instance: Event) -> dict[str, Any]:
        """The line as this reader may see it."""
        told: dict[str, Any] = super().to_representation(instance)
        if not self.context.get("faults"):
            told |= {"actor": plain_actor(instance), "detail": plain_detail(instance)}
        return told


class IdentifierSerializer(serializers.ModelSerializer[Identifier]):
    """What a deposit is known by somewhere; the scheme says where."""

    superseded = serializers.BooleanField(
        source="is_superseded", help_text="An earlier load gave it; it is found for ever, too."
    )

    class Meta:
        model = Identifier
        fields = ["scheme", "value", "superseded"]
        read_only_fields = fields


class WholeDepositSerializer(DepositSerializer):
    """A deposit with its findings and parts."""

    waits_for_confirmation = serializers.SerializerMethodField(
        help_text="It has warnings, and waits until its depositor confirms or changes it."
    )
    why_not_done = serializers.SerializerMethodField(
        help_text="What it waits for, or why it ended otherwise, in one sentence; empty when it is done."
    )
    findings = FindingSerializer(many=True)
    parts = PartSerializer(many=True)
    identifiers = IdentifierSerializer(many=True)
    exports = serializers.SerializerMethodField(
        help_text="Addresses of its description in other formats, by name, once it has an identifier."
    )

    class Meta(DepositSerializer.Meta):
        fields = [
            *DepositSerializer.Meta.fields,
            "name_encoding",
            "waits_for_confirmation",
            "why_not_done",
            "findings",
            "parts",
            "identifiers",
            "exports",
        ]
        read_only_fields = fields

    def get_exports(self, deposit: Deposit) -> dict[str, str]:
        """Absolute where the request is known."""
        if not deposit.swhid:
            return {}
        request = self.context.get("request")
        paths = {name: reverse("api:export", args=[deposit.pk, name]) for name in FORMATS}
        return {name: request.build_absolute_uri(path) if request else path for name, path in paths.items()}

    def get_why_not_done(self, deposit: Deposit) -> str:
        """With the raw cause of what failed for those who run the service."""
        return why_not_done(deposit, faults=bool(self.context.get("faults")))

    def get_waits_for_confirmation(self, deposit: Deposit) -> bool:
        """Whether its depositor's word is all that it waits for."""
        return is_held(deposit)


class CollectionSerializer(serializers.ModelSerializer[Collection]):
    """A collection."""

    class Meta:
        model = Collection
        fields = ["name", "title", "created_at"]
        read_only_fields = fields


class ActionSerializer(serializers.Serializer[Any]):
    """What an operator asks for, or a depositor (confirm)."""

    action = serializers.ChoiceField(choices=["reschedule", "recheck", "expire", "confirm"])


class KnownSerializer(serializers.Serializer[Any]):
    """SWHIDs to ask for, at most 1000."""

    swhids = serializers.ListField(child=serializers.CharField(max_length=60), max_length=1000)


class QueueSerializer(serializers.Serializer[Any]):
    """The deposits in one status; ``age`` in seconds, of the one that is in it longest."""

    status = serializers.CharField()
    number = serializers.IntegerField()
    oldest = serializers.DateTimeField(allow_null=True)
    age = serializers.SerializerMethodField()

    def get_age(self, queue: Any) -> float | None:
        """Seconds."""
        return None if queue.age is None else float(queue.age.total_seconds())


class DaySerializer(serializers.Serializer[Any]):
    """What was received on one day (UTC), by what has become of it since."""

    day = serializers.DateTimeField()
    received = serializers.IntegerField()
    statuses = serializers.DictField(child=serializers.IntegerField())


class StatisticsSerializer(serializers.Serializer[Any]):
    """Figures about the deposits the caller can see."""

    queues = QueueSerializer(many=True)
    days = DaySerializer(many=True)


class TallySerializer(serializers.Serializer[Any]):
    """What happened to deposits; sizes in bytes, times in seconds."""

    received = serializers.IntegerField(help_text="Deposits that became complete.")
    size = serializers.IntegerField(help_text="Of their packages together, in bytes.")
    largest = serializers.IntegerField(help_text="Of the packages of one of them, in bytes.")
    done = serializers.IntegerField(help_text="Deposits that reached the archive.")
    rejected = serializers.IntegerField()
    failed = serializers.IntegerField()
    waited = serializers.IntegerField(help_text="From complete to the archive, of all together, in seconds.")
    longest = serializers.IntegerField(help_text="Of one of them, in seconds.")


class NamedTallySerializer(serializers.Serializer[Any]):
    """A day, collection or client (by ``name``), and what happened."""

    name = serializers.CharField()
    tally = TallySerializer()


class FiguresQuerySerializer(serializers.Serializer[Any]):
    """Which figures: ``since`` and ``until`` are days (UTC), both included."""

    by = serializers.ChoiceField(choices=["day", "week", "collection", "client"], default="day")
    since = serializers.DateField(
        validators=VALIDATORS, required=False, help_text="Thirty days back unless told otherwise."
    )
    until = serializers.DateField(
        validators=VALIDATORS, required=False, help_text="Today unless told otherwise."
    )
    collection = serializers.CharField(required=False, max_length=100)
    client = serializers.CharField(required=False, max_length=150)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Fill in the days; at most ten years."""
        attrs.setdefault("until", datetime.now(UTC).date())
        attrs.setdefault("since", attrs["until"] - timedelta(days=29))
        if not timedelta() <= attrs["until"] - attrs["since"] <= timedelta(days=3660):
            raise serializers.ValidationError(
                {"since": "From the earlier to the later day, at most ten years."}
            )
        return attrs


class FiguresSerializer(serializers.Serializer[Any]):
    """Figures over a time; ``complete`` is false while earlier days are still being counted."""

    since = serializers.DateField()
    until = serializers.DateField()
    complete = serializers.BooleanField()
    whole = TallySerializer()
    rows = NamedTallySerializer(many=True)


class AlertSerializer(serializers.Serializer[Any]):
    """One thing that is wrong with the service, and what to do about it."""

    code = serializers.CharField()
    severity = serializers.CharField()
    sentence = serializers.CharField()


class ProblemSerializer(serializers.Serializer[Any]):
    """Why a request was refused (RFC 9457); ``code`` is stable."""

    title = serializers.CharField()
    status = serializers.IntegerField()
    code = serializers.CharField()
    detail = serializers.CharField()
    hint = serializers.CharField(required=False)
