"""The client of MuseumPlus against a server with its oddities, which another client understands, too."""

import os
import threading
import time
from pathlib import Path

import pytest
import requests
from museumpy import MuseumPlusClient as OtherClient

from sources.museumplus.harvest.client import MuseumPlusClient, MuseumPlusError
from sources.museumplus.harvest.connections import Slots
from sources.museumplus.harvest.documents import Field
from sources.museumplus.harvest.session import IDLE_SECONDS
from tests.sources.museumplus.conftest import connected
from tests.support.museumplus import USERNAME, MuseumPlus

pytestmark = pytest.mark.django_db(transaction=True)

FIELD = Field(element="dataField", name="ObjPreservationClb")


def test_another_client_reads_the_same_collection(museum: MuseumPlus, client: MuseumPlusClient) -> None:
    for number in range(1, 8):
        museum.add_object(number)
    client.object_document(1)
    session = requests.Session()
    session.auth = (f"user[{USERNAME}]", f"session[{next(iter(museum.keys))}]")
    other = OtherClient(museum.url.removesuffix("/ria-ws/application"), session=session)
    theirs = [int(record["raw"]["moduleItem"]["id"]) for record in list(other.search(limit=100))[:7]]
    assert theirs == [int(str(item.get("id"))) for item in client.search("Object")]
    session.close()


def test_the_key_is_shared_and_renewed_when_refused(museum: MuseumPlus, tmp_path: Path) -> None:
    museum.add_object(1)
    for _ in range(2):
        with connected(museum, tmp_path) as client:
            client.object_document(1)
    assert museum.requests["GET session"] == 1
    museum.keys.clear()
    with connected(museum, tmp_path) as client:
        client.object_document(1)
    assert museum.requests["GET session"] == 2


def test_the_key_is_renewed_after_ten_idle_minutes(museum: MuseumPlus, tmp_path: Path) -> None:
    museum.add_object(1)
    with connected(museum, tmp_path) as client:
        client.object_document(1)
    key = next((tmp_path / "cache").glob("*.session"))
    assert key.stat().st_mode & 0o777 == 0o600

    os.utime(key, (0, time.time() - IDLE_SECONDS - 1))
    with connected(museum, tmp_path) as client:
        client.object_document(1)
    # The key that may have ended is not used any more: it is asked for anew.
    assert museum.requests["GET session"] == 2


@pytest.mark.parametrize("statuses", [[503], [500, 502]])
def test_a_failure_that_passes_is_tried_again(
    museum: MuseumPlus, client: MuseumPlusClient, statuses: list[int]
) -> None:
    museum.add_object(1)
    client.object_document(1)
    museum.knobs.statuses = statuses
    assert b"A spoon" in client.object_document(1)


def test_a_body_that_ends_early_is_asked_for_again(
    museum: MuseumPlus, client: MuseumPlusClient, tmp_path: Path
) -> None:
    museum.add_object(1, multimedia=(9,))
    museum.add_multimedia(9, attachment=b"x" * 100_000)
    client.object_document(1)
    museum.knobs.cut_next = 1
    assert b"A spoon" in client.object_document(1)
    museum.knobs.cut_next = 1
    assert client.download(9, tmp_path / "file") == 100_000
    assert (tmp_path / "file").read_bytes() == b"x" * 100_000


def test_a_failure_that_stays_says_that_it_may_pass(museum: MuseumPlus, client: MuseumPlusClient) -> None:
    museum.knobs.down = True
    with pytest.raises(MuseumPlusError) as failure:
        client.object_document(1)
    assert failure.value.transient


def test_a_truncated_document_and_what_is_not_there_are_no_use_asking_for_again(
    museum: MuseumPlus, client: MuseumPlusClient, tmp_path: Path
) -> None:
    museum.add_object(1)
    museum.knobs.truncated = {1}
    with pytest.raises(MuseumPlusError, match="truncated") as failure:
        client.object_document(1)
    assert not failure.value.transient
    with pytest.raises(MuseumPlusError, match="404"):
        client.object_document(2)
    assert museum.requests["GET module Object"] + museum.requests["GET module"] <= 3
    assert client.download(9, tmp_path / "file") == -1


def test_at_most_three_connections_are_open_at_once(museum: MuseumPlus, tmp_path: Path) -> None:
    museum.add_object(1)
    museum.knobs.delay = 0.05
    # As on six machines: they share the database, and no folder.
    clients = [connected(museum, tmp_path / str(number)) for number in range(6)]
    threads = [threading.Thread(target=client.object_document, args=[1]) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for client in clients:
        client.__exit__()
    assert museum.most_at_once == 3
    # Nor is one kept open beside those of others. The server notes an end a moment after it.
    assert museum.most_connections <= 3 + 1


def test_a_place_is_free_again_when_its_holder_dies(museum: MuseumPlus, tmp_path: Path) -> None:
    slots = [Slots(1), Slots(1)]
    with slots[0].slot():
        assert slots[1]._take() is None
        slots[0].close()
        with slots[1].slot():
            assert slots[0]._take() is None
    for each in slots:
        each.close()


def test_a_preservation_is_noted_once(museum: MuseumPlus, client: MuseumPlusClient) -> None:
    museum.add_object(1)
    for expected in (True, False):
        noted = client.add_preservation(1, FIELD, filename="a.tar", status="accepted", modified=None)
        assert noted is expected
    text = museum.field_of(1, FIELD.name)
    assert text is not None
    assert '"filename": "a.tar"' in text
    assert text.count("filename") == 1


def test_a_list_that_cannot_be_read_is_not_overwritten(museum: MuseumPlus, client: MuseumPlusClient) -> None:
    museum.add_object(1)
    client.set_field(1, FIELD, "no JSON & no list")
    with pytest.raises(MuseumPlusError, match="corrupted") as failure:
        client.add_preservation(1, FIELD, filename="a.tar", status="accepted", modified=None)
    assert not failure.value.transient
    assert museum.field_of(1, FIELD.name) == "no JSON & no list"
