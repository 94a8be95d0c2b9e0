"""What goes in as CITATION.cff or codemeta.json comes out again, by way of the entry that a deposit keeps.

What may differ is listed on the reference page, and here: `_documented_*` do it to the original.
"""

import dataclasses
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from datacite import schema45
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator
from pybtex.database import parse_string

from client.description.files import combined, read_file
from deposit.metadata.checks import check_entry
from deposit.metadata.entry_tree import tree_of
from deposit.metadata.exports.bibtex import bibtex
from deposit.metadata.exports.cff import cff
from deposit.metadata.exports.codemeta import codemeta
from deposit.metadata.exports.datacite import datacite
from deposit.metadata.exports.dublin_core import dublin_core
from deposit.metadata.exports.work import Work, people
from deposit.metadata.filling import filled
from deposit.metadata.xml import parse
from tests.client.description.cases import CASES, Case
from tests.client.description.full_files import FULL
from tests.client.description.plain import plain

_FORMAT = Path(__file__).resolve().parents[3] / "support/cff-1.2.0.json"
CFF_SCHEMA = Draft7Validator(json.loads(_FORMAT.read_text(encoding="utf-8")))
SWHID = "swh:1:dir:" + "1" * 40
ORCIDS = ("https://orcid.org/0000-0002-1825-0097", "https://orcid.org/0000-0002-1694-233X")

# Words as people have them: letters of many scripts, marks that XML, YAML, BibTeX and JSON-LD know by themselves.
WORDS: st.SearchStrategy[Any] = (
    st.text(
        st.one_of(
            st.characters(categories=("Lu", "Ll", "Lo", "Nd")),
            st.sampled_from("éß中 '\"&<>:#%$_{}\\~^-!?@|*"),
        ),
        min_size=1,
        max_size=20,
    )
    .map(lambda text: " ".join(text.split()))
    .filter(lambda text: any(each.isalpha() for each in text))
)
# Names of people are told apart from roles and addresses by these.
NAMES: st.SearchStrategy[Any] = st.text(st.characters(categories=("Lu", "Ll", "Lo")), min_size=1, max_size=12)
DAYS: st.SearchStrategy[Any] = st.dates(min_value=date(1, 1, 1)).map(lambda day: day.isoformat())
PERSONS: st.SearchStrategy[Any] = st.fixed_dictionaries(
    {"family-names": NAMES, "given-names": NAMES},
    optional={
        "name-particle": st.sampled_from(("van", "de la", "von")),
        "name-suffix": st.sampled_from(("Jr.", "III")),
        "affiliation": NAMES,
        "email": NAMES.map(lambda name: f"{name}@example.org"),
        "website": st.just("https://example.org/~a"),
        "alias": NAMES,
    },
)
ENTITIES: st.SearchStrategy[Any] = st.fixed_dictionaries(
    {"name": NAMES}, optional={"website": st.just("https://example.org/e")}
)


def _distinct(people: list[dict[str, str]]) -> list[dict[str, str]]:
    """Nobody twice: whoever is named twice is there once."""
    names: dict[str, dict[str, str]] = {}
    for each in people:
        parts = (
            each.get(part, "")
            for part in ("name", "given-names", "name-particle", "family-names", "name-suffix")
        )
        names.setdefault(" ".join(filter(None, parts)), each)
    return list(names.values())


AUTHORS: st.SearchStrategy[Any] = st.lists(st.one_of(PERSONS, ENTITIES), min_size=1, max_size=4).map(
    _distinct
)
FILES: st.SearchStrategy[Any] = st.fixed_dictionaries(
    {"cff-version": st.just("1.2.0"), "message": WORDS, "title": WORDS, "authors": AUTHORS},
    optional={
        "type": st.sampled_from(("software", "dataset")),
        "abstract": WORDS,
        "version": st.sampled_from(("1.10", "2024-03", "v1", "0x1F", "1e3", "no", "1:30")),
        "date-released": DAYS,
        "license": st.one_of(st.sampled_from(("MIT", "GPL-3.0-or-later")), st.just(["MIT", "Apache-2.0"])),
        "keywords": st.lists(NAMES, min_size=1, max_size=3, unique=True),
        "url": st.just("https://example.org/u"),
        "repository-code": st.just("https://example.org/c.git"),
        "repository-artifact": st.just("https://example.org/a"),
        "repository": st.just("https://example.org/r"),
        "commit": st.just("1ff847d81f29c45a3a1a5ce73d38e45c2f319bba"),
        "doi": st.just("10.1234/a.b"),
        "contact": st.lists(PERSONS, min_size=1, max_size=2),
        "preferred-citation": st.fixed_dictionaries(
            {
                "type": st.sampled_from(("article", "book", "conference-paper")),
                "title": WORDS,
                "authors": AUTHORS,
            },
            optional={
                "journal": NAMES,
                "year": st.just("2020"),
                "volume": st.just("3"),
                "doi": st.just("10.1234/p"),
            },
        ),
    },
)


