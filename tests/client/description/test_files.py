"""Every file that describes a package, in the ways that people and tools write it, and as nobody honest does."""

import pytest

from client.description.files import combined, read_file
from client.description.node import Unreadable
from tests.client.description.cases import CASES, HOSTILE, Case
from tests.client.description.plain import plain


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.name} {case.id}")
def test_a_file_is_read(case: Case) -> None:
    read = read_file(case.name, case.data)
    told = plain(read.node)
    assert {term: told.get(term) for term in case.expected} == case.expected
    assert not set(case.absent) & set(told)
    for said, notes in ((case.notes, read.notes), (case.refused, read.refused)):
        assert len(said) == len(notes), notes
        assert all(words in note for words, note in zip(said, notes, strict=True)), notes


@pytest.mark.parametrize(("name", "data"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_file_is_refused_with_a_reason(name: str, data: bytes) -> None:
    with pytest.raises(Unreadable, match=r"^(it|a line) "):
        read_file(name, data)
    found = combined([(name, data)])
    assert (found.node, len(found.notes)) == ({}, 1)
