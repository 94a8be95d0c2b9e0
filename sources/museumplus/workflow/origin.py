"""The museum's objects, as the origin of deposits for the preservation service."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from deposit.models import Deposit, Part, PartKind, SubmissionKey
from deposit.staging.storage import local_file
from loader.destinations.preservation_service.documents import NoLido
from loader.destinations.preservation_service.signing import SigningError
from loader.destinations.preservation_service.transfer import NotSetUp
from loader.sftp import SftpRefused, SftpUnavailable
from loader.steps import Context, Permanent, Transient
from packages import Kind, PackageError, open_package
from packages.formats.preservable import NotPreservable
from sources.museumplus.harvest.documents import BadDocument
from sources.museumplus.locks import ObjectBusy, object_lock
from sources.museumplus.models import MuseumPackage, WorkflowJob
from sources.museumplus.workflow import freezing, queueing, steps

SOURCE = "museumplus"
_Queue, _State = WorkflowJob.Queue, WorkflowJob.State


class MuseumOrigin:
    """See ``loader.destinations.preservation_service.origin``."""

    def create_sip(self, context: Context) -> Mapping[str, Any]:
        """Make the SIP, from the work folder or, if that is gone, from the deposit's own package."""
        package = package_of(context.deposit)
        with _step(package, _Queue.CREATE_SIP):
            _restore(context, package)
            built = steps.create_sip(package, alive=context.lease.check)
        return {"sip": built.path.name, "files": built.files, "size": built.size}

    def submit_sip(self, context: Context) -> Mapping[str, Any]:
        """Hand the SIP over. What is about to be renamed is remembered first, so that no SIP is sent twice."""
        package = package_of(context.deposit)
        if package.uploaded:
            _submitted(package)
            return {"sip": package.sip_filename}
        with _step(package, _Queue.SUBMIT_SIP):
            steps.submit_sip(
                package,
                was_renaming=bool(context.memory.get("renaming")),
                before_renaming=lambda: context.save(renaming=True),
                alive=context.lease.check,
            )
            context.add_identifier("sip", package.sip_filename)
            _submitted(package)
        return {"sip": package.sip_filename}

    def verdict(self, context: Context) -> str | None:
        """The service's verdict, once its confirmation is over, too."""
        package = package_of(context.deposit)
        if not package.preserved and not package.rejected:
            return None
        if WorkflowJob.objects.filter(
            pk=package.museum_object_id, queue=_Queue.CONFIRM_SIP, sip_id=package.sip_id or ""
        ).exists():
            return None
        return "accepted" if package.preserved else "rejected"


ORIGIN = MuseumOrigin()


def package_of(deposit: Deposit) -> MuseumPackage:
    """The package behind a deposit. Raises Permanent."""
    key = SubmissionKey.objects.filter(deposit=deposit, source=SOURCE).values_list("key", flat=True).first()
    package = MuseumPackage.objects.select_related("museum_object").filter(sip_filename=key).first()
    if package is None:
        raise Permanent("museum.unknown", "No package of the museum belongs to this deposit.")
    return package


@contextmanager
def _step(package: MuseumPackage, queue: str) -> Iterator[None]:
    """Do one step on an object alone; faults become those of a step, known errors freeze the object."""
    number, sip_id = package.museum_object_id, package.sip_id or ""
    queueing.note(number, sip_id, queue, _State.STARTED)
    try:
        with object_lock(number):
            yield
    except NotPreservable as refused:
        freezing.freeze_running_object(number, refused, sip_id)
        raise Permanent(refused.code, f"{refused.reason}. {refused.detail}") from None
    except steps.Cancelled as error:
        WorkflowJob.objects.filter(pk=number, sip_id=sip_id).delete()
        raise Permanent("museum.cancelled", str(error)) from error
    except (steps.StepRefused, BadDocument, NoLido, SftpRefused) as error:
        queueing.note(number, sip_id, queue, _State.FAILED, str(error))
        raise Permanent("museum.step", str(error)) from error
    except (NotSetUp, SigningError) as error:
        queueing.note(number, sip_id, queue, _State.FAILED, str(error))
        raise Permanent("museum.settings", str(error)) from error
    except (SftpUnavailable, ObjectBusy) as error:
        queueing.note(number, sip_id, queue, _State.PENDING, str(error))
        raise Transient(str(error)) from error
    except OSError as error:
        queueing.note(number, sip_id, queue, _State.PENDING, str(error))
        raise Transient("A file could not be read or written.", fault=str(error)) from error


def _submitted(package: MuseumPackage) -> None:
    """From now on the object waits for the service, and is in no queue."""
    mine = WorkflowJob.objects.filter(pk=package.museum_object_id, sip_id=package.sip_id or "")
    mine.exclude(queue=_Queue.CONFIRM_SIP).delete()


def _restore(context: Context, package: MuseumPackage) -> None:
    """Unpack the deposit's package again when the work folder was lost: another machine, a disk that died."""
    work = steps.work_dir(package.museum_object_id)
    if (work.reports / "Object.xml").exists():
        return
    part = Part.objects.filter(deposit=context.deposit, kind=PartKind.PACKAGE).first()
    if part is None or part.stored_as is None:
        raise steps.StepRefused(
            "The object's files are gone from here; freeze and unfreeze it to begin anew."
        )
    half = work.path.with_name(work.path.name + ".restoring")
    shutil.rmtree(half, ignore_errors=True)
    half.mkdir(parents=True)
    try:
        with local_file(part.stored_as, alive=context.lease.check) as path:
            _unpack(path, half, context)
    except PackageError as error:
        raise steps.StepRefused(f"The deposit's package cannot be read: {error}") from None
    shutil.rmtree(work.sip, ignore_errors=True)
    work.path.mkdir(parents=True, exist_ok=True)
    half.rename(work.sip)


def _unpack(archive: Path, folder: Path, context: Context) -> None:
    with open_package(archive) as opened:
        for member in opened:
            context.lease.check()
            target = folder / member.path.decode()
            if member.kind is Kind.DIRECTORY:
                target.mkdir(parents=True, exist_ok=True)
            elif member.kind is Kind.FILE:
                target.parent.mkdir(parents=True, exist_ok=True)
                with target.open("xb") as file:
                    for chunk in member.chunks():
                        file.write(chunk)
