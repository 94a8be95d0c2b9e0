"""The documents of SWORD 3, as JSON-LD objects."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.db.models.functions import Now

from deposit import selectors
from deposit.http.text import sendable_type
from deposit.intake.limits import Sizes
from deposit.metadata.media_types import ANNOUNCED_TYPES
from deposit.models import (
    STATUS_TEXTS,
    Collection,
    Deposit,
    Event,
    Fetch,
    FetchState,
    Finding,
    Part,
    PartKind,
    Status,
    Upload,
    WorkItem,
)
from deposit.services.uploads import Received
from deposit.sword3 import terms
from deposit.sword3.links import Links

_CHANGES = (
    "appendMetadata",
    "appendFiles",
    "replaceMetadata",
    "replaceFiles",
    "deleteMetadata",
    "deleteFiles",
    "deleteObject",
)


def stamp(moment: datetime) -> str:
    """A point in time, in UTC."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def etag_of(deposit: Deposit) -> str:
    """The entity tag of an object and of all that belongs to it: it changes with everything a client can see."""
    return f'"{deposit.pk}-{deposit.revision}"'


def rules(links: Links) -> dict[str, Any]:
    """What holds for all services; sizes in bytes."""
    return {
        "root": links.root(),
        "version": terms.VERSION,
        "maxUploadSize": settings.MAX_UPLOAD_SIZE,
        "maxByReferenceSize": settings.MAX_BY_REFERENCE_SIZE,
        "maxSegmentSize": min(settings.MAX_SEGMENT_SIZE, settings.MAX_UPLOAD_SIZE),
        "minSegmentSize": settings.MIN_SEGMENT_SIZE,
        "maxAssembledSize": settings.MAX_UPLOAD_SIZE,
        "maxSegments": settings.MAX_SEGMENTS,
        "staging": links.staging(),
        "stagingMaxIdle": settings.STAGING_MAX_IDLE,
        "accept": ["*/*"],
        "acceptArchiveFormat": list(ANNOUNCED_TYPES[:-1]),
        "acceptPackaging": sorted(set(terms.PACKAGING_IRIS.values())),
        "acceptMetadata": [terms.METADATA_SWORD, terms.METADATA_ATOM],
        "byReferenceDeposit": True,
        "digest": ["SHA-256", "MD5"],
        "authentication": ["Basic", "Bearer"],
    }


def service_document(collections: Sequence[Collection], links: Links) -> dict[str, Any]:
    """The document of the whole server: a service per collection that the client may use."""
    return {
        "@context": terms.CONTEXT,
        "@id": links.root(),
        "@type": "ServiceDocument",
        "dc:title": settings.SERVICE_TITLE,
        **rules(links),
        "acceptDeposits": False,
        "onBehalfOf": any(getattr(each, "mediates", False) for each in collections),
        "services": [_service(each, links) for each in collections],
    }


def collection_document(collection: Collection, links: Links) -> dict[str, Any]:
    """The document of one collection."""
    return _service(collection, links)


def _service(collection: Collection, links: Links) -> dict[str, Any]:
    # By the schema a service within another is a whole document of its own.
    return {
        "@context": terms.CONTEXT,
        "@id": links.service(collection.name),
        "@type": "ServiceDocument",
        "dc:title": collection.title or collection.name,
        **rules(links),
        "maxUploadSize": Sizes.of(collection).upload,
        "maxAssembledSize": Sizes.of(collection).upload,
        "acceptDeposits": True,
        "onBehalfOf": bool(getattr(collection, "mediates", False)),
        "services": [],
    }


def status_document(deposit: Deposit, links: Links) -> dict[str, Any]:
    """Where an object stands and what it consists of. A handful of queries, however many files it has."""
    etag, may_change = etag_of(deposit), deposit.status == Status.PARTIAL
    parts = list(
        Part.objects.filter(deposit=deposit).select_related("fetch").defer("document").order_by("id")
    )
    files = [part for part in parts if part.kind != PartKind.METADATA]
    return {
        "@context": terms.CONTEXT,
        "@id": links.object(deposit.pk),
        "@type": "Status",
        "eTag": etag,
        "metadata": {"@id": links.metadata(deposit.pk), "eTag": etag},
        "fileSet": {"@id": links.file_set(deposit.pk), "eTag": etag},
        "service": links.service(deposit.collection.name),
        "state": _state(deposit, files),
        "actions": {"getMetadata": True, "getFiles": True, **dict.fromkeys(_CHANGES, may_change)},
        "lastAction": _last_action(deposit),
        "links": [
            *_file_links(deposit, files, links),
            *_other_links(deposit, links, has_metadata=len(parts) > len(files)),
        ],
    }


