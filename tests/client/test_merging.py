"""New metadata over those that a deposit has: nothing that was not said again is lost."""

from client import Metadata
from client.merging import merge
from client.metadata import Person

PRESENT = Metadata(
    name="Old",
    authors=(Person(name="Ada", email="ada@example.org"),),
    version="1",
    description="Words",
    license="https://spdx.org/licenses/MIT",
    create_origin="https://example.org/a",
    codemeta={"keywords": ["one", "two"]},
).to_entry()


def test_one_field_is_changed_and_the_others_stay() -> None:
    merged = merge(PRESENT, Metadata(name="", description="Better words"))
    assert merged.changed == (("description", "Words", "Better words"),)
    assert set(merged.kept) == {
        "author", "softwareVersion", "license", "keywords", "origin and provenance",
    }  # fmt: skip
    entry = merged.entry.decode()
    for kept in ("Old", "ada@example.org", "MIT", "one", "two", 'url="https://example.org/a"'):
        assert kept in entry
    assert "Better words" in entry
    assert ">Words<" not in entry
    # Once more changes nothing.
    assert merge(merged.entry, Metadata(name="", description="Better words")).changed == ()


def test_a_list_takes_the_place_of_the_whole_list() -> None:
    merged = merge(PRESENT, Metadata(name="New", authors=("Charles",)))
    assert merged.changed == (("name", "Old", "New"), ("author", "Ada ada@example.org", "Charles"))
    assert b"Ada" not in merged.entry


def test_an_entry_of_another_version_of_codemeta_is_not_said_twice() -> None:
    present = Metadata(name="Old", authors=("Ada",), version="1", codemeta_version=3).to_entry()
    merged = merge(present, Metadata(name="", version="2"))
    assert merged.entry.count(b"softwareVersion>") == 2
    assert b"codemeta-2" not in merged.entry.lower()
    whole = Metadata(name="Old", authors=("Ada",), version="3").to_entry()
    assert merge(present, whole).entry.count(b"softwareVersion>") == 2
