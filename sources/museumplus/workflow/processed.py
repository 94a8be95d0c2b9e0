"""The verdicts of the service on what was submitted: read, noted, and each package handed on to be confirmed.

One SIP never stops the others: what goes wrong with it is told in the result, and tried again by the next run.
"""

import logging
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from loader.destinations.preservation_service.reports import (
    ACCEPTED,
    REJECTED,
    Verdict,
    fetch_reports,
    remove_rejected,
    verdicts,
)
from loader.destinations.preservation_service.rest import PreservationApi, api
from loader.destinations.preservation_service.transfer import service
from loader.sftp import Sftp
from sources.museumplus import logs
from sources.museumplus.models import Heartbeat, MuseumObject, MuseumPackage
from sources.museumplus.workflow import queueing

logger = logging.getLogger(__name__)

DAYS = 31


@dataclass(kw_only=True)
class ProcessedResult:
    """Verdicts noted; SIPs that nobody here knows; and what went wrong with others, by file name."""

    accepted: int = 0
    rejected: int = 0
    unknown: int = 0
    errors: dict[str, str] = field(default_factory=dict)


def sync_processed_sips(days: int = DAYS, *, dry_run: bool = False) -> ProcessedResult:
    """Read the verdicts of the last ``days`` days, today included, by the way that ``DPRES_STATUS_BACKEND`` names.

    Raises NotSetUp, SftpRefused, SftpUnavailable, ServiceError when the service as a whole does not answer.
    """
    result = ProcessedResult()
    if settings.DPRES_STATUS_BACKEND == "rest":
        with api() as connection:
            _Rest(connection, dry_run).sync(result)
    else:
        with service() as sftp:
            _Sftp(sftp, days, dry_run).sync(result)
    if not dry_run:
        Heartbeat.beat("sync_processed_sips")
    return result


def note_verdict(package_id: int, status: str) -> bool:
    """Note the verdict on a package and ask for its confirmation; return False if there is a verdict already."""
    with transaction.atomic():
        package = MuseumPackage.objects.select_for_update().get(pk=package_id)
        if package.preserved or package.rejected:
            return False
        package.uploaded = True
        package.preserved, package.rejected = status == ACCEPTED, status == REJECTED
        package.save(update_fields=["uploaded", "preserved", "rejected"])
        queueing.ask_for_confirmation(package)
    return True


class _Backend:
    """What the two ways have in common."""

    def __init__(self, dry_run: bool) -> None:
        self._dry_run = dry_run

    def note(self, package: MuseumPackage, status: str, reports: Path, result: ProcessedResult) -> None:
        """Keep the reports in ``reports`` where they belong, and note the verdict."""
        _keep(package, reports, status)
        if note_verdict(package.pk, status):
            self.count(status, result)

    @staticmethod
    def count(status: str, result: ProcessedResult) -> None:
        if status == ACCEPTED:
            result.accepted += 1
        else:
            result.rejected += 1


class _Sftp(_Backend):
    """Verdicts in folders on the SFTP server."""

    def __init__(self, sftp: Sftp, days: int, dry_run: bool) -> None:
        super().__init__(dry_run)
        self._sftp, self._days = sftp, days

    def sync(self, result: ProcessedResult) -> None:
        """Go through all new verdicts."""
        known = set(
            MuseumPackage.objects.filter(created_date__gt=timezone.now() - timedelta(days=self._days + 2))
            .exclude(preserved=False, rejected=False)
            .values_list("sip_filename", flat=True)
        )
        for verdict in verdicts(self._sftp, self._days, known):
            package = MuseumPackage.objects.filter(sip_filename=verdict.sip).first()
            if package is None:
                result.unknown += 1
                continue
            if package.preserved or package.rejected:
                continue
            if self._dry_run:
                self.count(verdict.status, result)
                continue
            try:
                self._one(package, verdict, result)
            except Exception as error:  # one SIP must not stop the others
                logger.exception("The verdict on %s could not be noted", verdict.sip)
                result.errors[verdict.sip] = str(error)

    def _one(self, package: MuseumPackage, verdict: Verdict, result: ProcessedResult) -> None:
        with _folder() as folder:
            fetch_reports(self._sftp, verdict, folder)
            self.note(package, verdict.status, folder, result)
        if verdict.status == REJECTED:
            remove_rejected(self._sftp, verdict)


class _Rest(_Backend):
    """Verdicts of the REST API, asked for one by one."""

    def __init__(self, connection: PreservationApi, dry_run: bool) -> None:
        super().__init__(dry_run)
        self._api = connection

    def sync(self, result: ProcessedResult) -> None:
        """Ask about every package that has no verdict, and was submitted or may have been.

        A database that was restored does not know of submissions since its backup.
        """
        waiting = MuseumPackage.objects.filter(
            Q(uploaded=True) | Q(packaged=True), preserved=False, rejected=False
        )
        for package in waiting.order_by("created_date").iterator():
            try:
                self._one(package, result)
            except Exception as error:  # one SIP must not stop the others
                logger.exception("The verdict on %s could not be noted", package.sip_filename)
                result.errors[package.sip_filename] = str(error)

    def _one(self, package: MuseumPackage, result: ProcessedResult) -> None:
        for name in self._names(package):
            # Under an object's own id there are the reports on its earlier versions, too.
            found = [entry for entry in self._api.reports(name) if entry.at >= _since(package, name)]
            if not found:
                continue
            newest = found[0]
            if self._dry_run:
                self.count(newest.status, result)
                return
            with _folder() as folder:
                for kind in ("xml", "html"):
                    content = self._api.report(name, newest.transfer, kind)
                    if content is not None:
                        (folder / f"ingest-report.{kind}").write_bytes(content)
                self.note(package, newest.status, folder, result)
            return

    @staticmethod
    def _names(package: MuseumPackage) -> Iterator[str]:
        yield package.sip_filename
        yield f"Passari_Object_{package.museum_object_id}"
        yield package.sip_filename.removesuffix(".tar")


def _since(package: MuseumPackage, name: str) -> datetime:
    if name == package.sip_filename:
        return datetime.min.replace(tzinfo=UTC)
    return package.created_date.replace(microsecond=0)


def _keep(package: MuseumPackage, reports: Path, status: str) -> None:
    """Put reports beside the package's logs; where those are archived already, into the archive."""
    work = Path(settings.PACKAGE_DIR, str(package.museum_object_id))
    latest = MuseumObject.objects.values_list("latest_package_id", flat=True).get(pk=package.museum_object_id)
    if package.cancelled or latest != package.pk or not work.is_dir():
        logs.archive_logs(package, reports)
        return
    package.workflow_log_dir.mkdir(parents=True, exist_ok=True)
    for path in reports.iterdir():
        half = package.workflow_log_dir / f"{path.name}.download"
        shutil.copyfile(path, half)
        half.replace(package.workflow_log_dir / path.name)
    (work / f"{package.sip_filename}.status").write_text(status)


@contextmanager
def _folder() -> Iterator[Path]:
    """A folder for reports on their way."""
    with tempfile.TemporaryDirectory(prefix="ingest-report-") as name:
        yield Path(name)
