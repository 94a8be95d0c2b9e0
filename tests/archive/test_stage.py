"""A pack's index on its way into PostgreSQL: what is broken in it is told as damage."""

from contextlib import closing
from pathlib import Path

import pytest
from django.db import connection, transaction

from archive.errors import Damaged
from archive.identifiers import SWHID, ObjectType, content_id
from archive.packs import PackReader, PackWriter, Row
from archive.packs.layout import index_line
from archive.stage import stage
from archive.storage import LocalPack

ID = content_id(b"data")
SHA256 = b"s" * 32
GOOD = index_line(str(SWHID(ObjectType.CONTENT, ID)), SHA256, 4, 100, 50, 512)


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    """A pack that holds nothing."""
    writer = PackWriter(tmp_path / "pack")
    writer.finish()
    return writer.path


def staged(pack: Path, lines: str) -> list[tuple[object, ...]]:
    with (
        closing(PackReader(LocalPack(pack, "0" * 64))) as reader,
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        stage(cursor, reader, map(Row.parse, lines.splitlines()), 7)
        cursor.execute("TABLE archive_stage")
        return [
            tuple(bytes(value) if isinstance(value, memoryview) else value for value in row)
            for row in cursor.fetchall()
        ]


def test_a_line_about_a_content_is_a_row(pack: Path, db: None) -> None:
    assert staged(pack, GOOD) == [(4, 100, 50, 7, 512, 0, 0, ID, SHA256, None)]


@pytest.mark.parametrize(
    "broken",
    [
        GOOD.replace("\t4\t", "\tfour\t"),
        GOOD.replace("\t4\t", "\t-4\t"),
        GOOD.replace("\t4\t", "\t"),
        GOOD.replace("\t4\t", "\t4\t4\t"),
        GOOD.replace("\t4\t", f"\t{2**70}\t"),
        GOOD.replace("\t4\t", "\té\t"),
        GOOD.replace("\t4\t", "\t\\N\t"),
        GOOD.replace("\t512\n", f"\t{2**31}\n"),
        GOOD.replace(ID.hex(), ID.hex()[:-1]),
        GOOD.replace(ID.hex(), ID.hex()[:-2]),
        GOOD.replace(ID.hex(), "z" * 40),
        GOOD.replace(SHA256.hex(), SHA256.hex()[:-2]),
        GOOD.replace(SHA256.hex(), ""),
        GOOD.replace(SHA256.hex(), SHA256.hex()[:30] + "  " + SHA256.hex()[32:]),
        GOOD.replace("cnt", "cmt").replace(SHA256.hex(), "-"),
        GOOD.replace("cnt", "rev").replace(SHA256.hex(), "-"),
        GOOD.replace("cnt", "dir"),
        GOOD.replace(SHA256.hex(), "-"),
        "swh:1:cnt:\n",
        GOOD.replace("cnt", "dir").replace(SHA256.hex(), "-").replace("\t4\t", "\tfour\t"),
    ],
)
def test_a_broken_line_is_damage(pack: Path, broken: str, db: None) -> None:
    with pytest.raises(Damaged, match="A line of a pack's index is broken"):
        staged(pack, GOOD + broken)
    assert staged(pack, GOOD)
