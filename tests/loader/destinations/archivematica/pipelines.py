"""Pipelines for tests: rows that lead to the double."""

from pathlib import Path
from typing import Any

from deposit.models import Collection
from loader.destinations.archivematica.models import Pipeline, PipelineUse
from tests.support.archivematica import KEY, STORAGE_KEY, STORAGE_USER, USER, Archivematica


def key_file(folder: Path, name: str, key: str) -> str:
    """A key in a file, by reference."""
    path = folder / f"{name}.key"
    path.write_text(key)
    return f"file:{path}"


def new_pipeline(
    double: Archivematica,
    folder: Path,
    *,
    name: str = "main",
    collection: Collection | None = None,
    **fields: Any,
) -> Pipeline:
    """A pipeline that leads to the double; its keys lie in ``folder``."""
    settings: dict[str, Any] = {
        "url": double.url,
        "user": USER,
        "key_ref": key_file(folder, "dashboard", KEY),
        "storage_service_url": double.storage_url,
        "storage_service_user": STORAGE_USER,
        "storage_service_key_ref": key_file(folder, "storage", STORAGE_KEY),
        "transfer_source": str(double.state.source),
        "location": double.location,
        "processing_config": "automated",
        "poll_seconds": 1,
    }
    pipeline = Pipeline(name=name, **(settings | fields))
    pipeline.full_clean()
    pipeline.save()
    if collection is not None:
        PipelineUse.objects.create(collection=collection, pipeline=pipeline)
    return pipeline
