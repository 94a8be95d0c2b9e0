"""What operators do to pipelines; the audit tells of each."""

from collections.abc import Iterable
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from deposit import audit
from deposit.actors import Actor
from deposit.models import Collection
from deposit.permissions import Operation, require_service
from deposit.queue import items
from deposit.refusals import Kind, Refusal
from loader.destinations.archivematica import capacity, health
from loader.destinations.archivematica.models import Pipeline, PipelineUse, Transfer
from loader.destinations.archivematica.work import CHECK


def pipeline_named(name: str) -> Pipeline:
    """The pipeline of that name. Raises a 404 `Refusal`."""
    pipeline = Pipeline.objects.filter(name=name).first()
    if pipeline is None:
        raise Refusal(
            Kind.NOT_FOUND,
            "pipeline.unknown",
            f"There is no pipeline {name}.",
            "`manage.py pipeline list` shows them all.",
        )
    return pipeline


def add_pipeline(*, actor: Actor, name: str, **fields: Any) -> Pipeline:
    """Make a pipeline; ``fields`` are its model's. Raises `Refusal`."""
    require_service(actor, Operation.ADMINISTER)
    return _written(actor, "pipeline.add", Pipeline(name=name, **fields), {"name": name, **fields})


def change_pipeline(*, actor: Actor, name: str, **fields: Any) -> Pipeline:
    """Change what is given of a pipeline. What is inside it stays where it is. Raises `Refusal`."""
    require_service(actor, Operation.ADMINISTER)
    pipeline = pipeline_named(name)
    for field, value in fields.items():
        setattr(pipeline, field, value)
    return _written(actor, "pipeline.change", pipeline, fields)


def set_paused(*, actor: Actor, name: str, paused: bool) -> Pipeline:
    """Give a pipeline no more work, or work again. What is inside it is followed either way. Raises `Refusal`."""
    require_service(actor, Operation.RESCHEDULE)
    pipeline = pipeline_named(name)
    with transaction.atomic():
        pipeline.paused = paused
        pipeline.save(update_fields=["paused"])
        audit.record(f"pipeline.{'pause' if paused else 'resume'}", subject=f"pipeline {name}", actor=actor)
        capacity.wake_for_free(pipeline.pk)
    return pipeline


def remove_pipeline(*, actor: Actor, name: str) -> None:
    """Remove a pipeline that no deposit ever went through. Raises `Refusal`."""
    require_service(actor, Operation.ADMINISTER)
    pipeline = pipeline_named(name)
    try:
        with transaction.atomic():
            pipeline.delete()
            audit.record("pipeline.remove", subject=f"pipeline {name}", actor=actor)
    except ProtectedError as error:
        raise Refusal(
            Kind.UNPROCESSABLE,
            "pipeline.in_use",
            f"Pipeline {name} is used by a collection, or deposits went through it.",
            "Take it from its collections, or pause it: its history stays.",
        ) from error


def check_pipeline(*, actor: Actor, name: str) -> list[health.Check]:
    """Look whether a pipeline can be used. Raises `Refusal`."""
    require_service(actor, Operation.SEE_QUEUES)
    return health.check(pipeline_named(name))


def ask_for_check(*, actor: Actor, name: str) -> Pipeline:
    """Have a worker look whether a pipeline can be used: only workers have the keys. Raises `Refusal`."""
    require_service(actor, Operation.SEE_QUEUES)
    pipeline = pipeline_named(name)
    with transaction.atomic():
        Pipeline.objects.filter(pk=pipeline.pk).update(report={})
        items.ask(CHECK.name, pipeline.pk)
    return pipeline


def free_place(*, actor: Actor, name: str, delivery_id: int) -> Transfer:
    """Give a held place back, on the word of somebody who has looked at Archivematica. Raises `Refusal`."""
    require_service(actor, Operation.RESCHEDULE)
    held = Transfer.objects.filter(
        pipeline__name=name, delivery_id=delivery_id, left_at__isnull=True, held_at__isnull=False
    ).first()
    if held is None:
        raise Refusal(
            Kind.NOT_FOUND,
            "pipeline.no_held_place",
            f"Delivery {delivery_id} holds no place of pipeline {name}, or is still under way.",
            "`manage.py pipeline show` lists what is inside.",
        )
    with transaction.atomic():
        capacity.leave(held)
        audit.record("pipeline.free", subject=f"pipeline {name}", actor=actor, delivery=delivery_id)
    return held


def use_pipelines(*, actor: Actor, collection: Collection, pipelines: Iterable[str]) -> None:
    """Let a collection's deposits go through these pipelines and no others. Raises `Refusal`."""
    require_service(actor, Operation.ADMINISTER)
    found = [pipeline_named(name) for name in dict.fromkeys(pipelines)]
    with transaction.atomic():
        PipelineUse.objects.filter(collection=collection).delete()
        PipelineUse.objects.bulk_create(PipelineUse(collection=collection, pipeline=one) for one in found)
        audit.record(
            "collection.pipelines",
            subject=f"collection {collection}",
            actor=actor,
            pipelines=[one.name for one in found],
        )


def _written(actor: Actor, operation: str, pipeline: Pipeline, told: dict[str, Any]) -> Pipeline:
    try:
        pipeline.full_clean()
        with transaction.atomic():
            pipeline.save()
            shown = {name: str(value) if name == "location" else value for name, value in told.items()}
            audit.record(operation, subject=f"pipeline {pipeline}", actor=actor, **shown)
            capacity.wake_for_free(pipeline.pk)
    except (ValidationError, IntegrityError) as error:
        raise Refusal(
            Kind.BAD_REQUEST,
            "pipeline.settings",
            f"A pipeline cannot have these settings: {_sentences(error)}",
            "`manage.py pipeline add --help` tells what each is.",
        ) from error
    return pipeline


def _sentences(error: ValidationError | IntegrityError) -> str:
    if isinstance(error, IntegrityError):
        return str(error)
    return " ".join(
        message if field == "__all__" else f"{field}: {message}"
        for field, messages in error.message_dict.items()
        for message in messages
    )
