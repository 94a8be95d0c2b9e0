"""Deliveries that somebody can see, and how each is told: the same for commands, the API and pages."""

from typing import Any

import django_filters as filters
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from deposit.actors import Actor
from deposit.lists.cursor import OneOf
from deposit.models import Delivery, DeliveryState, Deposit, Identifier
from deposit.permissions import visible_deposits

# In a delivery's memory: the pipeline that it goes through, and what steps consist of elsewhere.
PIPELINE, SUBSTEPS = "pipeline", "substeps"


def visible_deliveries(actor: Actor) -> QuerySet[Delivery]:
    """The deliveries of the deposits that exist for the actor, the newest first."""
    found = Delivery.objects.filter(deposit__in=visible_deposits(actor))
    return found.select_related("deposit__collection", "deposit__client__user").order_by("-id")


class DeliveryFilter(filters.FilterSet):
    """What lists of deliveries can be narrowed by."""

    state = OneOf(choices=DeliveryState.choices, label=_("State"))
    destination = filters.CharFilter(max_length=50, label=_("Destination"))
    pipeline = filters.CharFilter(field_name="memory__pipeline", max_length=100, label=_("Pipeline"))
    collection = filters.CharFilter(
        field_name="deposit__collection__name", label=_("Collection"), max_length=100
    )
    deposit = filters.NumberFilter(field_name="deposit_id", label=_("Deposit"))
    current = filters.BooleanFilter(label=_("Not replaced by a retry"))

    class Meta:
        model = Delivery
        fields: list[str] = []


def summary(delivery: Delivery) -> dict[str, Any]:
    """A delivery in a list."""
    return {
        "id": delivery.pk,
        "deposit": delivery.deposit_id,
        "destination": delivery.destination,
        "pipeline": delivery.memory.get(PIPELINE),
        "state": str(delivery.state),
        "current": delivery.current,
        "created_at": delivery.created_at,
        "started_at": delivery.started_at,
        "ended_at": delivery.ended_at,
        "code": delivery.code,
        "error": delivery.error,
    }


def whole(delivery: Delivery, *, faults: bool = False) -> dict[str, Any]:
    """A delivery with its steps and what its deposit is known by; ``faults``: with raw causes, for operators."""
    return {
        **summary(delivery),
        "deadline_at": delivery.deadline_at,
        "wish": delivery.wish,
        "mode": delivery.memory.get("mode"),
        "previous": delivery.memory.get("previous"),
        "next": _next(delivery),
        "question": _question(delivery),
        "identifiers": identifiers(delivery.deposit),
        "activities": activities(delivery, faults=faults),
    }


def _next(delivery: Delivery) -> int | None:
    """The delivery that a retry has put in its place."""
    if delivery.current:
        return None
    later = Delivery.objects.filter(deposit=delivery.deposit_id, memory__previous=delivery.pk)
    return later.values_list("pk", flat=True).first()


def _question(delivery: Delivery) -> dict[str, Any] | None:
    if delivery.state != DeliveryState.ASKING:
        return None
    return {name: delivery.question.get(name) for name in ("question", "options")}


def identifiers(deposit: Deposit) -> list[dict[str, Any]]:
    """What a deposit is known by, anywhere; ``superseded``: a later load gave it another."""
    found = list(Identifier.objects.filter(deposit=deposit).order_by("id"))
    for one in found:
        one.deposit = deposit
    return [{"scheme": one.scheme, "value": one.value, "superseded": one.is_superseded} for one in found]


def activities(delivery: Delivery, *, faults: bool = False) -> list[dict[str, Any]]:
    """The steps, in order."""
    substeps = delivery.memory.get(SUBSTEPS, {})
    return [
        {
            "name": one.name,
            "state": str(one.state),
            "attempts": one.attempts,
            "polls": one.polls,
            "started_at": one.started_at,
            "ended_at": one.ended_at,
            "note": one.note,
            "error": one.error,
            **({"fault": one.fault} if faults else {}),
            "result": one.result,
            "substeps": substeps.get(one.name, []),
        }
        for one in delivery.activities.order_by("id")
    ]
