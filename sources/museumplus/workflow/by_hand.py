"""One step on one object, done by hand: with the functions that the workers use, and a record of it if there is one."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from django.conf import settings

from loader.destinations.preservation_service.building import BuiltSip, build_sip
from loader.destinations.preservation_service.transfer import service, submit
from packages.formats.preservable import NotPreservable
from sources.museumplus import logs
from sources.museumplus.harvest.client import connect, preservation_field
from sources.museumplus.harvest.download import check_room, download_object
from sources.museumplus.locks import object_lock
from sources.museumplus.models import MuseumObject, MuseumPackage
from sources.museumplus.workflow import freezing, steps
from sources.museumplus.workflow.describing import describe, read_work_object, sip_filename
from sources.museumplus.workflow.processed import note_verdict


@contextmanager
def placed(package_dir: str | None, archive_dir: str | None = None) -> Iterator[None]:
    """Work in other folders than the settings say, for the block."""
    before = settings.PACKAGE_DIR, settings.ARCHIVE_DIR
    settings.PACKAGE_DIR = str(package_dir or before[0])
    settings.ARCHIVE_DIR = str(archive_dir or before[1])
    try:
        yield
    finally:
        settings.PACKAGE_DIR, settings.ARCHIVE_DIR = before


def download(number: int, sip_id: str) -> str:
    """Fetch an object into its work folder; return its SIP's name. An object that is known gets its record, too."""
    check_room(Path(settings.PACKAGE_DIR), settings.MIN_FREE_BYTES)
    with object_lock(number), _freezing(number, sip_id), connect() as client:
        downloaded = download_object(
            client, steps.work_dir(number), number, sip_id, lido_report=settings.MUSEUMPLUS_LIDO_REPORT_ID
        )
        if MuseumObject.objects.filter(pk=number).exists():
            return steps.record_package(downloaded, sip_id).sip_filename
    record = downloaded.record
    return sip_filename(number, sip_id, record.modified_date, record.created_date)


def create_sip(
    number: int,
    sip_id: str,
    *,
    create_date: datetime | None = None,
    modify_date: datetime | None = None,
    update: bool = False,
) -> BuiltSip:
    """Make the SIP of a work folder."""
    with object_lock(number), _freezing(number, sip_id):
        work = steps.work_dir(number)
        about = describe(work, sip_id, created=create_date, modified=modify_date, update=update)
        built = build_sip(work, about, steps.contract(), Path(settings.SIP_SIGN_KEY))
    MuseumPackage.objects.filter(sip_filename=built.path.name).update(packaged=True)
    return built


def submit_sip(number: int, sip_id: str) -> str:
    """Hand the SIP of a work folder over."""
    with object_lock(number):
        name = _filename(number, sip_id)
        package = MuseumPackage.objects.filter(sip_filename=name).first()
        if package is not None:
            steps.submit_sip(package)
            return name
        sip = steps.work_dir(number).path / name
        if not sip.exists():
            raise steps.StepRefused(f"There is no {name} to submit: make it first.")
        with service() as sftp:
            submit(sftp, sip, settings.DPRES_SFTP_HOME, was_renaming=False, before_renaming=steps.no_lease)
        sip.unlink()
        return name


def confirm_sip(number: int, sip_id: str, status: str) -> str:
    """Finish with a SIP on which the service has decided: archive logs, tell MuseumPlus, remove the work folder."""
    with object_lock(number):
        name = _filename(number, sip_id)
        package = MuseumPackage.objects.filter(sip_filename=name).first()
        if package is not None:
            note_verdict(package.pk, status)
            package.refresh_from_db()
            steps.confirm_sip(package, connect)
            return name
        record = read_work_object(steps.work_dir(number))
        unrecorded = MuseumPackage(sip_filename=name, museum_object_id=number)
        logs.archive_logs(unrecorded, unrecorded.workflow_log_dir)
        field = preservation_field()
        if field is not None and settings.MUSEUMPLUS_ADD_LOG_ENTRIES:
            with connect() as client:
                client.add_preservation(
                    number, field, filename=name, status=status, modified=record.modified_date
                )
        freezing.remove_work(number)
        return name


def _filename(number: int, sip_id: str) -> str:
    package = MuseumPackage.objects.filter(museum_object_id=number, sip_id=sip_id).last()
    if package is not None:
        return package.sip_filename
    record = read_work_object(steps.work_dir(number))
    return sip_filename(number, sip_id, record.modified_date, record.created_date)


@contextmanager
def _freezing(number: int, sip_id: str) -> Iterator[None]:
    """A known error freezes the object, as it does in the workflow."""
    try:
        yield
    except NotPreservable as refused:
        if MuseumObject.objects.filter(pk=number).exists():
            freezing.freeze_running_object(number, refused, sip_id)
        raise