def work_of(name: str, data: bytes) -> Work:
    """A work by way of the entry that a deposit keeps; the entry has no fault."""
    outcome = filled(None, combined([(name, data)]))
    assert outcome is not None
    document = outcome.entry.document
    assert [each.code for each in check_entry(document) if each.severity == "error"] == []
    return Work(
        key="d1",
        node=tree_of(parse(document)),
        title=outcome.entry.title or "",
        version=outcome.entry.software_version or "",
    )


def _documented_cff(told: dict[str, Any]) -> dict[str, Any]:
    """Two licences of one stay a list; the type is always said."""
    return {"type": "software", **told}


@settings(max_examples=25, deadline=None)
@given(told=FILES)
def test_a_citation_file_comes_out_as_it_went_in(told: dict[str, Any]) -> None:
    data = yaml.safe_dump(told, allow_unicode=True).encode()
    out = yaml.safe_load(cff(work_of("CITATION.cff", data)))
    assert out == _documented_cff(told)
    assert list(CFF_SCHEMA.iter_errors(out)) == []


def _organisations(names: list[str]) -> list[dict[str, str]]:
    first, *others = names
    return [{"name": first, "id": "https://ror.org/02mhbdp94"}, *({"name": each} for each in others)]


AGENTS: st.SearchStrategy[Any] = st.fixed_dictionaries(
    {"type": st.just("Person"), "givenName": NAMES, "familyName": NAMES},
    optional={
        "honorificSuffix": st.sampled_from(("Jr.", "III")),
        "email": NAMES.map(lambda name: f"{name}@example.org"),
        "url": st.just("https://example.org/~a"),
        "affiliation": st.lists(NAMES, min_size=2, max_size=3, unique=True).map(_organisations),
    },
)
DOCUMENTS: st.SearchStrategy[Any] = st.fixed_dictionaries(
    {
        "@context": st.just("https://w3id.org/codemeta/3.0"),
        "type": st.just("SoftwareSourceCode"),
        "name": WORDS,
        "author": st.lists(
            AGENTS, min_size=2, max_size=4, unique_by=lambda each: (each["givenName"], each["familyName"])
        ),
    },
    optional={
        "id": st.just("https://example.org/s"),
        "description": WORDS,
        "version": st.sampled_from(("1.10", "2024-03", "v1")),
        "datePublished": st.sampled_from(("2024", "2024-03", "2024-03-05", "2024-03-05T06:07:08+01:00")),
        "dateCreated": DAYS,
        "license": st.sampled_from(("https://spdx.org/licenses/MIT", "MIT OR Apache-2.0")),
        "keywords": st.lists(NAMES, min_size=2, max_size=3, unique=True),
        "codeRepository": st.just("https://example.org/c.git"),
        "continuousIntegration": st.just("https://example.org/ci"),
        "isAccessibleForFree": st.sampled_from(("true", "false")),
        "softwareRequirements": st.lists(
            st.fixed_dictionaries(
                {"type": st.just("SoftwareApplication"), "name": NAMES, "version": st.just("1.2")}
            ),
            min_size=2,
            max_size=3,
            unique_by=lambda each: each["name"],
        ),
        "referencePublication": st.fixed_dictionaries(
            {"type": st.just("ScholarlyArticle"), "name": WORDS, "id": st.just("https://doi.org/10.1234/p")}
        ),
        "funder": st.fixed_dictionaries({"type": st.just("Organization"), "name": NAMES}),
        "funding": WORDS,
        "https://example.org/terms/level": WORDS,
    },
)


def _documented_codemeta(told: dict[str, Any]) -> dict[str, Any]:
    """Names are composed, terms of schema.org have its prefix, and a version is said under both of its names."""
    told = dict(told)
    told["author"] = [_composed(each) for each in told["author"]]
    if "version" in told:
        told["softwareVersion"] = told["version"]
    return told


