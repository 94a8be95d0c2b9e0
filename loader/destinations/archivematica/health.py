"""Whether a pipeline can be used: looked at before work is given to it, and by ``pipeline check``."""

import logging
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Coalesce, Now
from django.utils import timezone

from deposit.queue import items
from deposit.queue.claims import LeaseLost
from deposit.queue.leases import kept
from loader import sftp
from loader.destinations.archivematica import capacity
from loader.destinations.archivematica.checks import is_sftp
from loader.destinations.archivematica.connections import dashboard_of, publisher_of, storage_of
from loader.destinations.archivematica.errors import RemoteError
from loader.destinations.archivematica.models import Pipeline
from loader.destinations.archivematica.publishing import SftpFolder
from loader.destinations.archivematica.work import CHECK
from loader.secret_references import SecretMissing

logger = logging.getLogger(__name__)

# How long the last look at a pipeline counts, in seconds.
FRESH_SECONDS = 60.0
FAULTS = (RemoteError, SecretMissing, sftp.SftpRefused, sftp.SftpUnavailable, OSError)


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """One thing that was looked at; ``message`` says what was found, or what to do."""

    name: str
    ok: bool
    message: str


def look_at_if_due(pipeline: Pipeline) -> None:
    """Probe a pipeline unless somebody did lately; of many who ask at once one does it."""
    old = Q(checked_at__isnull=True) | Q(checked_at__lt=Now() - timedelta(seconds=FRESH_SECONDS))
    if Pipeline.objects.filter(old, pk=pipeline.pk).update(checked_at=Now()):
        look_at(pipeline)


def look_at_all() -> None:
    """Probe every pipeline that is due: so that the pages tell what is so, and what was mended is used again."""
    for pipeline in Pipeline.objects.order_by("pk"):
        look_at_if_due(pipeline)


def look_at(pipeline: Pipeline) -> str:
    """Probe dashboard and Storage Service; record what was found. Returns the fault, "" when there is none."""
    try:
        with dashboard_of(pipeline) as dashboard:
            probe = dashboard.probe()
        with storage_of(pipeline) as storage:
            storage.location(str(pipeline.location)) if pipeline.location else storage.processing_locations(
                ""
            )
    except FAULTS as error:
        record_fault(pipeline, str(error))
        return str(error)
    mended = Pipeline.objects.filter(pk=pipeline.pk).exclude(fault="").exists()
    Pipeline.objects.filter(pk=pipeline.pk).update(
        checked_at=Now(),
        fault="",
        fault_since=None,
        remote_id=probe.remote_id,
        remote_version=probe.version[:100],
    )
    if mended:
        capacity.wake_for_free(pipeline.pk)
    return ""


def record_fault(pipeline: Pipeline, fault: str) -> None:
    """Note that a pipeline cannot be used, and since when; it is given no more work until a look finds it well."""
    Pipeline.objects.filter(pk=pipeline.pk).update(
        checked_at=Now(), fault=fault or "It cannot be used.", fault_since=Coalesce("fault_since", Now())
    )


def check(pipeline: Pipeline) -> list[Check]:
    """Look at everything that deliveries will need, and leave nothing behind."""
    looks: dict[str, Callable[[Pipeline], str]] = {
        "dashboard": _dashboard,
        "processing configuration": _configuration,
        "storage service": _location,
        "transfer source": _transfer_source,
    }
    found = list(_each(pipeline, looks))
    look_at(pipeline)
    return found


def check_and_record(pipeline_id: int, *, worker: str) -> None:
    """Look at everything if that waits to be done, and keep what was found with the pipeline."""
    claim = items.claim(CHECK.name, pipeline_id, worker=worker)
    if claim is None:
        return
    try:
        with kept(claim):
            found = [asdict(one) for one in check(Pipeline.objects.get(pk=pipeline_id))]
            with transaction.atomic():
                report = {"at": timezone.now().isoformat(), "checks": found}
                Pipeline.objects.filter(pk=pipeline_id).update(report=report)
                items.finish(claim)
    except LeaseLost:
        logger.warning("pipeline=%s check dropped: another worker has it", pipeline_id)


def _each(pipeline: Pipeline, looks: dict[str, Callable[[Pipeline], str]]) -> Iterator[Check]:
    for name, look in looks.items():
        try:
            yield Check(name=name, ok=True, message=look(pipeline))
        except (*FAULTS, ValueError) as error:
            yield Check(name=name, ok=False, message=str(error))


def _dashboard(pipeline: Pipeline) -> str:
    with dashboard_of(pipeline) as dashboard:
        probe = dashboard.probe()
    keys = "takes an Idempotency-Key" if probe.is_idempotent else "takes no Idempotency-Key"
    return f"Archivematica {probe.version or 'of unknown version'} ({keys}), pipeline {probe.remote_id or 'unknown'}"


def _configuration(pipeline: Pipeline) -> str:
    with dashboard_of(pipeline) as dashboard:
        names = dashboard.processing_configurations()
    if pipeline.processing_config and pipeline.processing_config not in names:
        raise ValueError(
            f"There is no processing configuration {pipeline.processing_config}; Archivematica would use its default. "
            f"There are: {', '.join(names) or 'none'}."
        )
    return pipeline.processing_config or "Archivematica's default"


def _location(pipeline: Pipeline) -> str:
    with storage_of(pipeline) as storage:
        if pipeline.location is None:
            storage.processing_locations("")
            return "The default transfer source is used."
        location = storage.location(str(pipeline.location))
    if location is None:
        raise ValueError(f"The Storage Service has no location {pipeline.location}.")
    if location.get("purpose") not in ("TS", None):
        raise ValueError(
            f"Location {pipeline.location} is no transfer source; its purpose is {location['purpose']}."
        )
    return f"Transfer source {location.get('path') or pipeline.location}"


def _transfer_source(pipeline: Pipeline) -> str:
    if is_sftp(pipeline.transfer_source):
        publisher = publisher_of(pipeline)
        assert isinstance(publisher, SftpFolder)
        with sftp.connect(
            publisher.place, publisher.credentials, known_hosts=publisher.known_hosts
        ) as server:
            server.exists(".")
        return f"{pipeline.transfer_source} lets us in"
    folder = Path(pipeline.transfer_source)
    if not folder.is_dir():
        raise ValueError(f"There is no folder {folder}.")
    with tempfile.TemporaryDirectory(dir=folder, prefix=".deposit-check-"):
        pass
    free = os.statvfs(folder)
    return f"{folder} can be written, {free.f_bavail * free.f_frsize / 1024**3:.1f} GiB free"
