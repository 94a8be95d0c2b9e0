"""Packages that the service gets itself (By-Reference Deposit): what a client refers to.

A file of our own staging area is taken over at once. A file elsewhere is a pending part with a `Fetch`, the order for
`deposit.services.fetching`.
"""

import re
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings

from deposit.intake import download
from deposit.metadata.entry import Entry, FileLink
from deposit.models import Deposit, Fetch, FetchState, PartKind
from deposit.refusals import Kind, Refusal
from deposit.services.parts import Uploaded

_TEMPORARY = re.compile(
    r"/3/staging/([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})/?", re.IGNORECASE
)
WAITING = (FetchState.PENDING, FetchState.DOWNLOADING)


def upload_id_of(url: str) -> UUID | None:
    """The upload that a Temporary-URL of ours names, under whatever name of this server; None for other URLs."""
    try:
        found = _TEMPORARY.fullmatch(urlsplit(url).path)
    except ValueError:
        return None
    return UUID(found[1]) if found else None


def linked(entry: Entry) -> tuple[Uploaded, ...]:
    """The segmented uploads that an Atom entry deposits by its links. Raises `Refusal` for links elsewhere."""
    return tuple(_linked(link) for link in entry.files)


def _linked(link: FileLink) -> Uploaded:
    upload_id = upload_id_of(link.href)
    if upload_id is None:
        raise Refusal(
            Kind.BAD_REQUEST,
            "by_reference.link",
            "A link in the entry refers to a package that is not a segmented upload of this server.",
            "In an Atom entry use Temporary-URLs of /3/staging/; files elsewhere are deposited through SWORD 3.",
        )
    name = link.name.replace("\\", "/").rpartition("/")[2].strip()[:1024]
    kind = link.media_type or "application/zip"
    return Uploaded(upload_id=upload_id, name=name or "package", content_type=kind[:200])


def require_allowed(url: str, size: int) -> None:
    """Raise `Refusal` for a file elsewhere that would never be fetched: its host, its form, or its size."""
    if size > settings.MAX_BY_REFERENCE_SIZE:
        raise Refusal(
            Kind.TOO_LARGE,
            "by_reference.size",
            f"The file at {url} has {size} bytes; at most {settings.MAX_BY_REFERENCE_SIZE} are fetched.",
            "Divide it into several packages.",
        )
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    download.require_allowed(parts)


def waits_for_fetches(deposit: Deposit) -> bool:
    """Whether a locked deposit cannot be complete yet; it will be when the last package is here. Raises `Refusal`."""
    fetches = Fetch.objects.filter(part__deposit=deposit, part__kind=PartKind.PENDING)
    failed = fetches.filter(state=FetchState.ERROR).select_related("part").first()
    if failed:
        raise Refusal(
            Kind.BAD_REQUEST,
            "by_reference.failed",
            f"The package {failed.part.name} could not be fetched: {failed.log}",
            "Remove or replace it, then complete the deposit.",
        )
    return bool(fetches.filter(state__in=WAITING).update(completes=True))
