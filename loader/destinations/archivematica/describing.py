"""A pipeline and what is inside it, as commands, the API and pages show them. No key is ever among it."""

from typing import Any

from loader.destinations.archivematica import capacity
from loader.destinations.archivematica.models import Pipeline, Transfer


def summary(pipeline: Pipeline) -> dict[str, Any]:
    """A pipeline in a list; ``used`` of ``capacity`` places are taken."""
    inside = getattr(pipeline, "inside", None)
    return {
        "name": pipeline.name,
        "url": pipeline.url,
        "capacity": pipeline.capacity,
        "used": capacity.inside(pipeline).count() if inside is None else inside,
        "paused": pipeline.paused,
        "status": status(pipeline),
        "fault": pipeline.fault,
        "version": pipeline.remote_version,
        "remote_id": pipeline.remote_id,
        "checked_at": pipeline.checked_at,
    }


def status(pipeline: Pipeline) -> str:
    """One word: paused, unavailable, active, or unknown for one that nobody has looked at yet."""
    if pipeline.paused:
        return "paused"
    if pipeline.fault:
        return "unavailable"
    return "active" if pipeline.remote_version or pipeline.remote_id else "unknown"


def whole(pipeline: Pipeline) -> dict[str, Any]:
    """A pipeline with its settings and what is inside."""
    return {
        **summary(pipeline),
        "user": pipeline.user,
        "key_ref": pipeline.key_ref,
        "storage_service_url": pipeline.storage_service_url,
        "storage_service_user": pipeline.storage_service_user,
        "storage_service_key_ref": pipeline.storage_service_key_ref,
        "transfer_source": pipeline.transfer_source,
        "transfer_source_key_ref": pipeline.transfer_source_key_ref,
        "known_hosts": pipeline.known_hosts,
        "location": str(pipeline.location or ""),
        "path_prefix": pipeline.path_prefix,
        "processing_config": pipeline.processing_config,
        "transfer_type": pipeline.transfer_type,
        "transfer_deadline": pipeline.transfer_deadline,
        "retry_deadline": pipeline.retry_deadline,
        "poll_seconds": pipeline.poll_seconds,
        "required_locations": pipeline.required_locations,
        "standalone_locations": pipeline.standalone_locations,
        "fixity": pipeline.fixity,
        "unbag": pipeline.unbag,
        "strip_top_level_dir": pipeline.strip_top_level_dir,
        "exclude_hidden_files": pipeline.exclude_hidden_files,
        "storage_time_zone": pipeline.storage_time_zone,
        "collections": sorted(pipeline.uses.values_list("collection__name", flat=True)),
        "report": pipeline.report,
        "inside": [place(one) for one in capacity.inside(pipeline)],
    }


def place(transfer: Transfer) -> dict[str, Any]:
    """One taken place, and by whom."""
    return {
        "deposit": transfer.deposit_id,
        "delivery": transfer.delivery_id,
        "name": transfer.name,
        "transfer": transfer.transfer_uuid,
        "sip": transfer.sip_uuid,
        "entered_at": transfer.entered_at,
        "held": f"held by delivery {transfer.delivery_id}: {transfer.held_because}"
        if transfer.held_at
        else "",
    }
