"""Places in pipelines: rows of the database, so that they outlive restarts and are shared by all hosts.

A place is not given back because time has passed: it is taken until the transfer is known to have left the pipeline.
"""

import secrets
from collections.abc import Iterable

from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.db.models.functions import Now

from deposit.models import Activity, ActivityState, DeliveryState
from deposit.services.deliveries import make_due
from loader.destinations.archivematica.models import Pipeline, PipelineUse, Transfer

# The step in which deliveries wait for a place.
ACQUIRE = "acquire_pipeline"

_INSIDE = Q(transfers__left_at__isnull=True)


def with_load(pipelines: QuerySet[Pipeline]) -> QuerySet[Pipeline]:
    """The pipelines, each with ``inside``: how many of its places are taken."""
    return pipelines.annotate(inside=Count("transfers", filter=_INSIDE))


def candidates(collection_id: int) -> list[Pipeline]:
    """The pipelines of a collection that are neither paused nor known to be out of order, the least loaded first."""
    usable = Pipeline.objects.filter(uses__collection=collection_id, paused=False, fault="")
    return sorted(with_load(usable), key=lambda one: (_load(one), one.pk))


def _load(pipeline: Pipeline) -> float:
    inside: int = pipeline.inside  # type: ignore[attr-defined]
    return inside / pipeline.capacity


def under_way(delivery_id: int) -> Transfer | None:
    """The transfer of a delivery that has its place and has not ended."""
    mine = Transfer.objects.filter(delivery_id=delivery_id, left_at__isnull=True, held_at__isnull=True)
    return mine.select_related("pipeline").first()


def enter(*, deposit_id: int, delivery_id: int, pipelines: Iterable[Pipeline]) -> Transfer | None:
    """Take a place in the first of these pipelines that has one; the same place when it is asked for twice."""
    existing = under_way(delivery_id)
    if existing is not None:
        return existing
    for pipeline in pipelines:
        with transaction.atomic():
            # The row's lock puts those who want a place in line, on whatever host they are.
            locked = Pipeline.objects.select_for_update().get(pk=pipeline.pk)
            if (
                locked.paused
                or Transfer.objects.filter(pipeline=locked, left_at=None).count() >= locked.capacity
            ):
                continue
            return Transfer.objects.create(
                pipeline=locked,
                deposit_id=deposit_id,
                delivery_id=delivery_id,
                name=f"deposit-{deposit_id}-{secrets.token_hex(4)}",
            )
    return None


def leave(transfer: Transfer) -> bool:
    """Give a transfer's place back, and wake who has waited longest for one; False when it was given back before."""
    with transaction.atomic():
        left = bool(Transfer.objects.filter(pk=transfer.pk, left_at=None).update(left_at=Now()))
        if left:
            wake(transfer.pipeline_id)
    return left


def wake(pipeline_id: int, most: int = 1) -> None:
    """Have deliveries looked at that wait for a place in this pipeline, those first that have waited longest."""
    collections = PipelineUse.objects.filter(pipeline=pipeline_id).values("collection")
    waiting = Activity.objects.filter(
        name=ACQUIRE,
        state=ActivityState.WAITING,
        delivery__state=DeliveryState.WAITING,
        delivery__deposit__collection__in=collections,
    )
    for deposit_id in waiting.order_by("id").values_list("delivery__deposit_id", flat=True)[:most]:
        make_due(deposit_id)


def wake_for_free(pipeline_id: int) -> None:
    """Wake as many as a pipeline has free places: it was paused, out of order, or has more of them now."""
    pipeline = with_load(Pipeline.objects.filter(pk=pipeline_id)).first()
    if pipeline is None or pipeline.paused or pipeline.fault:
        return
    free = pipeline.capacity - pipeline.inside  # type: ignore[attr-defined]
    if free > 0:
        wake(pipeline_id, most=free)


def hold(transfer: Transfer, because: str) -> None:
    """The delivery ends, and Archivematica goes on, or may: the place stays taken until that is known to be over."""
    # Unless a retry has taken it over meanwhile.
    mine = Transfer.objects.filter(pk=transfer.pk, delivery_id=transfer.delivery_id)
    mine.filter(left_at=None, held_at=None).update(held_at=Now(), held_because=because)


def inside(pipeline: Pipeline) -> QuerySet[Transfer]:
    """The transfers that take up the pipeline's places."""
    return Transfer.objects.filter(pipeline=pipeline, left_at__isnull=True).order_by("id")
