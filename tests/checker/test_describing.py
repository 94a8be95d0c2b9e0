"""What a package says about itself fills what its depositor did not say, and the deposit tells."""

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from checker.checking import check
from client.description.node import Node, first, nodes, texts
from deposit import lifecycle
from deposit.metadata.entry_tree import tree_of
from deposit.metadata.minimal import entry_for
from deposit.metadata.xml import parse
from deposit.models import Deposit, EventName, Finding, Part, PartKind, Status, WorkItem
from deposit.services import deposits
from deposit.services.deposits import effective_entry
from deposit.services.parts import Submission
from tests.support.factories import acting_as
from tests.support.lifecycle_fixtures import depositor, package, sent
from tests.support.samples import atom_entry, make_tar, make_zip

pytestmark = pytest.mark.django_db(transaction=True)

CFF = b"""\
cff-version: 1.2.0
message: cite
title: A tool
version: 1.10
date-released: 2024-3-5
license: [MIT, Apache-2.0]
authors:
- family-names: F
  given-names: G
  orcid: https://orcid.org/0000-0002-1825-0097
"""


@pytest.fixture(autouse=True)
def _staging(tmp_path: Path, settings: Any) -> None:
    settings.STAGING_ROOT = str(tmp_path)


def undescribed(*packages: bytes) -> Deposit:
    """A complete deposit of packages of which their depositor says nothing."""
    client, collection = depositor()
    actor = acting_as(client)
    first_one, *rest = packages
    deposit = deposits.create(
        actor=actor,
        collection=collection,
        submission=Submission(package=package(first_one)),
        in_progress=True,
        slug=None,
    )
    for data in rest:
        deposits.add(
            actor=actor, deposit=deposit, submission=Submission(package=package(data)), in_progress=True
        )
    return deposits.complete(actor=actor, deposit=deposit)


def checked(deposit: Deposit) -> Deposit:
    check(deposit.pk, worker="checker")
    deposit.refresh_from_db()
    return deposit


def said(deposit: Deposit) -> Node:
    """What the deposit's metadata say by now."""
    entry = effective_entry(deposit)
    assert entry is not None
    return tree_of(parse(entry.document))


def found(deposit: Deposit) -> list[tuple[str, str]]:
    rows = Finding.objects.filter(deposit=deposit).exclude(code="metadata.suggested")
    return [(row.code, row.severity) for row in rows]


def test_a_package_that_describes_itself_needs_no_entry() -> None:
    deposit = checked(undescribed(make_zip({"CITATION.cff": CFF, "a.txt": b"x"})))
    assert deposit.status == Status.VERIFIED
    assert found(deposit) == [("metadata.from_package", "warning")]
    assert (deposit.title, deposit.software_version) == ("A tool", "1.10")
    node = said(deposit)
    assert texts(node, "license") == [
        "https://spdx.org/licenses/MIT",
        "https://spdx.org/licenses/Apache-2.0",
    ]
    assert first(node, "datePublished") == "2024-03-05"
    assert first(nodes(node, "author")[0], "id") == "https://orcid.org/0000-0002-1825-0097"


@pytest.mark.parametrize("folder", ["", "tool-1.0/"])
@pytest.mark.parametrize("pack", [make_zip, make_tar])
def test_it_is_found_at_the_root_or_in_the_only_folder(folder: str, pack: Any) -> None:
    deposit = checked(undescribed(pack({f"{folder}a.txt": b"x", f"{folder}CITATION.cff": CFF})))
    assert (deposit.status, deposit.title) == (Status.VERIFIED, "A tool")


def test_it_is_not_looked_for_deeper() -> None:
    deposit = checked(undescribed(make_zip({"a/CITATION.cff": CFF, "b.txt": b"x"})))
    assert deposit.status == Status.REJECTED
    assert found(deposit) == [("metadata.missing", "error")]


def test_a_package_that_says_too_little_is_refused_as_ever() -> None:
    deposit = checked(undescribed(make_zip({"README.md": b"# A tool\n", "a": b"x"})))
    assert deposit.status == Status.REJECTED
    assert found(deposit) == [("metadata.missing", "error")]


def test_what_the_depositor_wrote_wins() -> None:
    entry = atom_entry("<codemeta:softwareVersion>7</codemeta:softwareVersion>")
    deposit = checked(sent(make_zip({"CITATION.cff": CFF, "a.txt": b"x"}), entry=entry))
    assert deposit.status == Status.VERIFIED
    node = said(deposit)
    assert first(node, "softwareVersion") == "7"
    assert deposit.software_version == "7"
    assert first(node, "name") != "A tool"
    assert first(node, "license") == "https://spdx.org/licenses/MIT"
    message = Finding.objects.get(deposit=deposit, code="metadata.from_package").message
    assert "CITATION.cff: date of publication, licence." in message


