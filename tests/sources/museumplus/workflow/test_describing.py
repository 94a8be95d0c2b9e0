"""What a SIP says of its object: names by date, and what happened before."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from loader.destinations.preservation_service.workdir import WorkDir
from sources.museumplus.workflow.describing import describe, sip_filename
from tests.support.museumplus import LIDO, document, multimedia_xml, object_xml

CHANGED, MADE = datetime(2019, 1, 2, 23, tzinfo=UTC), datetime(2018, 5, 6, tzinfo=UTC)
FILES = (
    "attachments/70/Multimedia.xml",
    "collection_activities/71/CollectionActivity.xml",
    "reports/lido.xml",
)


@pytest.mark.parametrize(
    ("sip_id", "modified", "created", "name"),
    [
        ("20200101-000000", CHANGED, MADE, "20190102_Object_7-20200101-000000.tar"),
        ("", CHANGED, MADE, "20190102_Object_7.tar"),
        ("x", None, MADE, "20180506_Object_7-x.tar"),
    ],
)
def test_a_sip_is_named_by_the_day_its_object_changed(
    sip_id: str, modified: datetime | None, created: datetime | None, name: str
) -> None:
    assert sip_filename(7, sip_id, modified, created) == name


def test_an_object_without_any_date_has_a_name_all_the_same() -> None:
    assert sip_filename(7, "x", None, None).endswith("_Object_7-x.tar")


def made(work: WorkDir, *, created: str | None, user: str) -> WorkDir:
    work.make()
    told = object_xml(7, multimedia=(70,), activities=(71,), created=created, created_user=user)
    (work.reports / "Object.xml").write_bytes(document("Object", [told]))
    (work.reports / "lido.xml").write_bytes(LIDO)
    (work.attachments / "70").mkdir(parents=True)
    attachment = multimedia_xml(70, created=created, created_user=user)
    (work.attachments / "70" / "Multimedia.xml").write_bytes(document("Multimedia", [attachment]))
    (work.activities / "71").mkdir(parents=True)
    activity = document("CollectionActivity", [object_xml(71, created=created)])
    (work.activities / "71" / "CollectionActivity.xml").write_bytes(activity)
    return work


def test_events_tell_of_creations_and_of_the_migration_from_musketti(tmp_path: Path) -> None:
    work = made(WorkDir(tmp_path), created="2018-11-15 22:24:07.357", user="ZET_DÜ")
    about = describe(work)
    events = [*about.events, *(event for path in FILES for event in about.events_of(path))]
    assert [(event.type, event.detail, event.target) for event in events] == [
        ("creation", "Object database entry creation", None),
        ("transfer", "Object Musketti migration", None),
        ("creation", "Multimedia creation", FILES[0]),
        ("transfer", "Multimedia Musketti migration", FILES[0]),
        ("creation", "CollectionActivity creation", FILES[1]),
        ("creation", "LIDO document creation", FILES[2]),
    ]


def test_what_has_no_date_of_creation_has_no_event(tmp_path: Path) -> None:
    work = made(WorkDir(tmp_path), created=None, user="")
    about = describe(work)
    assert about.events == ()
    assert [len(list(about.events_of(path))) for path in FILES] == [0, 0, 1]


def test_an_update_says_when_the_first_version_was_made(tmp_path: Path) -> None:
    about = describe(
        made(WorkDir(tmp_path), created=None, user=""), created=MADE, modified=CHANGED, update=True
    )
    assert (about.created, about.modified, about.update) == (MADE, CHANGED, True)
    assert (about.object_id, about.content_id) == ("Passari_Object_7", "Object_7")
    assert about.identifier("attachments/70/a b/c.jpg") == "Multimedia:70:a b/c.jpg"
    assert about.identifier("reports/lido.xml") == "Object:7:reports/lido.xml"
