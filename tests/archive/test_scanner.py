"""Packs read without their index, past damage: what is lost is told exactly, the rest is there."""

import os
import random
from contextlib import closing
from pathlib import Path

import pytest

from archive.errors import Damaged
from archive.identifiers import SWHID, ObjectType, content_id
from archive.ingest import Ingest
from archive.packs import LARGE, PackReader, Row
from archive.packs.scanner import Gap, salvage
from archive.storage import FileStorage, LocalPack
from archive.tree import Tree

LARGE_CONTENT = random.Random(1).randbytes(2 * LARGE + 77)


@pytest.fixture
def pack(storage: FileStorage, db: None) -> Path:
    """A pack with small contents, a large one, directories (one of them large) and metadata, not published."""
    source = random.Random(2)
    with Ingest(storage) as ingest:
        tree = Tree()
        for number in range(300):
            tree.add_file(b"small/%d" % number, ingest.add_content(source.randbytes(source.randrange(4000))))
        tree.add_file(b"large", ingest.add_content_stream((LARGE_CONTENT,), len(LARGE_CONTENT)))
        name = b"n" * 200
        for number in range(6000):
            tree.add_file(b"wide/%s%d" % (name, number), content_id(b"%d" % number))
        for number in range(300):
            tree.add_file(b"more/%d" % number, ingest.add_content(source.randbytes(source.randrange(4000))))
        ingest.add_tree(tree)
        ingest.seal()
        path = storage.path(ingest._packing.names[0])
        copy = path.parent / "copy"
        copy.write_bytes(path.read_bytes())
    return copy


def scan(path: Path) -> tuple[list[Row], list[Gap]]:
    with closing(LocalPack(path, "0" * 64)) as file:
        found = list(salvage(file))
    return [one for one in found if isinstance(one, Row)], [one for one in found if isinstance(one, Gap)]


def listed(path: Path) -> list[Row]:
    with closing(LocalPack(path, "0" * 64)) as file:
        return list(PackReader(file).rows())


def test_a_sound_pack_gives_exactly_the_rows_of_its_index(pack: Path) -> None:
    rows, gaps = scan(pack)
    assert gaps == []
    assert rows == listed(pack)
    kinds = {row.swhid.type for row in rows if row.length > LARGE}
    assert kinds == {ObjectType.CONTENT, ObjectType.DIRECTORY}


def test_large_directories_read_back(pack: Path) -> None:
    (wide,) = [row for row in listed(pack) if row.length > LARGE and row.swhid.type is ObjectType.DIRECTORY]
    with closing(LocalPack(pack, "0" * 64)) as file:
        assert len(PackReader(file).read(wide)) == wide.length


@pytest.mark.parametrize("seed", range(12))
def test_a_flipped_bit_loses_the_objects_of_its_frame_and_no_other(pack: Path, seed: int) -> None:
    before = listed(pack)
    data = bytearray(pack.read_bytes())
    at = random.Random(seed).randrange(len(data))
    data[at] ^= 0x10
    pack.write_bytes(data)
    rows, gaps = scan(pack)
    lost = [row for row in before if row not in rows]
    assert all(row.offset <= at < row.offset + row.stored for row in lost)
    assert set(rows) <= set(before)
    # A bit of a header that nothing checks (the version of a seek table) may be without consequence.
    assert gaps or not lost
    for gap in gaps:
        assert gap.offset <= at < gap.offset + gap.length


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9, 0.999])
def test_a_torn_pack_gives_back_what_was_written_before(pack: Path, part: float) -> None:
    before = listed(pack)
    length = int(pack.stat().st_size * part)
    os.truncate(pack, length)
    with pytest.raises(Damaged):
        listed(pack)
    rows, gaps = scan(pack)
    assert rows == [row for row in before if row.offset + row.stored <= length]
    assert len(gaps) <= 1


def test_a_hole_of_zeroes_is_told_with_its_place(pack: Path) -> None:
    before = listed(pack)
    victim = before[150]
    data = bytearray(pack.read_bytes())
    data[victim.offset : victim.offset + victim.stored] = bytes(victim.stored)
    pack.write_bytes(data)
    rows, gaps = scan(pack)
    assert [(gap.offset, gap.length) for gap in gaps] == [(victim.offset, victim.stored)]
    assert [row for row in before if row not in rows] == [
        row for row in before if row.offset == victim.offset
    ]


def test_reading_a_damaged_object_says_where_the_damage_is(pack: Path) -> None:
    victim = listed(pack)[0]
    data = bytearray(pack.read_bytes())
    data[victim.offset + 40] ^= 1
    pack.write_bytes(data)
    place = f"Pack {'ab' * 32}: bytes {victim.offset} to"
    with closing(LocalPack(pack, "ab" * 32)) as file, pytest.raises(Damaged, match=place):
        PackReader(file).read(victim)


def test_rows_name_what_they_hold(pack: Path) -> None:
    (large,) = [row for row in listed(pack) if row.length == len(LARGE_CONTENT)]
    assert large.swhid == SWHID(ObjectType.CONTENT, content_id(LARGE_CONTENT))
