"""The steps before Archivematica is at work: what is there already, a place, the bundle, the hand-over.

Each may be run twice and by another process than before: what was done is in the row of the transfer.
"""

from datetime import timedelta

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from deposit.findings import Area, Severity
from deposit.models import Delivery, DeliveryState, Deposit, Finding
from loader.destinations.archivematica import capacity, health, publishing
from loader.destinations.archivematica.bundles.bags import IncompleteBag
from loader.destinations.archivematica.bundles.building import Built, Unsuitable, build
from loader.destinations.archivematica.connections import form_of, publisher_of
from loader.destinations.archivematica.contents import contents_of
from loader.destinations.archivematica.models import Pipeline, Transfer
from loader.destinations.archivematica.tolerance import faults, went_well
from loader.steps import Again, Context, Done, Outcome, Permanent
from packages import PackageError

# A place that is given back wakes who has waited longest; this is for the case that nobody was woken. The more wait,
# the more rarely each looks, between these bounds in seconds.
WAIT_FOR_A_PLACE_SECONDS, LONGEST_WAIT_SECONDS, _PER_WAITING = 45.0, 600.0, 0.3
WAIT_FOR_HEALTH_SECONDS = 60.0
LEFT_OUT = "delivery.left_out"


def transfer_of(context: Context) -> Transfer:
    """The transfer of this delivery. Raises `Permanent` where none was begun."""
    mine = Transfer.objects.filter(delivery_id=context.delivery.pk, held_at__isnull=True)
    transfer = mine.select_related("pipeline").order_by("-id").first()
    if transfer is None:
        raise Permanent("archivematica.no_transfer", "The delivery has no place in a pipeline: retry it.")
    return transfer


def acquire_pipeline(context: Context) -> Outcome:
    """Take a place in the least loaded pipeline that is well; wait while all are full."""
    mine = Transfer.objects.filter(delivery_id=context.delivery.pk, held_at__isnull=True).first()
    if mine is None:
        collection = context.deposit.collection_id
        _look_at_pipelines(collection)
        candidates = capacity.candidates(collection)
        if not candidates:
            return _no_pipeline(context, collection)
        mine = capacity.enter(
            deposit_id=context.deposit.pk, delivery_id=context.delivery.pk, pipelines=candidates
        )
        if mine is None:
            return Again(after_seconds=_wait(), note="All places of the pipelines are taken.")
    context.save(pipeline=mine.pipeline.name)
    return Done(result={"pipeline": mine.pipeline.name, "name": mine.name})


def _wait() -> float:
    waiting = Delivery.objects.filter(state=DeliveryState.WAITING, destination="archivematica").count()
    return min(LONGEST_WAIT_SECONDS, max(WAIT_FOR_A_PLACE_SECONDS, waiting * _PER_WAITING))


def _look_at_pipelines(collection_id: int) -> None:
    for pipeline in Pipeline.objects.filter(uses__collection=collection_id, paused=False):
        health.look_at_if_due(pipeline)


def _no_pipeline(context: Context, collection_id: int) -> Outcome:
    """None can be used: wait for one, but not for ever for one that is out of order."""
    pipelines = Pipeline.objects.filter(uses__collection=collection_id)
    if not pipelines.exists():
        raise Permanent(
            "archivematica.no_pipeline",
            "The collection has no pipeline: an administrator gives it one, and the delivery is retried.",
        )
    longest = pipelines.aggregate(longest=Max("transfer_deadline"))["longest"]
    began = context.delivery.started_at or timezone.now()
    paused = pipelines.filter(paused=True).exists()
    if not paused and timezone.now() - began > timedelta(seconds=longest):
        raise Permanent(
            "archivematica.unavailable",
            "Every pipeline of the collection has been out of order for longer than a transfer may take.",
        )
    return Again(
        after_seconds=WAIT_FOR_HEALTH_SECONDS,
        note="Every pipeline of the collection is paused or out of order.",
    )


def prepare_bundle(context: Context) -> Outcome:
    """Unpack the deposit into the form of a transfer."""
    transfer = transfer_of(context)
    if transfer.asked_at is not None or transfer.stored_at is not None:
        return Done()
    built = _build(context, transfer)
    _tell_left_out(context.deposit, built)
    went_well(transfer)
    return Done(
        result={
            "files": built.files,
            "bytes": built.bytes,
            "left_out": list(built.left_out),
            "left_out_count": built.left_out_count,
        }
    )


def _build(context: Context, transfer: Transfer) -> Built:
    with faults(transfer, "the bundle was prepared"):
        target = publisher_of(transfer.pipeline).workplace(transfer.name)
        if not target.parent.is_dir():
            raise FileNotFoundError(f"The transfer source {target.parent} is not there.")
        try:
            with contents_of(context.deposit, alive=context.lease.check) as contents:
                return build(target, contents, form_of(transfer.pipeline), alive=context.lease.check)
        except (Unsuitable, IncompleteBag) as error:
            raise Permanent("archivematica.unsuitable", str(error)) from error
        except PackageError as error:
            raise Permanent("loading.failed", str(error)) from error


def _tell_left_out(deposit: Deposit, built: Built) -> None:
    with transaction.atomic():
        Finding.objects.filter(deposit=deposit, code=LEFT_OUT).delete()
        if built.left_out_count:
            shown = ", ".join(built.left_out[:10]) + (", …" if built.left_out_count > 10 else "")
            Finding.objects.create(
                deposit=deposit,
                area=Area.ARCHIVE,
                code=LEFT_OUT,
                severity=Severity.WARNING,
                message=f"Files that Archivematica would remove were not sent ({built.left_out_count}): {shown}",
            )


def publish(context: Context) -> Outcome:
    """Put the bundle where Archivematica finds it."""
    transfer = transfer_of(context)
    if transfer.asked_at is not None or transfer.stored_at is not None:
        return Done()
    publish_again(context, transfer)
    went_well(transfer)
    return Done(result={"at": timezone.now().isoformat()})


def publish_again(context: Context, transfer: Transfer) -> None:
    """Publish the bundle; one that has vanished is made again."""
    with faults(transfer, "the bundle was published"):
        publisher = publisher_of(transfer.pipeline)
        if not publisher.workplace(transfer.name).exists():
            _build(context, transfer)
        publisher.publish(transfer.name, alive=context.lease.check)


def withdraw(transfer: Transfer) -> None:
    """Remove the bundle. Raises what publishers raise."""
    publisher: publishing.Publisher = publisher_of(transfer.pipeline)
    publisher.withdraw(transfer.name)
    transfer.note(cleaned_at=timezone.now())


def clean_up(context: Context) -> Outcome:
    """Remove the bundle, once Archivematica has its own copy."""
    transfer = transfer_of(context)
    if transfer.cleaned_at is None:
        with faults(transfer, "the bundle was removed"):
            withdraw(transfer)
    return Done()
