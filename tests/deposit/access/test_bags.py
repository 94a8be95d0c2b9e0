"""A deposit comes back as it was sent, and as a bag that others' tools call valid."""

import io
import json
import os
import subprocess
import zipfile
from pathlib import Path

import bagit
import pytest
from django.test import Client as HttpClient
from lxml import etree

from deposit.access.premis import PREMIS
from deposit.models import Deposit
from tests.deposit.access.test_archive_view import FILES, deposit_package
from tests.samples import make_zip

pytestmark = pytest.mark.django_db(transaction=True)

# The schema (premis-v3-0.xsd, by the Library of Congress) is not in this repository: PREMIS_XSD names a copy of it.
# What the PREMIS 3.0 schema wants of each element that is written: its children, in this order.
# ?: at most one, *: any number, +: at least one.
STRUCTURE = {
    "premis": "object+ event* agent* rights*",
    "intellectualEntity": "objectIdentifier+ significantProperties* originalName? relationship*",
    "file": "objectIdentifier+ objectCharacteristics+ originalName? storage* relationship*",
    "objectIdentifier": "objectIdentifierType objectIdentifierValue",
    "objectCharacteristics": "compositionLevel? fixity* size? format+",
    "fixity": "messageDigestAlgorithm messageDigest messageDigestOriginator?",
    "format": "formatDesignation",
    "formatDesignation": "formatName formatVersion?",
    "relationship": "relationshipType relationshipSubType relatedObjectIdentifier+",
    "relatedObjectIdentifier": "relatedObjectIdentifierType relatedObjectIdentifierValue",
    "event": "eventIdentifier eventType eventDateTime eventDetailInformation* eventOutcomeInformation* "
    "linkingAgentIdentifier* linkingObjectIdentifier*",
    "eventIdentifier": "eventIdentifierType eventIdentifierValue",
    "eventDetailInformation": "eventDetail?",
    "eventOutcomeInformation": "eventOutcome eventOutcomeDetail*",
    "eventOutcomeDetail": "eventOutcomeDetailNote",
    "linkingAgentIdentifier": "linkingAgentIdentifierType linkingAgentIdentifierValue linkingAgentRole*",
    "linkingObjectIdentifier": "linkingObjectIdentifierType linkingObjectIdentifierValue linkingObjectRole*",
    "agent": "agentIdentifier+ agentName* agentType? agentVersion? agentNote*",
    "agentIdentifier": "agentIdentifierType agentIdentifierValue",
}
XSI_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"


def check_structure(element: etree._Element) -> None:
    name = etree.QName(element)
    assert name.namespace == PREMIS
    kind = element.get(XSI_TYPE, name.localname).removeprefix("premis:")
    children = [etree.QName(child).localname for child in element]
    left = list(children)
    for rule in STRUCTURE.get(kind, "").split():
        wanted, often = rule.rstrip("?*+"), rule[-1]
        count = 0
        while left and left[0] == wanted:
            left.pop(0)
            count += 1
        assert often in "*?" or count >= 1, (kind, wanted, children)
        assert often in "*+" or count <= 1, (kind, wanted, children)
    assert left == [], (kind, children)
    for child in element:
        check_structure(child)


def unpack(http: HttpClient, deposit: Deposit, form: str, to: Path) -> Path:
    answer = http.get(f"/archive/deposit/{deposit.pk}/bag/?format={form}")
    body = answer.getvalue()
    assert (answer.status_code, int(answer["Content-Length"])) == (200, len(body))
    if form == "zip":
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            archive.extractall(to)
    else:
        to.mkdir(exist_ok=True)
        subprocess.run(["tar", "-xf", "-", "-C", to], check=True, input=body)
    return to / f"deposit-{deposit.pk}"


@pytest.mark.parametrize("form", ["zip", "tar"])
def test_a_bag_is_valid_and_holds_what_was_sent(http: HttpClient, tmp_path: Path, form: str) -> None:
    package = make_zip(FILES)
    deposit = deposit_package(http, package)
    folder = unpack(http, deposit, form, tmp_path)
    bag = bagit.Bag(str(folder))
    bag.validate()
    assert bag.info["External-Identifier"] == deposit.swhid_context
    assert [one.read_bytes() for one in folder.glob("data/packages/*/*")] == [package]
    assert [b"A program" in one.read_bytes() for one in folder.glob("data/metadata/*.xml")] == [True]
    findings = json.loads((folder / "findings.json").read_bytes())
    assert findings == list(deposit.findings.values("area", "code", "severity", "subject", "message"))


def test_the_history_is_premis_in_the_schemas_order(http: HttpClient, tmp_path: Path) -> None:
    deposit = deposit_package(http, make_zip(FILES))
    document = etree.parse(unpack(http, deposit, "zip", tmp_path) / "premis.xml").getroot()
    assert document.get("version") == "3.0"
    check_structure(document)
    told = [one.text for one in document.iter(f"{{{PREMIS}}}eventType")]
    assert told == ["transfer", "accession", "check", "validation", "ingestion start", "ingestion end"]
    digests = [one.text for one in document.iter(f"{{{PREMIS}}}messageDigest")]
    assert digests == list(deposit.parts.order_by("id").values_list("sha256", flat=True))


@pytest.mark.skipif("PREMIS_XSD" not in os.environ, reason="PREMIS_XSD names no copy of the schema")
def test_the_history_is_valid_by_the_schema_itself(http: HttpClient, tmp_path: Path) -> None:
    deposit = deposit_package(http, make_zip(FILES))
    document = etree.parse(unpack(http, deposit, "zip", tmp_path) / "premis.xml")
    etree.XMLSchema(etree.parse(os.environ["PREMIS_XSD"])).assertValid(document)


def test_the_check_of_the_structure_notices_what_is_out_of_order() -> None:
    wrong = etree.fromstring(
        f'<agentIdentifier xmlns="{PREMIS}"><agentIdentifierValue/><agentIdentifierType/></agentIdentifier>'
    )
    with pytest.raises(AssertionError):
        check_structure(wrong)


def test_a_deposit_comes_back_as_it_was_sent(http: HttpClient) -> None:
    package = make_zip(FILES)
    deposit = deposit_package(http, package)
    part = deposit.parts.get(kind="package")
    path = f"/archive/deposit/{deposit.pk}/sent/"
    answer = http.get(path)
    assert answer.getvalue() == package
    assert answer["Content-Disposition"] == f"attachment; filename*=UTF-8''{part.name}"
    assert http.get(path, headers={"Range": "bytes=-4"}).getvalue() == package[-4:]


def test_hostile_names_do_no_harm_in_a_bag(http: HttpClient, tmp_path: Path) -> None:
    deposit = deposit_package(http, make_zip(FILES))
    names = ["..", "a\nb%0A.zip", " x ", "é" * 500]
    for name in names:
        deposit.parts.filter(kind="package").update(name=name)
        folder = unpack(http, deposit, "tar", tmp_path / str(names.index(name)))
        bagit.Bag(str(folder)).validate()
        document = etree.parse(folder / "premis.xml")
        assert [one.text for one in document.iter(f"{{{PREMIS}}}originalName")] == [name]