def _state(deposit: Deposit, files: Iterable[Part]) -> list[dict[str, str]]:
    told = [f"{STATUS_TEXTS[deposit.status]}"]
    if deposit.swhid:
        told.append(f"Its identifier is {deposit.swhid_context or deposit.swhid}.")
    # What is wrong or should be looked at; errors stand with their files, too.
    told += selectors.status_details([deposit]).get(deposit.pk, "").splitlines()
    iri = terms.STATES[deposit.status]
    fetches = [fetch for fetch in map(_fetch, files) if fetch]
    if deposit.status == Status.PARTIAL and any(
        fetch.completes and fetch.state != FetchState.FETCHED for fetch in fetches
    ):
        iri, told = terms.ACCEPTED, ["The deposit is complete as soon as all its packages have been fetched."]
    own = f"https://www.softwareheritage.org/schema/2018/deposit#{deposit.status}"
    return [{"@id": iri, "description": " ".join(told)}, {"@id": own, "description": deposit.status}]


def _fetch(part: Part) -> Fetch | None:
    return getattr(part, "fetch", None)


def _last_action(deposit: Deposit) -> dict[str, Any]:
    event = Event.objects.filter(deposit=deposit).order_by("-id").first()
    moment = event.at if event else deposit.status_changed_at
    return {
        "timestamp": stamp(moment),
        "log": event.name if event else "",
        "treatment": {"description": STATUS_TEXTS[deposit.status]},
    }


def _file_links(deposit: Deposit, files: Sequence[Part], links: Links) -> Iterable[dict[str, Any]]:
    findings = list(Finding.objects.filter(deposit=deposit, severity="error").order_by("id")) if files else []
    owner = deposit.client.user.get_username()
    for part in files:
        state, log = _file_state(deposit, part, findings)
        link = {
            "@id": links.file(deposit.pk, part.pk),
            "rel": [terms.REL_ORIGINAL, terms.REL_FILE],
            "contentType": sendable_type(part.content_type),
            "packaging": terms.PACKAGING_IRIS.get(part.packaging, terms.BINARY),
            "depositedOn": stamp(part.created_at),
            "depositedBy": part.mediator or owner,
            "status": state,
            "eTag": etag_of(deposit),
        }
        if part.mediator:
            link["depositedOnBehalfOf"] = owner
        fetch = _fetch(part)
        if fetch:
            link["byReference"] = fetch.url
        if part.kind == PartKind.PENDING:
            link["rel"] = [terms.REL_BY_REFERENCE, *link["rel"]]
        if log:
            link["log"] = log
        yield link


def _is_worked_on(deposit: Deposit) -> bool:
    return WorkItem.objects.filter(deposit=deposit, lease_expires_at__gt=Now()).exists()


def _file_state(deposit: Deposit, part: Part, findings: Sequence[Finding]) -> tuple[str, str]:
    """The ingest status of a file, with what there is to say about it."""
    fetch = _fetch(part)
    if fetch and part.kind == PartKind.PENDING:
        of = f" of {part.size}" if part.size else ""
        progress = f"{fetch.received}{of} bytes received." if fetch.state == FetchState.DOWNLOADING else ""
        return terms.FETCH_STATES[fetch.state], " ".join(filter(None, (progress, fetch.log)))
    if deposit.status == Status.DONE:
        return terms.INGESTED, f"Archived as {deposit.swhid}." if deposit.swhid else ""
    if deposit.status in (Status.REJECTED, Status.FAILED, Status.EXPIRED):
        own = [each.message for each in findings if each.subject.startswith(part.name)]
        return terms.ERROR, " ".join(own or [each.message for each in findings])
    if deposit.status == Status.LOADING or _is_worked_on(deposit):
        return terms.UNPACKING, STATUS_TEXTS[deposit.status]
    return terms.PENDING, ""


def _other_links(deposit: Deposit, links: Links, *, has_metadata: bool) -> Iterable[dict[str, Any]]:
    if has_metadata:
        yield {
            "@id": links.entry(deposit.pk),
            "rel": [terms.REL_METADATA],
            "contentType": "application/atom+xml;type=entry",
            "metadataFormat": terms.METADATA_ATOM,
        }
    page = links.page(deposit)
    if page:
        yield {"@id": page, "rel": ["alternate"], "contentType": "text/html"}


def metadata_document(url: str, fields: dict[str, Any]) -> dict[str, Any]:
    """The metadata of an object in SWORD's default format."""
    return {**fields, "@context": terms.CONTEXT, "@id": url, "@type": "Metadata"}


def segmented_upload_document(upload: Upload, state: Received, links: Links) -> dict[str, Any]:
    """What has come of a segmented upload and what has not."""
    return {
        "@context": terms.CONTEXT,
        "@id": links.temporary(upload.pk),
        "@type": "Temporary",
        "received": state.received,
        "expecting": state.expecting,
        "assembledSize": upload.size,
        "segmentSize": upload.segment_size,
    }
