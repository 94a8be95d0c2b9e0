"""What a SIP says of a museum's object: its names and what happened to it, read from a work folder's documents."""

from collections.abc import Iterator
from datetime import UTC, datetime

from django.utils import timezone
from lxml import etree

from loader.destinations.preservation_service.description import PremisEvent, SipDescription
from loader.destinations.preservation_service.workdir import WorkDir
from sources.museumplus.harvest.documents import (
    MultimediaRecord,
    ObjectRecord,
    items,
    parse_document,
    read_activity,
    read_multimedia,
    read_object,
    single_item,
)

# Who moved the records over from the system before, and when.
_MIGRATOR, _MIGRATED = "ZET_DÜ", (2018, 11)


def sip_filename(number: int, sip_id: str, modified: datetime | None, created: datetime | None) -> str:
    """The name of an object's SIP: the day it was changed, its id, and what tells two SIPs of one version apart."""
    day = (modified or created or timezone.now()).astimezone(UTC).strftime("%Y%m%d")
    return f"{day}_Object_{number}" + (f"-{sip_id}" if sip_id else "") + ".tar"


def read_work_object(work: WorkDir) -> ObjectRecord:
    """The object of a work folder. Raises BadDocument, OSError."""
    return read_object(next(items(parse_document((work.reports / "Object.xml").read_bytes()))))


def describe(
    work: WorkDir,
    sip_id: str = "",
    *,
    created: datetime | None = None,
    modified: datetime | None = None,
    update: bool = False,
) -> SipDescription:
    """Describe the object of a work folder; ``created`` defaults to now. Raises BadDocument, OSError."""
    record = read_work_object(work)
    return SipDescription(
        filename=sip_filename(record.id, sip_id, record.modified_date, record.created_date),
        object_id=f"Passari_Object_{record.id}",
        content_id=f"Object_{record.id}",
        owner=str(record.id),
        created=(created or timezone.now()).replace(microsecond=0),
        modified=modified.replace(microsecond=0) if modified else None,
        update=update,
        events=tuple(_object_events(record)),
        events_of=lambda path: _file_events(work, path),
    )


def _object_events(record: ObjectRecord) -> Iterator[PremisEvent]:
    if record.created_date:
        yield PremisEvent(
            type="creation",
            detail="Object database entry creation",
            outcome_detail="Object creation date in the MuseumPlus collection management system",
            when=record.created_date,
        )
        if _was_migrated(record):
            yield _migration("Object", record.created_date, None)


def _file_events(work: WorkDir, path: str) -> Iterator[PremisEvent]:
    """What happened to the file at ``path`` below ``sip/``, if it is one of the descriptions."""
    match path.split("/"):
        case ["attachments", _, "Multimedia.xml"]:
            yield from _multimedia_events(work, path)
        case ["collection_activities", _, "CollectionActivity.xml"]:
            activity = read_activity(_item(work, path))
            if activity.created_date:
                yield PremisEvent(
                    type="creation",
                    detail="CollectionActivity creation",
                    outcome_detail="CollectionActivity creation date in the MuseumPlus collection management system",
                    when=activity.created_date,
                    target=path,
                )
        case ["reports", "lido.xml"]:
            yield PremisEvent(
                type="creation",
                detail="LIDO document creation",
                outcome_detail="LIDO document made by MuseumPlus from the Object with a report template",
                when=datetime.fromtimestamp(int((work.sip / path).stat().st_mtime), UTC),
                target=path,
            )


def _multimedia_events(work: WorkDir, path: str) -> Iterator[PremisEvent]:
    record = read_multimedia(_item(work, path))
    if not record.created_date:
        return
    yield PremisEvent(
        type="creation",
        detail="Multimedia creation",
        outcome_detail="Multimedia creation date in the MuseumPlus collection management system",
        when=record.created_date,
        target=path,
    )
    if _was_migrated(record):
        yield _migration("Multimedia", record.created_date, path)


def _item(work: WorkDir, path: str) -> etree._Element:
    return single_item(parse_document((work.sip / path).read_bytes()))


def _was_migrated(record: ObjectRecord | MultimediaRecord) -> bool:
    created = record.created_date
    return (
        created is not None
        and (created.year, created.month) == _MIGRATED
        and record.created_user == _MIGRATOR
    )


def _migration(what: str, when: datetime, target: str | None) -> PremisEvent:
    return PremisEvent(
        # The service's word for a move between two systems; its "migration" is one of formats.
        type="transfer",
        detail=f"{what} Musketti migration",
        outcome_detail=f"{what} migrated to the MuseumPlus collection management system from Musketti",
        when=when,
        target=target,
    )
