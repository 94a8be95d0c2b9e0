"""The history in a bag is PREMIS 3.0, whatever became of the deposit.

The schema (premis-v3-0.xsd, by the Library of Congress) is neither in this repository nor in a dependency. So its rules
for what is written are told here in our own words; where the folder that DEPOSIT_TEST_DATA names has the schema, or
PREMIS_XSD names a copy of it, the documents, and these rules themselves, are held against it.
"""

import os
import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from datetime import datetime
from functools import cache
from pathlib import Path

import pytest
from django.test import Client as HttpClient
from django.test import override_settings
from lxml import etree

from checker.checking import check
from deposit import lifecycle
from deposit.actors import Channel, system_actor
from deposit.archived.premis import PREMIS
from deposit.models import Collection, Deposit, EventName, Membership, Part
from deposit.services import operations
from deposit.staging.files import path_of
from loader.workflow import load
from tests.deposit.archived.test_archive_view import FILES, deposit_package
from tests.deposit.archived.test_bags import unpack
from tests.deposit.sword.test_views import ENTRY, post_zip
from tests.deposit.sword3.asking import Sword3, by_reference, digest
from tests.support.factories import http_client, new_client
from tests.support.samples import atom_entry, create_origin, make_tar, make_zip

pytestmark = pytest.mark.django_db(transaction=True)

XSI = "http://www.w3.org/2001/XMLSchema-instance"
ORIGIN = "https://hal.example.org/soft"
ODD = "a\x01\t\r\n ]]> &amp; <\"é\ufffe'> \x7f\x85\u2028\U0001f600"

# The children of each element, in this order. ?: at most one, *: any number, +: at least one, else exactly one.
# An object goes by its xsi:type. Who is not here has text, and no children.
STRUCTURE = {
    "premis": "object+ event* agent*",
    "intellectualEntity": "objectIdentifier+",
    "file": "objectIdentifier+ objectCharacteristics+ originalName? relationship*",
    "objectIdentifier": "objectIdentifierType objectIdentifierValue",
    "objectCharacteristics": "fixity* size? format+",
    "fixity": "messageDigestAlgorithm messageDigest messageDigestOriginator?",
    "format": "formatDesignation",
    "formatDesignation": "formatName",
    "relationship": "relationshipType relationshipSubType relatedObjectIdentifier+",
    "relatedObjectIdentifier": "relatedObjectIdentifierType relatedObjectIdentifierValue",
    "event": "eventIdentifier eventType eventDateTime eventDetailInformation* eventOutcomeInformation* "
    "linkingAgentIdentifier* linkingObjectIdentifier*",
    "eventIdentifier": "eventIdentifierType eventIdentifierValue",
    "eventDetailInformation": "eventDetail?",
    "eventOutcomeInformation": "eventOutcome eventOutcomeDetail*",
    "eventOutcomeDetail": "eventOutcomeDetailNote",
    "linkingAgentIdentifier": "linkingAgentIdentifierType linkingAgentIdentifierValue",
    "linkingObjectIdentifier": "linkingObjectIdentifierType linkingObjectIdentifierValue",
    "agent": "agentIdentifier+ agentName* agentType? agentVersion?",
    "agentIdentifier": "agentIdentifierType agentIdentifierValue",
}
REQUIRED = {"premis": {"version": r"3\.0"}}
ALLOWED = REQUIRED | {"eventType": {"authority": "eventType", "authorityURI": r"http://[\w./]+"}}
TEXTS = {"size": r"[0-9]{1,18}", "messageDigest": "[0-9a-f]{64}", "messageDigestAlgorithm": "SHA-256"}
# Which identifiers lead to which.
LINKS = {
    "linkingAgentIdentifier": "agentIdentifier",
    "linkingObjectIdentifier": "objectIdentifier",
    "relatedObjectIdentifier": "objectIdentifier",
}


def check_structure(root: etree._Element) -> None:
    """Refuses with an AssertionError whatever the schema refuses, and what is not written."""
    assert root.tag == f"{{{PREMIS}}}premis"
    for element in root.iter():
        _check_element(element)


