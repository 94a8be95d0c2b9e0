"""The checks of a deposit on something that is not deposited: bounded, and nothing of it is kept.

A package is read as the checker reads it, in a confined process; one at a time in each web process, for it takes a
processor. What a profile of the collection demands is left to the checker.
"""

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import NamedTemporaryFile

from django.conf import settings

from archive.errors import PathConflict
from archive.identifiers import SWHID, ObjectType
from client.description.files import Description
from deposit.erasure.refusing import erased_finding, erased_objects
from deposit.findings import Area, Finding, Severity
from deposit.intake.limits import limits_of
from deposit.intake.listing import Listing
from deposit.metadata.checks import check_entry
from deposit.metadata.entry import read_entry
from deposit.metadata.errors import MetadataError
from deposit.metadata.filling import notes_of
from deposit.metadata.package_files import WANTED, described_by
from deposit.models import Collection
from deposit.refusals import Kind, Refusal
from packages import Limits, PackageError
from packages.sandbox import validate

_FREE = threading.BoundedSemaphore(1)
# How long a request waits for the one before it, in seconds.
_PATIENCE = 5.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the checks found; ``directory`` is the SWHID of what the package holds, "" if it is not accepted.

    ``description`` is what the package says of itself, which fills what the depositor does not say.
    """

    findings: list[Finding]
    directory: str = ""
    description: Description = field(default_factory=lambda: Description(node={}, sources={}))

    @property
    def accepted(self) -> bool:
        """Whether a deposit of it would pass."""
        return not any(each.severity is Severity.ERROR for each in self.findings)


def check_metadata(document: bytes) -> Verdict:
    """The findings on an Atom entry."""
    try:
        entry = read_entry(document)
    except MetadataError as error:
        return Verdict([Finding(code=error.code, area=Area.METADATA, subject="", message=str(error))])
    return Verdict(check_entry(entry.document))


def check_package(chunks: Iterable[bytes], *, collection: Collection, name_encoding: str = "") -> Verdict:
    """The findings on a package. Raises `Refusal` for one that is too large, and while others are checked."""
    with _kept_for_now(chunks) as path:
        return check_file(path, collection=collection, name_encoding=name_encoding)


def check_file(path: Path, *, collection: Collection, name_encoding: str = "") -> Verdict:
    """The findings on a package that lies in a file. Raises as `check_package` does."""
    if path.stat().st_size > settings.CHECK_MAX_SIZE:
        raise too_large_to_check()
    limits = replace(
        limits_of(collection), name_encoding=name_encoding, seconds=min(settings.CHECK_SECONDS, 3600)
    )
    with _one_at_a_time():
        return _verdict(path, limits)


@contextmanager
def _kept_for_now(chunks: Iterable[bytes]) -> Iterator[Path]:
    """The bytes in a file that is gone at the end."""
    with NamedTemporaryFile(prefix="deposit-check-") as file:
        size = 0
        for chunk in chunks:
            size += len(chunk)
            if size > settings.CHECK_MAX_SIZE:
                raise too_large_to_check()
            file.write(chunk)
        file.flush()
        yield Path(file.name)


def too_large_to_check() -> Refusal:
    """More than is looked at without a deposit."""
    return Refusal(
        Kind.TOO_LARGE,
        "check.too_large",
        f"This is too large to be checked without a deposit (max {settings.CHECK_MAX_SIZE} bytes).",
        "Deposit it with X-Confirm-Warnings: true: you are asked before it is archived.",
    )


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    if not _FREE.acquire(timeout=_PATIENCE):
        raise Refusal(
            Kind.UNAVAILABLE,
            "check.busy",
            "Other packages are being checked.",
            "Send the request again in a few seconds.",
            retry_after=3,
        )
    try:
        yield
    finally:
        _FREE.release()


def _verdict(path: Path, limits: Limits) -> Verdict:
    try:
        with Listing(wanted=WANTED, among=erased_objects()) as listing:
            proof = validate(path, limits, alive=lambda: None, take=listing.take, wanted=listing.wanted)
            listing.end_of_package()
            root = listing.root()
    except (PackageError, PathConflict) as error:
        code = error.code if isinstance(error, PackageError) else "package.conflict"
        subject = error.subject if isinstance(error, PackageError) else ""
        message = error.message if isinstance(error, PackageError) else str(error)
        return Verdict([Finding(code=code, area=Area.ARCHIVE, subject=subject, message=message)])
    if listing.refused:
        return Verdict([erased_finding(listing.refused)])
    warnings = [
        Finding(
            code=each.code,
            area=Area.ARCHIVE,
            subject=each.subject,
            message=each.message,
            severity=Severity.WARNING,
        )
        for each in proof.warnings
    ]
    description = described_by(listing.contents, listing.tops)
    return Verdict([*warnings, *notes_of(description)], str(SWHID(ObjectType.DIRECTORY, root)), description)
