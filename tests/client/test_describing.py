"""Descriptions that files and packages bring: read as the server reads them, and sent so that it takes them."""

import json
from pathlib import Path
from typing import Any

import pytest

from client import Metadata, Person
from client.describing import find_metadata, from_citation, from_codemeta, read_metadata
from client.description.files import read_file
from client.errors import UsageError
from deposit.findings import Severity
from deposit.metadata.checks import check_entry
from deposit.metadata.entry_tree import tree_of
from deposit.metadata.xml import parse
from tests.client.description.cases import CASES, HOSTILE, Case
from tests.client.description.plain import plain
from tests.support.samples import make_tar, make_zip

CITATION = b"cff-version: 1.2.0\nmessage: m\ntitle: T\nversion: 1.10\nauthors: [{family-names: F}]\n"
# Told as the entry's own, or not told at all because it goes without saying.
USUAL = ("type",)


def sent(case: Case, folder: Path) -> bytes:
    file = folder / case.name
    file.write_bytes(case.data)
    metadata = read_metadata(file)
    assert isinstance(metadata, Metadata)
    # What a deposit needs and the file may lack.
    lacking = {} if metadata.name else {"name": "N"}
    return metadata.updated(**lacking, authors=() if metadata.authors else (Person(name="A"),)).to_entry()


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.name} {case.id}")
def test_what_is_sent_says_what_the_server_reads_in_the_file(case: Case, tmp_path: Path) -> None:
    if case.refused:
        with pytest.raises(UsageError, match=r"U\+"):
            sent(case, tmp_path)
        return
    expected = plain(read_file(case.name, case.data).node)
    if not expected:
        with pytest.raises(UsageError, match="describes nothing"):
            sent(case, tmp_path)
        return
    document = sent(case, tmp_path)
    assert [each for each in check_entry(document) if each.severity is Severity.ERROR] == []
    told = plain(tree_of(parse(document)))
    expected = {"name": "N", "author": {"name": "A"}, **expected}
    assert _usual(told) == _usual(expected)


def _usual(told: Any) -> Any:
    """Without types that go without saying."""
    if isinstance(told, dict):
        return {
            term: _usual(value)
            for term, value in told.items()
            if value not in ("SoftwareSourceCode", "Person")
        }
    return [_usual(each) for each in told] if isinstance(told, list) else told


@pytest.mark.parametrize(("name", "data"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_file_is_refused_with_a_reason(name: str, data: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(UsageError, match=rf"^{name} cannot be read"):
        read_metadata(tmp_path / name)
    found = find_metadata(tmp_path)
    if found is not None:  # too large a file is not looked at, nor an empty one
        assert (found[0].lacking, found[0].codemeta, len(found[0].notes)) == ("a name and an author", {}, 1)


@pytest.mark.parametrize("make", [make_zip, make_tar])
@pytest.mark.parametrize("folder", ["", "tool-1.10/"])
def test_a_package_brings_its_description(make: Any, folder: str, tmp_path: Path) -> None:
    package = tmp_path / "package"
    package.write_bytes(make({f"{folder}a.txt": b"x", f"{folder}CITATION.cff": CITATION}))
    found = find_metadata(package)
    assert found is not None
    assert (found[0].name, found[0].version, found[1]) == ("T", "1.10", "CITATION.cff")


def test_a_folder_brings_its_description_also_from_the_only_folder_in_it(tmp_path: Path) -> None:
    (tmp_path / "tool").mkdir()
    (tmp_path / "tool/CITATION.cff").write_bytes(CITATION)
    (tmp_path / "tool/package.json").write_text('{"name": "t", "keywords": ["k"]}')
    found = find_metadata(tmp_path)
    assert found is not None
    assert (found[0].name, found[1]) == ("T", "CITATION.cff, package.json")
    (tmp_path / "b").write_bytes(b"")
    assert find_metadata(tmp_path) is None


def test_what_is_no_package_brings_nothing(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"CITATION.cff")
    assert find_metadata(tmp_path / "x") is None


def test_options_win_over_the_file() -> None:
    metadata = from_citation(CITATION + b"license: [MIT, ISC]\n")
    changed = metadata.updated(license="Zlib", version="2")
    told = plain(tree_of(parse(changed.to_entry())))
    assert (told["license"], told["softwareVersion"]) == ("Zlib", "2")


def test_a_name_in_languages_is_one_title_and_the_others_are_kept() -> None:
    metadata = from_codemeta(json.dumps({"name": {"fr": "Nom", "en": "Name"}, "author": "A"}).encode())
    assert metadata.name == "Name"
    assert plain(tree_of(parse(metadata.to_entry())))["name"] == [("Name", "en"), ("Nom", "fr")]
    renamed = metadata.updated(name="Mine")
    assert plain(tree_of(parse(renamed.to_entry())))["name"] == "Mine"


@pytest.mark.parametrize("field", ["name", "version", "description", "create_origin", "provenance_url"])
def test_control_characters_are_refused_by_name(field: str) -> None:
    told: dict[str, Any] = {"name": "N", "authors": ("A",), field: "a\x0bb"}
    with pytest.raises(UsageError, match=r"U\+000B \(VT\)"):
        Metadata(**told).to_entry()


@pytest.mark.parametrize("name", ["a b", "<x>", "", "1", "https://example.org/"])
def test_names_that_xml_does_not_have_are_refused(name: str) -> None:
    with pytest.raises(UsageError, match="no name that metadata can have"):
        Metadata(name="N", authors=("A",), codemeta={name: "x"}).to_entry()