def test_what_was_sent_is_kept_byte_for_byte() -> None:
    entry = atom_entry("")
    deposit = checked(sent(make_zip({"CITATION.cff": CFF}), entry=entry))
    documents = Part.objects.filter(deposit=deposit, kind=PartKind.METADATA).order_by("pk")
    assert bytes(documents[0].document or b"") == entry
    assert len(documents) == 2


def test_an_entry_without_an_author_gets_the_packages_own() -> None:
    entry = b'<entry xmlns="http://www.w3.org/2005/Atom"><title>Mine</title></entry>'
    deposit = checked(sent(make_zip({"CITATION.cff": CFF}), entry=entry))
    assert (deposit.status, deposit.title) == (Status.VERIFIED, "Mine")
    assert first(nodes(said(deposit), "author")[0], "name") == "G F"


def test_a_name_that_a_source_made_up_gives_way() -> None:
    made_up = entry_for(title="tool.zip", author="Watched folder", provenance="https://hal.example.org/")
    deposit = checked(sent(make_zip({"CITATION.cff": CFF}), entry=made_up.document))
    node = said(deposit)
    assert deposit.title == "A tool"
    assert [first(each, "name") for each in nodes(node, "author")] == ["G F"]


def test_a_name_that_a_source_made_up_stays_where_the_package_is_silent() -> None:
    made_up = entry_for(title="tool.zip", author="Watched folder")
    deposit = checked(sent(make_zip({"a": b"x"}), entry=made_up.document))
    assert (deposit.status, deposit.title) == (Status.VERIFIED, "tool.zip")
    assert found(deposit) == []


def test_checked_again_it_says_the_same_and_writes_nothing() -> None:
    deposit = checked(undescribed(make_zip({"CITATION.cff": CFF, "a.txt": b"x"})))
    before = found(deposit), Part.objects.filter(deposit=deposit).count()
    Deposit.objects.filter(pk=deposit.pk).update(status="rejected")
    WorkItem.objects.filter(deposit=deposit).delete()
    deposit.refresh_from_db()
    lifecycle.fire(EventName.RECHECK, deposit.pk, actor="operator")
    checked(deposit)
    assert (found(deposit), Part.objects.filter(deposit=deposit).count()) == before


def test_several_files_complete_each_other() -> None:
    files = {
        "codemeta.json": json.dumps({"name": "Best", "author": "Ada"}).encode(),
        "package.json": json.dumps({"name": "best", "version": "2.0.0", "keywords": ["k"]}).encode(),
    }
    deposit = checked(undescribed(make_zip(files)))
    node = said(deposit)
    assert (first(node, "name"), first(node, "softwareVersion"), texts(node, "keywords")) == (
        "Best",
        "2.0.0",
        ["k"],
    )


def test_a_file_that_cannot_be_read_is_told() -> None:
    deposit = checked(sent(make_zip({"codemeta.json": b"{", "a": b"x"})))
    assert deposit.status == Status.VERIFIED
    assert found(deposit) == [("metadata.package_note", "warning")]


def test_control_characters_are_named_and_left_out() -> None:
    document = json.dumps({"name": "x", "author": "Ada", "description": "a\x07b"}).encode()
    deposit = checked(undescribed(make_zip({"codemeta.json": document, "a": b"x"})))
    assert deposit.status == Status.VERIFIED
    message = Finding.objects.get(deposit=deposit, code="metadata.package_note").message
    assert "description holds the control character U+0007 (BEL)" in message


def test_a_later_package_is_laid_over_the_earlier() -> None:
    newer = CFF.replace(b"1.10", b"1.11")
    deposit = checked(
        undescribed(make_zip({"CITATION.cff": CFF, "a": b"x"}), make_zip({"CITATION.cff": newer, "b": b"y"}))
    )
    assert deposit.software_version == "1.11"


def test_large_files_at_the_root_are_not_read() -> None:
    deposit = checked(sent(make_zip({"codemeta.json": b" " * 2_000_000, "a": b"x"})))
    assert (deposit.status, found(deposit)) == (Status.VERIFIED, [])


def test_a_tar_that_begins_with_a_dot_is_read_alike() -> None:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as tar:
        for name, data in {"./CITATION.cff": CFF, "./a": b"x"}.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    assert checked(undescribed(file.getvalue())).title == "A tool"
