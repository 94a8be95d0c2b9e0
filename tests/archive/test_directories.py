"""Directories are read as their bytes come: whole, one name, or a page; whatever the pieces are cut like."""

import random

import pytest

from archive.directories import entries_of, entry_named, page_after
from archive.errors import Damaged, NotFound
from archive.objects import DIRECTORY, EXECUTABLE, FILE, SYMLINK, Entry, directory_manifest, read_directory

# Names that look like more, and names between whose orders a slash decides.
NAMES = [
    b"a",
    b"a.b",
    b"a-b",
    b"ab",
    b"x100644 y",
    b"y",
    b"100644 y",
    b" ",
    b"\n",
    b"\xff\xfe",
    b"z" * 255,
    b"40000 a",
]
MODES = [FILE, EXECUTABLE, SYMLINK, DIRECTORY]


def directory(seed: int) -> list[Entry]:
    """Entries whose targets are full of what separates entries."""
    chance = random.Random(seed)
    entries = []
    for name in chance.sample(NAMES, chance.randint(1, len(NAMES))):
        target = bytes(chance.choice(b"\0 0146y") for _ in range(20))
        entries.append(Entry(name, chance.choice(MODES), target))
    return list(read_directory(directory_manifest(entries)))


def cut(manifest: bytes, size: int) -> list[bytes]:
    return [manifest[at : at + size] for at in range(0, len(manifest), size)]


@pytest.mark.parametrize("size", [1, 2, 7, 29, 64, 10_000])
@pytest.mark.parametrize("seed", range(20))
def test_every_entry_is_found_however_the_bytes_are_cut(seed: int, size: int) -> None:
    entries = directory(seed)
    pieces = cut(directory_manifest(entries), size)

    assert list(entries_of(pieces)) == entries
    assert [entry_named(pieces, entry.name) for entry in entries] == entries
    for name in {*NAMES, b"none", b"644 y"} - {entry.name for entry in entries}:
        assert entry_named(pieces, name) is None


@pytest.mark.parametrize("most", [1, 2, 5, 100])
def test_pages_follow_each_other_to_the_end(most: int) -> None:
    entries = directory(3)
    pieces = cut(directory_manifest(entries), 13)

    found, after, more = [], b"", True
    while more:
        page, more = page_after(pieces, after, most)
        assert len(page) <= most
        found += page
        after = page[-1].name

    assert found == entries


def test_a_page_after_a_name_that_is_not_there_is_not_found() -> None:
    with pytest.raises(NotFound):
        page_after([directory_manifest([Entry(b"a", FILE, bytes(20))])], b"b", 10)


@pytest.mark.parametrize("tail", [b"100644 a", b"100644 a\0" + bytes(19), b"x" * 40, b"9 a\0" + bytes(20)])
def test_a_broken_manifest_is_damaged(tail: bytes) -> None:
    manifest = directory_manifest([Entry(b"a", FILE, bytes(20))]) + tail
    for size in (1, 1000):
        with pytest.raises(Damaged):
            list(entries_of(cut(manifest, size)))


def test_looking_for_a_name_reads_no_further_than_where_it_would_be() -> None:
    entries = [Entry(b"%06d" % number, FILE, bytes(20)) for number in range(10_000)]
    pieces = iter(cut(directory_manifest(entries), 1000))

    assert entry_named(pieces, b"000100x") is None

    assert len(list(pieces)) > 300
