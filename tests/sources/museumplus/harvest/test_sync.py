"""The harvest against a MuseumPlus that changes, fails and is large."""

import hashlib
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from django.db import connections
from django.utils import timezone

from sources.museumplus.harvest import sync
from sources.museumplus.harvest.client import MuseumPlusClient, MuseumPlusError
from sources.museumplus.models import Heartbeat, MuseumAttachment, MuseumObject, ObjectAttachment, SyncStatus
from tests.support.museumplus import Entry, MuseumPlus, object_xml

pytestmark = pytest.mark.django_db(transaction=True)


def links() -> set[tuple[int, int]]:
    return set(ObjectAttachment.objects.values_list("museum_object_id", "museum_attachment_id"))


def test_a_collection_is_harvested(museum: MuseumPlus, client: MuseumPlusClient) -> None:
    museum.add_object(1, multimedia=(10, 11))
    museum.add_object(2)
    museum.add_multimedia(10, filename="a.jpg", objects=(1,), modified="2020-01-01 00:00:00.0")
    museum.add_multimedia(11, objects=(1,), modified=None)

    result = sync.sync_objects(client)
    assert (result.entries, result.inserted, result.placeholders, result.finished) == (2, 2, 2, True)
    assert sync.sync_hashes().skipped == 1
    assert not MuseumObject.objects.pending().filter(pk=1).exists()

    assert sync.sync_attachments(client).updated == 2
    assert sync.sync_hashes() == sync.HashResult(iterated=2, updated=1, skipped=0)
    assert links() == {(1, 10), (1, 11)}
    spoon = MuseumObject.objects.get(pk=1)
    assert (spoon.title, spoon.modified_date) == ("A spoon, 1", datetime(2020, 1, 1, tzinfo=UTC))
    hashes = sorted(map(str, MuseumAttachment.objects.values_list("metadata_hash", flat=True)))
    assert spoon.attachment_metadata_hash == hashlib.sha256("".join(hashes).encode()).hexdigest()
    assert MuseumObject.objects.get(pk=2).attachment_metadata_hash == ""
    assert set(MuseumObject.objects.pending().values_list("pk", flat=True)) == {1, 2}
    assert set(Heartbeat.objects.values_list("source", flat=True)) == {
        "sync_objects",
        "sync_attachments",
        "sync_hashes",
    }


def test_what_changed_is_updated_and_dates_are_never_lowered(
    museum: MuseumPlus, client: MuseumPlusClient
) -> None:
    museum.add_object(1, multimedia=(10, 11), modified="2019-05-05 00:00:00.0")
    museum.add_multimedia(10, objects=(1,), modified="2020-01-01 00:00:00.0")
    sync.sync_objects(client)
    sync.sync_attachments(client)
    before = MuseumObject.objects.get()
    museum.add_object(1, multimedia=(11,), modified="2019-06-06 00:00:00.0", title="A fork")
    sync.sync_objects(client)
    after = MuseumObject.objects.get()
    assert after.title == "A fork, 1"
    assert after.metadata_hash != before.metadata_hash
    assert after.modified_date == before.modified_date == datetime(2020, 1, 1, tzinfo=UTC)
    assert links() == {(1, 11)}


def test_attachments_make_placeholders_of_objects_that_objects_fill(
    museum: MuseumPlus, client: MuseumPlusClient
) -> None:
    museum.add_object(1, multimedia=(10,))
    museum.add_multimedia(10, objects=(1,))
    assert sync.sync_attachments(client).placeholders == 1
    assert MuseumObject.objects.get().metadata_hash is None
    sync.sync_objects(client)
    filled = MuseumObject.objects.get()
    assert filled.metadata_hash is not None
    assert filled.created_date == datetime(1970, 1, 1, tzinfo=UTC)


