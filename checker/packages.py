"""Checking one package: a single streaming pass that verifies every member and accounts for every byte.

It happens in a process of its own, with bounds on memory and time; see `packages.sandbox`.
"""

import hashlib
from dataclasses import asdict
from pathlib import Path
from typing import Any

from checker.museum_contents import content_findings
from checker.profile_findings import Asked, Told, findings_in
from checker.profiles import museum
from checker.profiles.examiner import EXAMINER
from deposit.findings import Area, Finding, Severity
from deposit.intake.listing import Listing
from deposit.metadata.packaging import Packaging
from deposit.models import Part
from deposit.queue.leases import Lease
from deposit.staging.storage import local_file
from packages import Limits, PackageError
from packages.sandbox import Whole, examine, validate

_CHUNK = 1024 * 1024

# What swh-deposit says in these cases; people and their scripts know the words.
KNOWN_WORDS = {
    "package.format": "Mandatory archive type is not supported",
    "package.compression": "Mandatory archive type is not supported",
    "package.nested": "Mandatory archive is invalid (i.e contains only one archive)",
}
UNREADABLE = "At least one of its associated archives is not readable"


def check_digest(part: Part, lease: Lease) -> list[Finding]:
    """Compare a package that came in segments with the digest that was announced for the whole.

    An ``OSError`` is a fault of ours. Raises `LeaseLost`.
    """
    if not part.digest_pending:
        return []
    assert part.stored_as is not None
    sha256 = hashlib.sha256()
    with local_file(part.stored_as, alive=lease.check) as path, path.open("rb", buffering=0) as file:
        while chunk := file.read(_CHUNK):
            sha256.update(chunk)
            lease.check()
    if sha256.hexdigest() == part.sha256:
        return []
    return [
        Finding(
            code="upload.digest",
            area=Area.ARCHIVE,
            subject=part.name,
            message=f"The package that was put together from its segments has the SHA-256 {sha256.hexdigest()}, "
            f"not the announced {part.sha256}: upload it again in a new deposit.",
        )
    ]


def check_package(
    part: Part,
    lease: Lease,
    limits: Limits,
    listing: Listing,
    asked: Asked | None = None,
    told: Told | None = None,
    *,
    whole: Whole | None = None,
) -> list[Finding]:
    """The findings on a package; nothing but warnings when it is whole and acceptable, and in ``listing`` then.

    ``asked``: the profile that it is judged by, too; what it says of itself is noted in ``told``.
    ``whole``: what is known of it, where it was read with others. An `OSError` or `ReaderDied` is a fault of ours.
    Raises `LeaseLost`.
    """
    assert part.stored_as is not None
    with local_file(part.stored_as, alive=lease.check) as path:
        if part.packaging == Packaging.BINARY:
            listing.add_file(part.name, path, alive=lease.check)
            return [_no_package(part)] if asked else []
        return _check(part, path, lease, limits, listing, asked, told, whole)


def _check(
    part: Part,
    path: Path,
    lease: Lease,
    limits: Limits,
    listing: Listing,
    asked: Asked | None,
    told: Told | None,
    whole: Whole | None,
) -> list[Finding]:
    is_bag = part.packaging == Packaging.BAGIT
    examined: dict[str, Any] | None = None
    try:
        reading: dict[str, Any] = {
            "bag": is_bag,
            "bag_profile": part.deposit.collection.bag_profile if is_bag else None,
            "alive": lease.check,
            "take": listing.take,
            "wanted": listing.wanted,
        }
        if whole and not asked:
            proof = whole.proof
            for entries in whole.entries:
                listing.take(entries)
        elif asked:
            arguments = {"profile": asked.name, "options": asked.options}
            proof, examined = examine(path, limits, examiner=EXAMINER, arguments=arguments, **reading)
            if asked.name == museum.NAME:
                examined["findings"] += map(asdict, content_findings(path, limits, lease))
        else:
            proof = validate(path, limits, **reading)
        listing.end_of_package()
    except PackageError as error:
        known = KNOWN_WORDS.get(error.code, UNREADABLE)
        return [_finding(part, error.code, error.subject, f"{known}: {error.message}")]
    # RFC 8493: complete and valid, or what is missing or wrong.
    return (
        [
            _finding(
                part, problem.code, problem.subject, f"The package is not a valid bag: {problem.message}"
            )
            for problem in proof.problems
        ]
        + [
            _finding(part, warning.code, warning.subject, warning.message, Severity.WARNING)
            for warning in proof.warnings
        ]
        + (findings_in(examined, told or Told()) if examined else [])
    )


def _no_package(part: Part) -> Finding:
    text = "The collection takes packages, and this is one file. Pack it with its metadata."
    return _finding(part, "package.format", "", text)


def _finding(
    part: Part, code: str, subject: str, message: str, severity: Severity = Severity.ERROR
) -> Finding:
    subject = f"{part.name}: {subject}" if subject else part.name
    return Finding(code=code, area=Area.ARCHIVE, subject=subject, message=message, severity=severity)
