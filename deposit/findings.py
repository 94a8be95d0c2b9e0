"""A finding: one result of a check. Pure; the database row is ``deposit.models.Finding``."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How much a finding weighs: an error rejects the deposit, a warning is told and kept."""

    ERROR = "error"
    WARNING = "warning"


class Area(StrEnum):
    """What a finding speaks of; these are the keys of swh-deposit's ``status_detail``."""

    METADATA = "metadata"
    ARCHIVE = "archive"
    URL = "url"
    LOADING = "loading"


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One result of a check.

    ``code`` is stable (``package.truncated``, ``metadata.date``); ``subject`` names the place (a member's path, an
    element's path and line); ``message`` is a sentence that tells the depositor what is wrong and what to do.
    """

    code: str
    area: Area
    subject: str
    message: str
    severity: Severity = Severity.ERROR
