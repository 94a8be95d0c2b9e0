"""A deposit comes back as it was sent, and as a bag that others' tools call valid."""

import io
import json
import subprocess
import zipfile
from pathlib import Path

import bagit
import pytest
from django.test import Client as HttpClient
from lxml import etree

from deposit.archived.premis import PREMIS
from deposit.models import Deposit
from tests.deposit.archived.test_archive_view import FILES, deposit_package
from tests.support.samples import make_zip

pytestmark = pytest.mark.django_db(transaction=True)


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