def _composed(agent: dict[str, Any]) -> dict[str, Any]:
    agent = {
        ("schema:honorificSuffix" if term == "honorificSuffix" else term): value
        for term, value in agent.items()
    }
    parts = (agent.get(term) for term in ("givenName", "familyName", "schema:honorificSuffix"))
    return {**agent, "name": " ".join(filter(None, parts))}


@settings(max_examples=25, deadline=None)
@given(told=DOCUMENTS)
def test_a_codemeta_file_comes_out_as_it_went_in(told: dict[str, Any]) -> None:
    out = json.loads(codemeta(work_of("codemeta.json", json.dumps(told).encode())))
    assert out == _documented_codemeta(told)


@pytest.mark.parametrize(
    "case",
    [case for case in CASES if "author" in case.expected and not case.refused],
    ids=lambda case: f"{case.name} {case.id}",
)
def test_what_comes_out_as_codemeta_is_read_as_the_same(case: Case) -> None:
    data = case.data
    work = work_of_any(case.name, data)
    again = read_file("codemeta.json", codemeta(work).encode())
    assert again.refused == ()
    assert plain(again.node) == {"type": "SoftwareSourceCode", **plain(work.node)}


def work_of_any(name: str, data: bytes) -> Work:
    """A work of a file that may have no title."""
    node = read_file(name, data).node
    if "name" not in node:
        data_again = json.dumps({"name": "N"}).encode()
        other = "CITATION.cff" if name == "codemeta.json" else "codemeta.json"
        titled = b"title: N\n" if other == "CITATION.cff" else data_again
        outcome = filled(None, combined([(name, data), (other, titled)]))
        assert outcome is not None
        return Work(key="d1", node=tree_of(parse(outcome.entry.document)), title="N")
    return work_of(name, data)


@settings(max_examples=25, deadline=None)
@given(told=FILES)
def test_bibtex_is_read_by_others_as_it_is_meant(told: dict[str, Any]) -> None:
    work = work_of("CITATION.cff", yaml.safe_dump(told, allow_unicode=True).encode())
    (entry,) = parse_string(bibtex(work), "bibtex").entries.values()
    persons = entry.persons["author"]
    assert len(persons) == len(people(work.node, "author"))
    for person, meant in zip(persons, people(work.node, "author"), strict=True):
        if meant.family and not meant.is_organisation:
            assert " ".join(person.first_names + person.middle_names).strip("{}") == meant.given
            assert " ".join(person.prelast_names) == meant.particle
            assert " ".join(person.last_names).strip("{}") == meant.family
    if "date-released" in told:
        assert entry.fields["date"] == told["date-released"]


def full(kind: str) -> Work:
    return work_of(kind, FULL[kind][0].encode())


@pytest.mark.parametrize("kind", [kind for kind in FULL if kind not in ("pyproject.toml",)])
def test_every_format_is_written_of_every_file(kind: str) -> None:
    work = full(kind)
    assert list(CFF_SCHEMA.iter_errors(yaml.safe_load(cff(work)))) == []
    # What is not described, the record adds.
    dated = dataclasses.replace(work, date="2024-01-31", publisher="An archive")
    assert [error.message for error in schema45.validator.iter_errors(json.loads(datacite(dated)))] == []
    assert parse(dublin_core(work)) is not None
    assert len(parse_string(bibtex(work), "bibtex").entries) == 1


@pytest.mark.parametrize(
    "write", [bibtex, cff, codemeta, datacite, dublin_core], ids=lambda write: write.__name__
)
def test_nothing_is_lost_in_any_format(write: Any) -> None:
    text = write(full("codemeta.json"))
    text = text.decode() if isinstance(text, bytes) else text
    for said in (
        "m-name",
        "m-given",
        "m-family",
        "m-suffix",
        "0000-0002-1825-0097",
        "m-affiliation",
        "MIT",
        "m-one",
        "m-two",
        "m-doi",
        "2024-03",
    ):
        assert said in text, said
    assert "2024-03-01" not in text


def test_a_date_without_a_day_is_never_completed() -> None:
    work = full("codemeta.json")
    assert json.loads(codemeta(work))["datePublished"] == "2024-03"
    assert {"date": "2024-03", "dateType": "Issued"} in json.loads(datacite(work))["dates"]
    assert "date-released: 2024-03 (not a whole day)" in cff(work)
