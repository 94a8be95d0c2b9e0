"""The steps that an object goes through, each of which may be run again: download, make a SIP, submit, confirm.

They are called by the workers of the queue, by the deliveries of the preservation service, and by the commands that do
one step by hand.
"""

from collections.abc import Callable, Iterable
from pathlib import Path

from django.conf import settings
from django.db import IntegrityError, transaction

from loader.destinations.preservation_service.building import BuiltSip, build_sip
from loader.destinations.preservation_service.mets import Contract
from loader.destinations.preservation_service.transfer import NotSetUp, service, submit
from loader.destinations.preservation_service.workdir import WorkDir
from sources.museumplus import logs
from sources.museumplus.harvest.client import MuseumPlusClient, preservation_field
from sources.museumplus.harvest.download import Downloaded, check_room, download_object
from sources.museumplus.models import (
    MuseumAttachment,
    MuseumObject,
    MuseumPackage,
    PackageAttachment,
    WorkflowJob,
)
from sources.museumplus.workflow import freezing
from sources.museumplus.workflow.describing import describe, read_work_object, sip_filename

Alive = Callable[[], None]


class StepRefused(Exception):
    """A step cannot be done as things are: it was done, or what goes before was not. The message says which."""


class Cancelled(StepRefused):
    """The object was frozen meanwhile, or its package cancelled: there is nothing more to do for it."""


def no_lease() -> None:
    """For whoever works alone."""


def work_dir(number: int) -> WorkDir:
    """The work folder of an object."""
    return WorkDir(Path(settings.PACKAGE_DIR, str(number)))


def download(client: MuseumPlusClient, number: int, sip_id: str, *, alive: Alive = no_lease) -> MuseumPackage:
    """Fetch an object into its work folder, and make the record of its package.

    Raises MuseumPlusError, NotPreservable, DiskFull, StepRefused, OSError.
    """
    check_room(Path(settings.PACKAGE_DIR), settings.MIN_FREE_BYTES)
    if MuseumObject.objects.filter(pk=number, frozen=True).exists():
        raise Cancelled(f"Object {number} is frozen.")
    downloaded = download_object(
        client,
        work_dir(number),
        number,
        sip_id,
        lido_report=settings.MUSEUMPLUS_LIDO_REPORT_ID,
        alive=alive,
    )
    return record_package(downloaded, sip_id)


def record_package(downloaded: Downloaded, sip_id: str) -> MuseumPackage:
    """The record of a package that was downloaded; the same one if it is recorded already."""
    record = downloaded.record
    filename = sip_filename(record.id, sip_id, record.modified_date, record.created_date)
    try:
        with transaction.atomic():
            museum_object = MuseumObject.objects.select_for_update().get(pk=record.id)
            about = {
                "museum_object": museum_object,
                "sip_id": sip_id,
                "object_modified_date": record.modified_date,
                "metadata_hash": museum_object.metadata_hash,
                "attachment_metadata_hash": museum_object.attachment_metadata_hash,
                "downloaded": True,
            }
            # The object changed since an earlier attempt: its package has another name now.
            MuseumPackage.objects.filter(
                museum_object=museum_object, sip_id=sip_id, packaged=False, pk=museum_object.latest_package_id
            ).exclude(sip_filename=filename).update(sip_filename=filename, **about)
            package, is_new = MuseumPackage.objects.get_or_create(sip_filename=filename, defaults=about)
            if not is_new and museum_object.latest_package_id != package.pk:
                raise StepRefused(f"There is a package {filename} already.")
            _record_attachments(package, downloaded.attachment_ids)
            museum_object.latest_package = package
            museum_object.save(update_fields=["latest_package"])
    except IntegrityError:
        raise StepRefused(f"There is a package {filename} already.") from None
    return package


def create_sip(package: MuseumPackage, *, alive: Alive = no_lease) -> BuiltSip:
    """Make the SIP of a package: an update if an earlier version of its object was preserved.

    Raises NotPreservable, StepRefused, NotSetUp, SigningError, BadDocument, NoLido, OSError.
    """
    _refuse_cancelled(package)
    if package.uploaded:
        raise StepRefused(f"{package.sip_filename} was uploaded already.")
    before = package.museum_object.packages.filter(preserved=True).order_by("created_date").last()
    about = describe(
        work_dir(package.museum_object_id),
        package.sip_id or "",
        created=before.created_date if before else None,
        modified=package.created_date if before else None,
        update=before is not None,
    )
    built = build_sip(
        work_dir(package.museum_object_id), about, contract(), Path(settings.SIP_SIGN_KEY), alive=alive
    )
    MuseumPackage.objects.filter(pk=package.pk).update(packaged=True)
    return built


