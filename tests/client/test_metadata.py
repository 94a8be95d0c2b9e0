"""From codemeta.json, CITATION.cff and flags to an entry, judged by the server's own rules."""

import json
from pathlib import Path

import pytest

from client import Metadata, Person
from client.describing import from_citation, from_codemeta, read_metadata
from client.errors import UsageError
from deposit.metadata.checks import check_entry
from deposit.metadata.entry import read_entry


def errors_of(metadata: Metadata) -> list[str]:
    """The codes of what the server would reject."""
    return [found.code for found in check_entry(metadata.to_entry()) if found.severity == "error"]


CODEMETA = {
    "@context": "https://doi.org/10.5063/schema/codemeta-2.0",
    "@type": "SoftwareSourceCode",
    "@id": "https://example.org/hello",
    "name": "hello",
    "version": "1.0",
    "author": [
        {
            "@type": "Person",
            "givenName": "Ada",
            "familyName": "Lovelace",
            "affiliation": {"name": "Analysts"},
        },
        {"@type": "Organization", "name": "Engines & Sons"},
    ],
    "maintainer": {"givenName": "Charles", "familyName": "Babbage"},
    "dateCreated": "2024-02-29",
    "license": "https://spdx.org/licenses/GPL-3.0-or-later",
    "keywords": ["greeting", "archive"],
    "isAccessibleForFree": True,
}


def test_codemeta_becomes_an_entry_without_findings() -> None:
    metadata = from_codemeta(json.dumps(CODEMETA).encode())
    entry = read_entry(metadata.to_entry())
    assert errors_of(metadata) == []
    assert entry.title == "hello"
    assert [author.name for author in entry.authors][:2] == ["Ada Lovelace", "Engines & Sons"]
    assert entry.software_version == "1.0"
    assert entry.date_created is not None
    assert entry.date_created.date().isoformat() == "2024-02-29"


def test_citation_becomes_an_entry_without_findings() -> None:
    metadata = from_citation(
        b"cff-version: 1.2.0\ntitle: hello\nversion: 2.0\ndoi: 10.1234/5\nlicense: MIT\n"
        b"date-released: 2024-02-29\nkeywords: [a, b]\n"
        b"authors:\n- given-names: Ada\n  family-names: Lovelace\n  email: ada@example.org\n- name: Engines\n"
    )
    assert errors_of(metadata) == []
    assert metadata.persons == (
        Person(name="Ada Lovelace", email="ada@example.org", given_name="Ada", family_name="Lovelace"),
        Person(name="Engines"),
    )
    assert metadata.version == "2.0"
    assert metadata.license == "https://spdx.org/licenses/MIT"


def test_origins_and_references_reach_the_server() -> None:
    plain = Metadata(name="hello", authors=("Ada",))
    created = read_entry(plain.updated(create_origin="https://example.org/hello").to_entry())
    added = read_entry(plain.updated(add_to_origin="https://example.org/hello").to_entry())
    swhid = "swh:1:dir:" + 40 * "0"
    described = read_entry(plain.updated(reference=swhid).to_entry())
    assert created.create_origin == added.add_to_origin == "https://example.org/hello"
    assert swhid in str(described.reference)


def test_two_intentions_are_refused() -> None:
    metadata = Metadata(name="x", create_origin="https://a/", add_to_origin="https://a/")
    with pytest.raises(UsageError, match="one of the three"):
        metadata.to_entry()


@pytest.mark.parametrize("document", [b"[1]", b"{", b'"x"'])
def test_codemeta_that_is_none_is_refused(document: bytes) -> None:
    with pytest.raises(UsageError):
        from_codemeta(document)


def test_entry_is_passed_on_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "metadata.xml"
    file.write_bytes(b"<entry xmlns='http://www.w3.org/2005/Atom'/>")
    assert read_metadata(file) == file.read_bytes()


@pytest.mark.parametrize(
    "text",
    [
        "Josiah Carberry 0000-0002-1825-0097 <jc@example.org>",
        "Josiah Carberry (https://orcid.org/0000-0002-1825-0097) <jc@example.org>",
        "Josiah Carberry <jc@example.org> ORCID: 0000-0002-1825-0097",
    ],
)
def test_an_orcid_pasted_into_a_name_is_taken_for_what_it_is(text: str) -> None:
    person = Person.of(text)
    assert (person.name, person.email, person.orcid) == (
        "Josiah Carberry",
        "jc@example.org",
        "https://orcid.org/0000-0002-1825-0097",
    )
    metadata = Metadata(name="a", authors=(person,))
    assert errors_of(metadata) == []
    assert b":id>https://orcid.org/0000-0002-1825-0097</" in metadata.to_entry()


def test_sixteen_digits_that_are_no_orcid_stay_in_the_name() -> None:
    assert Person.of("Robot 0000-0002-1825-0098") == Person(name="Robot 0000-0002-1825-0098")