def _check_element(element: etree._Element) -> None:
    assert etree.QName(element).namespace == PREMIS
    kind = etree.QName(element).localname
    attributes = {str(name): str(value) for name, value in element.attrib.items()}
    if kind == "object":
        prefix, _, kind = attributes.pop(f"{{{XSI}}}type", "").partition(":")
        assert (element.nsmap.get(prefix), kind in ("file", "intellectualEntity")) == (PREMIS, True)
    assert REQUIRED.get(kind, {}).keys() <= attributes.keys(), (kind, attributes)
    for name, value in attributes.items():
        assert re.fullmatch(ALLOWED.get(kind, {}).get(name, "(?!)"), value), (kind, name, value)
    children = "".join(f"{etree.QName(child).localname} " for child in element)
    rule = re.sub(r"(\w+)([?*+]?) ?", r"(?:\1 )\2", STRUCTURE.get(kind, ""))
    assert re.fullmatch(rule, children), (kind, children)
    around = (element.text or "") + "".join(child.tail or "" for child in element)
    if kind in STRUCTURE:
        assert not around.strip(), (kind, around)
    else:
        assert re.fullmatch(TEXTS.get(kind, "(?s:.+)"), around), (kind, around)
    if kind == "eventDateTime":
        assert datetime.fromisoformat(around).tzinfo


@cache
def schema() -> etree.XMLSchema | None:
    data = os.environ.get("DEPOSIT_TEST_DATA")
    path = os.environ.get("PREMIS_XSD") or (f"{data}/premis/premis-v3-0.xsd" if data else None)
    return etree.XMLSchema(etree.parse(path)) if path else None


def check_document(root: etree._Element) -> None:
    check_structure(root)
    if (given := schema()) is not None:
        given.assertValid(root)


def history(http: HttpClient, deposit: Deposit, folder: Path) -> etree._Element:
    return etree.parse(unpack(http, deposit, "zip", folder) / "premis.xml").getroot()


def told(document: etree._Element, name: str) -> list[str | None]:
    return [one.text for one in document.iter(f"{{{PREMIS}}}{name}")]


def _latest() -> Deposit:
    return Deposit.objects.latest("id")


def done(http: HttpClient) -> Deposit:
    return deposit_package(http, make_zip(FILES))


def next_version(http: HttpClient) -> Deposit:
    done(http)
    following = create_origin(ORIGIN).replace("create_origin", "add_to_origin")
    http.post("/1/hal/", atom_entry(following), content_type=ENTRY, headers={"In-Progress": "true"})
    return _worked(_with_package(http, make_tar({"b": b"2"}), in_progress="false"))


def rejected(http: HttpClient) -> Deposit:
    return deposit_package(http, b"no archive" * 99)


def rejected_and_checked_again(http: HttpClient) -> Deposit:
    deposit = rejected(http)
    operations.recheck(deposit_id=deposit.pk, actor=system_actor(Channel.COMMAND))
    return _worked(deposit)


def failed(http: HttpClient) -> Deposit:
    """A package that was damaged between its checks and its load."""
    http.post(
        "/1/hal/", atom_entry(create_origin(ORIGIN)), content_type=ENTRY, headers={"In-Progress": "true"}
    )
    deposit = _with_package(http, make_zip({"a": b"a file"}), in_progress="false")
    check(deposit.pk, worker="test")
    path_of(str(Part.objects.get(deposit=deposit, kind="package").stored_as)).write_bytes(
        b"no package any more"
    )
    load(deposit.pk, worker="test")
    return deposit


def loaded_again(http: HttpClient) -> Deposit:
    deposit = done(http)
    operations.reschedule(deposit_id=deposit.pk, actor=system_actor(Channel.COMMAND))
    return _worked(deposit)


def partial(http: HttpClient) -> Deposit:
    post_zip(http, make_zip(FILES), **{"In-Progress": "true"})
    return _latest()


