"""Every text field of every door takes nasty strings: they are refused or kept, never a fault of ours.

And whatever was kept, every page and document that shows it can be read afterwards. What is kept is sent once more
with the texts of many fields together, so that there are few deposits to read.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from itertools import zip_longest
from typing import Any

import pytest
from django.db import transaction

from deposit.http.text import is_storable
from deposit.models import Client, Collection, Deposit, Part
from tests.support.lifecycle_fixtures import sent
from tests.support.nasty_fields import (
    Doors,
    Kept,
    escaped,
    fields_of_entries,
    fields_of_forms,
    fields_of_headers,
    fields_of_json,
    fields_of_paths,
    fields_of_queries,
    kept_of_entries,
    kept_of_forms,
    kept_of_headers,
    kept_of_json,
)
from tests.support.nasty_strings import NASTY, for_field, some_for_field
from tests.support.wsgi import connection_kept
from tests.test_every_address import ALL

pytestmark = pytest.mark.django_db

WALKS = {
    "paths": fields_of_paths,
    "queries": fields_of_queries,
    "headers": fields_of_headers,
    "JSON": fields_of_json,
    "entries": fields_of_entries,
    "forms": fields_of_forms,
}
KEPT = (kept_of_headers, kept_of_json, kept_of_entries, kept_of_forms)
# By default a field takes some of the strings, and all fields together take all of them; else every field all.
texts_for = for_field if "NASTY_EVERYWHERE" in os.environ else some_for_field


@pytest.fixture
def doors(settings: Any) -> Doors:
    settings.BY_REFERENCE_HOSTS = ["a.example"]
    return Doors()


@pytest.mark.parametrize("kind", WALKS)
def test_text_fields_take_nasty_strings(kind: str, doors: Doors) -> None:
    failed: dict[str, list[str]] = {}
    for number, (name, ask) in enumerate(WALKS[kind](doors)):
        for text in texts_for(number):
            if (status := rolled_back(ask, text)) >= 500:
                failed.setdefault(name, []).append(f"{status} {text[:40]!r}")
    assert failed == {}


def test_what_is_kept_of_nasty_strings_can_be_read(doors: Doors) -> None:
    failed: dict[str, list[str]] = {}
    for request in (one for kept in KEPT for one in kept(doors)):
        accepted: dict[str, list[str]] = {}
        for number, field in enumerate(request.fields):
            for text in texts_for(number):
                status = rolled_back(request.send, {field: text})
                if status >= 500:
                    failed.setdefault(field, []).append(f"{status} {text[:40]!r}")
                elif status < 400:
                    accepted.setdefault(field, []).append(text)
        keep(request, accepted)
    assert failed == {}
    assert unreadable(doors) == {}


def rolled_back(ask: Callable[[Any], Any], given: object) -> int:
    """The status of an answer, without what it changed."""
    with transaction.atomic():
        status = status_of(ask(given))
        transaction.set_rollback(True)
    return status


def keep(request: Kept, accepted: Mapping[str, list[str]]) -> None:
    """Send what was accepted once more: the first texts of all fields together, then the second ones, and so on."""
    for texts in zip_longest(*accepted.values()):
        together = {field: text for field, text in zip(accepted, texts, strict=True) if text is not None}
        send_in_halves(request, together)


def send_in_halves(request: Kept, texts: Mapping[str, str]) -> None:
    """Send texts together; those that contradict each other, in two requests."""
    with transaction.atomic():
        status = status_of(request.send(texts))
    assert status < 500
    if status >= 400 and len(texts) > 1:
        fields = list(texts)
        for half in (fields[::2], fields[1::2]):
            send_in_halves(request, {field: texts[field] for field in half})


def status_of(answer: Any) -> int:
    """The status of an answer that is read to its end and closed."""
    if answer.streaming:
        b"".join(answer.streaming_content)
    with connection_kept():
        answer.close()
    status: int = answer.status_code
    return status


def unreadable(doors: Doors) -> dict[str, int]:
    """The pages and documents that cannot be read."""
    paths = [path for path in ALL if path not in ("/readyz",)]
    different = {texts_of(deposit): deposit for deposit in Deposit.objects.all()}
    paths += [path for deposit in different.values() for path in documents_of(deposit)]
    found = {}
    for path in paths:
        browser = doors.program if path.startswith(("/1/", "/3/", "/api/")) else doors.administrator
        status = status_of(browser.get(path))
        if status >= 500:
            found[path] = status
    return found


def texts_of(deposit: Deposit) -> tuple[object, ...]:
    """What was kept of a client's texts: of deposits that are alike in it, one is read."""
    parts = Part.objects.filter(deposit=deposit).order_by("pk")
    kept = [(part.name, part.content_type, part.packaging, bytes(part.document or b"")) for part in parts]
    return (deposit.title, deposit.external_id, deposit.origin_url, deposit.package_name, *kept)


def documents_of(deposit: Deposit) -> Iterator[str]:
    number, place = deposit.pk, escaped(deposit.collection.name)
    for name in ("media", "atom", "metadata", "status", "content", "statement.atom", "statement.rdf"):
        yield f"/1/{place}/{number}/{name}" + ("" if "." in name else "/")
    for name in ("", "/metadata", "/metadata/entry", "/files"):
        yield f"/3/object/{number}{name}"
    for part in Part.objects.filter(deposit=deposit):
        yield f"/1/{place}/{number}/media/{part.pk}/"
        yield f"/3/object/{number}/files/{part.pk}"
        yield f"/deposits/{number}/parts/{part.pk}/"
    for name in ("", "citation.bib", "CITATION.cff", "files/"):
        yield f"/deposits/{number}/{name}"
    for name in ("", "events/"):
        yield f"/api/deposits/{number}/{name}"
    for name in ("sent", "bag"):
        yield f"/archive/deposit/{number}/{name}/"
    yield f"/admin/deposit/deposit/{number}/change/"


def test_the_walk_has_fields() -> None:
    assert len(NASTY) > 40
    assert {text for number in range(len(NASTY)) for text in some_for_field(number)} == set(NASTY)
    assert Client.objects.count() == Collection.objects.count() == 0


def test_rows_of_earlier_releases_can_be_read(doors: Doors) -> None:
    """What was kept before it was refused: media types and packaging that no header and no document can hold."""
    deposit = sent()
    Deposit.objects.filter(pk=deposit.pk).update(client=doors.client, collection=doors.deposit.collection)
    part = Part.objects.get(deposit=deposit, kind="package")
    for number, text in enumerate(text for text in NASTY if is_storable(text)):
        Part.objects.create(
            deposit=deposit,
            kind="package",
            name=f"{number}.zip",
            content_type=text[:200],
            packaging=text[:300],
            size=part.size,
            sha256=part.sha256,
            stored_as=f"{part.stored_as}-{number}",
        )
    assert unreadable(doors) == {}