def test_saved_progress_goes_on_and_then_asks_only_for_changes(
    museum: MuseumPlus, client: MuseumPlusClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(1, 121):
        museum.add_object(number)
    monkeypatch.setattr(sync, "CHUNK_SIZE", 50)
    first = sync.sync_objects(client, save_progress=True, max_runtime=0)
    assert (first.entries, first.finished) == (50, False)
    status = SyncStatus.objects.get(name="sync_objects")
    began = status.start_sync_date
    assert (status.offset, status.prev_start_sync_date) == (50, None)
    assert began is not None

    second = sync.sync_objects(client, save_progress=True, offset=7, limit=1)
    assert (second.entries, second.finished) == (70, True)
    status.refresh_from_db()
    assert (status.offset, status.prev_start_sync_date, status.start_sync_date) == (0, began, None)

    museum.add_object(3, modified=timezone.now().strftime("%Y-%m-%d %H:%M:%S.999"))
    museum.add_object(4, modified=None)
    third = sync.sync_objects(client, save_progress=True)
    assert (third.entries, third.updated) == (2, 2)
    assert began.isoformat().encode() in museum.searches[-1]


def test_a_run_that_fails_goes_on_from_the_last_chunk(
    museum: MuseumPlus, client: MuseumPlusClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(1, 201):
        museum.add_object(number)
    monkeypatch.setattr(sync, "CHUNK_SIZE", 50)

    def go_down(entries: int) -> None:
        museum.knobs.down = True

    with pytest.raises(MuseumPlusError):
        sync.sync_objects(client, save_progress=True, progress=go_down)
    stored = SyncStatus.objects.get().offset
    assert stored == MuseumObject.objects.count() > 0
    museum.knobs.down = False
    assert sync.sync_objects(client, save_progress=True).entries == 200 - stored
    assert MuseumObject.objects.count() == 200


def test_a_truncated_document_changes_nothing(museum: MuseumPlus, client: MuseumPlusClient) -> None:
    museum.add_object(1)
    sync.sync_objects(client)
    before = MuseumObject.objects.get().metadata_hash
    for number in (1, 2):
        museum.modules["Object"][number] = Entry(
            f'<moduleItem id="{number}"><systemField name="__id"><value>{number}</value></systemField></moduleItem>'
        )
    assert sync.sync_objects(client).truncated == 2
    assert list(MuseumObject.objects.order_by("pk").values_list("metadata_hash", flat=True)) == [before, None]


def test_limit_counts_entries_and_a_dry_run_writes_nothing(
    museum: MuseumPlus, client: MuseumPlusClient
) -> None:
    for number in range(1, 61):
        museum.add_object(number)
    assert sync.sync_objects(client, dry_run=True, save_progress=True).entries == 60
    assert (MuseumObject.objects.count(), SyncStatus.objects.count(), Heartbeat.objects.count()) == (0, 0, 0)
    assert sync.sync_objects(client, offset=10, limit=25).entries == 25
    assert sorted(MuseumObject.objects.values_list("pk", flat=True)) == list(range(11, 36))


def test_never_two_at_once(
    museum: MuseumPlus, client: MuseumPlusClient, other_session: Callable[[str], None]
) -> None:
    museum.add_object(1)
    other_session(f"SELECT pg_advisory_lock({sync._LOCK})")
    with pytest.raises(sync.AlreadyRunning):
        sync.sync_objects(client)
    with pytest.raises(sync.AlreadyRunning):
        sync.sync_hashes()


@pytest.fixture
def other_session() -> Iterator[Callable[[str], None]]:
    other = connections.create_connection("default")

    def run(statement: str) -> None:
        with other.cursor() as cursor:
            cursor.execute(statement)

    yield run
    other.close()


# Of so many objects: HARVEST_ENTRIES=100000 measures what a night's harvest costs, MuseumPlus's double included.
ENTRIES = int(os.environ.get("HARVEST_ENTRIES", "8000"))


def test_memory_does_not_grow_with_the_collection(museum: MuseumPlus, client: MuseumPlusClient) -> None:
    museum.made_up = lambda module, number: object_xml(number, multimedia=(number,))
    museum.size = 2_000
    sync.sync_objects(client)
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    museum.size = ENTRIES
    assert sync.sync_objects(client).entries == ENTRIES
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    each = (time.process_time() - began) / ENTRIES * 1000
    sys.stderr.write(
        f"{ENTRIES} objects: {each:.2f} ms of processor time each, {grown / 1024:.0f} MB more memory\n"
    )
    assert grown < 30_000