def changed(http: HttpClient) -> Deposit:
    """Several packages, one of them in the place of another, and one removed."""
    deposit = partial(http)
    for n in range(3):
        _with_package(http, make_zip({"n": str(n).encode()}))
    one, two = deposit.parts.order_by("id")[:2]
    address = f"/1/hal/{deposit.pk}/media"
    headers = {"Content-Disposition": "attachment; filename=new.tar", "In-Progress": "true"}
    new = make_tar({"new": b""})
    replaced = http.put(f"{address}/{one.pk}/", new, content_type="application/x-tar", headers=headers)
    assert (replaced.status_code, http.delete(f"{address}/{two.pk}/").status_code) == (204, 204)
    return deposit


def expired(http: HttpClient) -> Deposit:
    deposit = partial(http)
    operations.expire(deposit_id=deposit.pk, actor=system_actor(Channel.SCHEDULER))
    return deposit


def on_behalf(http: HttpClient) -> Deposit:
    library = new_client(Collection.objects.get(name="hal"), username="library")
    Membership.objects.filter(client=library).update(mediates=True)
    post_zip(http_client(library), make_zip(FILES), **{"On-Behalf-Of": "hal", "In-Progress": "true"})
    return _latest()


def metadata_only(http: HttpClient) -> Deposit:
    swhid = done(http).swhid
    reference = f'<swh:deposit><swh:reference><swh:object swhid="{swhid}"/></swh:reference></swh:deposit>'
    http.post("/1/hal/", atom_entry(reference), content_type=ENTRY)
    return _latest()


def described_later(http: HttpClient) -> Deposit:
    deposit = done(http)
    path, headers = f"/1/hal/{deposit.pk}/atom/", {"X-Check-SWHID": deposit.swhid or ""}
    response = http.put(path, atom_entry(title="Another"), content_type=ENTRY, headers=headers)
    assert response.status_code == 204, response.content
    return deposit


def waiting_for_a_file_elsewhere(http: HttpClient) -> Deposit:
    sword3 = Sword3(http)
    address = sword3.metadata("POST", "/3/service/hal/", In_Progress="true")["Location"]
    file = by_reference("https://files.example.org/a.zip", digest=digest(b"a"))
    with override_settings(BY_REFERENCE_HOSTS=["files.example.org"]):
        assert sword3.refer("POST", address, file, In_Progress="true").status_code == 202
    return _latest()


def odd(http: HttpClient) -> Deposit:
    """Characters that no XML can hold, or that a reader changes, wherever clients may bring text."""
    deposit = done(http)
    deposit.parts.filter(kind="package").update(name=ODD.replace("/", ""), content_type=ODD)
    Deposit.objects.filter(pk=deposit.pk).update(external_id=ODD, origin_url=f"https://hal.example.org/{ODD}")
    lifecycle.record(
        deposit, EventName.DESCRIBE, actor=ODD, source="done", target="done", **{ODD: [ODD, None, 1.5]}
    )
    return deposit


def _with_package(http: HttpClient, package: bytes, in_progress: str = "true") -> Deposit:
    deposit = _latest()
    headers = {"Content-Disposition": "attachment; filename=p.zip", "In-Progress": in_progress}
    sent = http.post(f"/1/hal/{deposit.pk}/media/", package, content_type="application/zip", headers=headers)
    assert sent.status_code == 201, sent.content
    return deposit


def _worked(deposit: Deposit) -> Deposit:
    check(deposit.pk, worker="test")
    load(deposit.pk, worker="test")
    return deposit


# What becomes of deposits, and the status in which each ends.
KINDS: dict[Callable[[HttpClient], Deposit], str] = {
    done: "done",
    next_version: "done",
    rejected: "rejected",
    rejected_and_checked_again: "rejected",
    failed: "failed",
    loaded_again: "done",
    partial: "partial",
    changed: "partial",
    expired: "expired",
    on_behalf: "partial",
    metadata_only: "done",
    described_later: "done",
    waiting_for_a_file_elsewhere: "partial",
    odd: "done",
}


@pytest.mark.parametrize("make", KINDS)
def test_every_history_is_valid(
    http: HttpClient, tmp_path: Path, make: Callable[[HttpClient], Deposit]
) -> None:
    deposit = make(http)
    deposit.refresh_from_db()
    assert deposit.status == KINDS[make]
    document = history(http, deposit, tmp_path)
    check_document(document)
    assert len(told(document, "eventType")) == deposit.events.count()
    sent = deposit.parts.exclude(kind="pending").order_by("id")
    assert told(document, "messageDigest") == list(sent.values_list("sha256", flat=True))
    for link, target in LINKS.items():
        assert _identifiers(document, link) <= _identifiers(document, target)