def submit_sip(
    package: MuseumPackage,
    *,
    was_renaming: bool = False,
    before_renaming: Callable[[], None] = no_lease,
    alive: Alive = no_lease,
) -> bool:
    """Hand a SIP to the service; return False if that was done before. The archive here is removed.

    Raises StepRefused, NotSetUp, SftpRefused, SftpUnavailable, OSError.
    """
    _refuse_cancelled(package)
    if package.uploaded:
        raise StepRefused(f"{package.sip_filename} was uploaded already.")
    sip = work_dir(package.museum_object_id).path / package.sip_filename
    if not sip.exists():
        raise StepRefused(f"There is no {sip.name} to submit: make it first.")
    with service() as sftp:
        is_new = submit(
            sftp,
            sip,
            settings.DPRES_SFTP_HOME,
            was_renaming=was_renaming,
            before_renaming=before_renaming,
            alive=alive,
        )
    MuseumPackage.objects.filter(pk=package.pk).update(uploaded=True)
    sip.unlink(missing_ok=True)
    sip.with_name(sip.name + ".upload").unlink(missing_ok=True)
    return is_new


def confirm_sip(package: MuseumPackage, connect: Callable[[], MuseumPlusClient]) -> str:
    """Finish with a package on which there is a verdict: archive its logs, tell MuseumPlus, remove the work folder.

    Returns ``accepted`` or ``rejected``. Raises StepRefused, MuseumPlusError, OSError.
    """
    if not package.preserved and not package.rejected:
        raise StepRefused(f"There is no verdict on {package.sip_filename} yet.")
    status = "accepted" if package.preserved else "rejected"
    is_here = _is_work_of(package)
    if is_here:
        logs.archive_logs(package, package.workflow_log_dir)
    _tell_museumplus(package, status, connect)
    if is_here:
        freezing.remove_work(package.museum_object_id)
    with transaction.atomic():
        if package.preserved:
            MuseumObject.objects.filter(pk=package.museum_object_id).update(preserved=True)
        WorkflowJob.objects.filter(pk=package.museum_object_id, queue=WorkflowJob.Queue.CONFIRM_SIP).delete()
    return status


def contract() -> Contract:
    """Who we are to the service. Raises NotSetUp."""
    missing = [
        name
        for name in ("METS_ORGANIZATION_NAME", "METS_CONTRACT_ID", "SIP_SIGN_KEY")
        if not getattr(settings, name)
    ]
    if missing:
        raise NotSetUp(f"The preservation service is not set up: set {', '.join(missing)}.")
    return Contract(organization=settings.METS_ORGANIZATION_NAME, id=settings.METS_CONTRACT_ID)


def _record_attachments(package: MuseumPackage, numbers: Iterable[int]) -> None:
    MuseumAttachment.objects.bulk_create(
        [MuseumAttachment(id=number) for number in numbers], ignore_conflicts=True
    )
    PackageAttachment.objects.bulk_create(
        [PackageAttachment(museum_package=package, museum_attachment_id=number) for number in numbers],
        ignore_conflicts=True,
    )


def _refuse_cancelled(package: MuseumPackage) -> None:
    package.refresh_from_db()
    if package.cancelled or package.museum_object.frozen:
        raise Cancelled(f"{package.sip_filename} was cancelled: its object was frozen.")


def _is_work_of(package: MuseumPackage) -> bool:
    """Whether the work folder of the object is this package's, and not that of a later one."""
    latest = MuseumObject.objects.values_list("latest_package_id", flat=True).get(pk=package.museum_object_id)
    return latest == package.pk and work_dir(package.museum_object_id).path.is_dir()


def _tell_museumplus(package: MuseumPackage, status: str, connect: Callable[[], MuseumPlusClient]) -> None:
    field = preservation_field()
    if field is None or not settings.MUSEUMPLUS_ADD_LOG_ENTRIES:
        return
    modified = package.object_modified_date
    if modified is None and _is_work_of(package):
        modified = read_work_object(work_dir(package.museum_object_id)).modified_date
    with connect() as client:
        client.add_preservation(
            package.museum_object_id,
            field,
            filename=package.sip_filename,
            status=status,
            modified=modified,
        )
