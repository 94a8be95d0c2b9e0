"""From a pipeline's row to open connections: keys are read where their references point, now."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from zoneinfo import ZoneInfo

from django.conf import settings

from loader import sftp
from loader.destinations.archivematica.bundles.forms import Form, TransferType
from loader.destinations.archivematica.checks import is_sftp
from loader.destinations.archivematica.dashboard import Dashboard
from loader.destinations.archivematica.http import Api
from loader.destinations.archivematica.models import Pipeline
from loader.destinations.archivematica.publishing import LocalFolder, Publisher, SftpFolder
from loader.destinations.archivematica.storage import StorageService
from loader.secret_references import read_secret

WORKSHOP = "bundles"


@contextmanager
def dashboard_of(pipeline: Pipeline) -> Iterator[Dashboard]:
    """The pipeline's dashboard. Raises `SecretMissing`."""
    name = f"The dashboard of pipeline {pipeline}"
    key = read_secret(pipeline.key_ref)
    with Api(name=name, url=pipeline.url, user=pipeline.user, key=key) as api:
        yield Dashboard(api)


@contextmanager
def storage_of(pipeline: Pipeline) -> Iterator[StorageService]:
    """The pipeline's Storage Service. Raises `SecretMissing`."""
    name = f"The Storage Service of pipeline {pipeline}"
    key = read_secret(pipeline.storage_service_key_ref)
    with Api(name=name, url=pipeline.storage_service_url, user=pipeline.storage_service_user, key=key) as api:
        yield StorageService(api, zone=ZoneInfo(pipeline.storage_time_zone))


def publisher_of(pipeline: Pipeline) -> Publisher:
    """The pipeline's transfer source. Raises `SecretMissing`."""
    if not is_sftp(pipeline.transfer_source):
        return LocalFolder(Path(pipeline.transfer_source))
    return SftpFolder(
        place=sftp.SftpPlace.parse(pipeline.transfer_source),
        credentials=_credentials(pipeline.transfer_source_key_ref),
        known_hosts=pipeline.known_hosts,
        workshop=Path(settings.STAGING_ROOT) / WORKSHOP,
    )


def _credentials(reference: str) -> sftp.Credentials:
    kind, _, place = reference.partition(":")
    if kind == "file":
        return sftp.Credentials(key_file=place)
    return sftp.Credentials(password=read_secret(reference)) if reference else sftp.Credentials()


def form_of(pipeline: Pipeline) -> Form:
    """What bundles for this pipeline look like."""
    return Form(
        type=TransferType(pipeline.transfer_type),
        unbag=pipeline.unbag,
        strip_top_level_dir=pipeline.strip_top_level_dir,
        exclude_hidden_files=pipeline.exclude_hidden_files,
    )