def _identifiers(document: etree._Element, name: str) -> set[tuple[str | None, ...]]:
    return {tuple(child.text for child in one) for one in document.iter(f"{{{PREMIS}}}{name}")}


def test_events_have_the_types_of_the_library_of_congress(http: HttpClient, tmp_path: Path) -> None:
    document = history(http, done(http), tmp_path)
    types = ["transfer", "accession", "check", "validation", "ingestion start", "ingestion end"]
    assert told(document, "eventType") == types


def _mistakes(document: etree._Element) -> Iterator[tuple[str, etree._Element]]:
    """The document with one change each: everywhere something is gone, twice, elsewhere or of another form."""

    def drop(one: etree._Element) -> None:
        parent = one.getparent()
        if parent is not None:
            parent.remove(one)

    def double(one: etree._Element) -> None:
        one.addnext(deepcopy(one))

    def move(one: etree._Element) -> None:
        before = one.getprevious()
        if before is not None:
            before.addprevious(one)

    def rename(one: etree._Element) -> None:
        one.tag = f"{{{PREMIS}}}rights"  # it stands nowhere in what is written

    def lose_namespace(one: etree._Element) -> None:
        one.tag = etree.QName(one).localname

    def lose_attributes(one: etree._Element) -> None:
        one.attrib.clear()

    def mark(one: etree._Element) -> None:
        one.set("mark", "1")

    def identify(one: etree._Element) -> None:
        one.set("xmlID", "1")

    def retype(one: etree._Element) -> None:
        one.set(f"{{{XSI}}}type", "premis:bitstream")

    def misstate(one: etree._Element) -> None:
        for name in one.attrib:
            one.set(name, "%")

    def empty(one: etree._Element) -> None:
        one[:] = []

    def write(one: etree._Element) -> None:
        one.text = "x"

    def nest(one: etree._Element) -> None:
        one.append(deepcopy(one))

    changes = [drop, double, move, rename, lose_namespace, lose_attributes, mark]
    changes += [identify, retype, misstate, empty, write, nest]
    for n, element in enumerate(document.iter()):
        for change in changes:
            wrong = deepcopy(document)
            one = list(wrong.iter())[n]
            if n or change not in (double, move):
                change(one)
                yield f"{change.__name__} {etree.QName(element).localname} ({n})", wrong


def _refused(document: etree._Element) -> bool:
    try:
        check_structure(document)
    except (AssertionError, ValueError):
        return True
    return False


# These are mistakes whichever element has them; of the others only the schema can tell.
ALWAYS = {"rename", "lose_namespace", "mark", "retype", "nest"}


def test_the_rules_notice_mistakes(http: HttpClient, tmp_path: Path) -> None:
    document = history(http, done(http), tmp_path)
    assert not _refused(document)
    wrong = {name: one for name, one in _mistakes(document) if name.split()[0] in ALWAYS}
    assert [name for name, one in wrong.items() if not _refused(one)] == []


@pytest.mark.skipif(
    "PREMIS_XSD" not in os.environ,
    reason="neither DEPOSIT_TEST_DATA nor PREMIS_XSD names a copy of the schema",
)
def test_the_rules_are_as_strict_as_the_schema(http: HttpClient, tmp_path: Path) -> None:
    given = schema()
    assert given is not None
    document = history(http, done(http), tmp_path)
    wrong = {name: one for name, one in _mistakes(document) if not given.validate(one)}
    assert len(wrong) > 500
    assert [name for name, one in wrong.items() if not _refused(one)] == []


def test_a_fetch_that_failed_is_no_success(http: HttpClient, tmp_path: Path) -> None:
    deposit = partial(http)
    lifecycle.record(
        deposit, EventName.FETCH_FAILED, actor="fetcher", source="partial", target="partial", reason="404"
    )
    assert told(history(http, deposit, tmp_path), "eventOutcome") == ["success", "failure"]
