"""A deposit's profile: its collection's, or that of the source that made it; and what it found."""

from dataclasses import dataclass, field
from typing import Any

from client.transfer_package.options import Options
from deposit.findings import Area, Finding, Severity
from deposit.models import Deposit


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """A profile by name, with its options."""

    name: str
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Told:
    """What the packages of a deposit say of themselves, by its profile; texts are "" where they say nothing."""

    identifier: str = ""
    title: str = ""


def profile_of(deposit: Deposit) -> Asked | None:
    """The profile that a deposit is judged by, if any."""
    if deposit.profile:
        return Asked(name=deposit.profile, options=deposit.profile_options)
    collection = deposit.collection
    return Asked(name=collection.profile, options=collection.profile_options) if collection.profile else None


def findings_in(examined: dict[str, Any], told: Told) -> list[Finding]:
    """The findings of a profile; identifier and title are noted in ``told``."""
    told.identifier = told.identifier or examined["identifier"]
    told.title = told.title or examined["title"]
    return [
        Finding(
            code=each["code"],
            area=Area.ARCHIVE,
            subject=each["subject"],
            message=each["message"],
            severity=Severity(each["severity"]),
        )
        for each in examined["findings"]
    ]


def testing_collection(asked: Asked, identifier: str) -> str:
    """The name of the collection that an identifier of a test goes to; "" for all others."""
    options = Options.of(asked.options)
    is_test = options.testing_prefix and identifier.startswith(options.testing_prefix)
    return options.testing_collection if is_test else ""
