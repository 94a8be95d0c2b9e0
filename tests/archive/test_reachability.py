"""What goes when some objects go: all that only they lead to; what comes meanwhile holds what it brought."""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import connection, transaction

from archive.identifiers import SWHID, ObjectType, content_id
from archive.ingest import Ingest
from archive.models import Pack
from archive.reachability import leaving
from archive.storage import FileStorage
from archive.tree import Tree

pytestmark = pytest.mark.django_db
Files = dict[bytes, bytes]


@pytest.fixture
def archived(tmp_path: Path) -> Callable[[Files], bytes]:
    """Archives files; returns their directory."""
    storage = FileStorage(tmp_path / "archive")

    def load(files: Files) -> bytes:
        with Ingest(storage) as ingest, transaction.atomic():
            tree = Tree()
            for path, content in files.items():
                tree.add_file(path, ingest.add_content(content))
            root = ingest.add_tree(tree)
            ingest.seal()
            ingest.publish()
            return root

    return load


def going(
    root: bytes, meanwhile: Callable[[], object] = lambda: None, *, also_named: bool = True
) -> set[SWHID]:
    with leaving() as found:
        found.name([root])
        found.gather()
        found.settle(also_named=also_named)
        meanwhile()
        found.settle_again(also_named=also_named)
        return set(found.going())


def file(content: bytes) -> SWHID:
    return SWHID(ObjectType.CONTENT, content_id(content))


def test_all_below_goes_but_what_others_hold_and_what_is_empty(archived: Callable[[Files], bytes]) -> None:
    root = archived({b"own": b"own", b"a/shared": b"shared", b"a/b/own": b"deep", b"empty": b""})
    archived({b"x": b"shared"})
    found = going(root)
    assert {one for one in found if one.type is ObjectType.CONTENT} == {file(b"own"), file(b"deep")}
    assert len(found) == 5


def test_a_folder_that_another_holds_keeps_all_below_it(archived: Callable[[Files], bytes]) -> None:
    root = archived({b"f/a": b"a", b"f/g/b": b"b", b"own": b"own"})
    archived({b"other/f/a": b"a", b"other/f/g/b": b"b"})
    assert going(root) == {SWHID(ObjectType.DIRECTORY, root), file(b"own")}


def test_what_comes_meanwhile_keeps_what_it_holds(archived: Callable[[Files], bytes]) -> None:
    root = archived({b"own": b"own", b"late": b"late"})
    found = going(root, lambda: archived({b"x": b"late"}))
    assert found == {SWHID(ObjectType.DIRECTORY, root), file(b"own")}


def test_a_pack_that_is_written_anew_meanwhile_holds_nothing_back(archived: Callable[[Files], bytes]) -> None:
    root = archived({b"own": b"own"})

    def rewritten() -> None:
        new = Pack.objects.create(sha256=bytes(32), size=1)
        with connection.cursor() as cursor:
            cursor.execute("UPDATE archive_object SET pack_id = %s", [new.pk])

    assert going(root, rewritten) == {SWHID(ObjectType.DIRECTORY, root), file(b"own")}


def test_what_is_named_goes_whoever_holds_it(archived: Callable[[Files], bytes]) -> None:
    archived({b"own": b"own", b"x": b"x"})
    named = content_id(b"own")
    assert going(named) == set()
    late = {b"again": b"own"}
    assert going(named, lambda: archived(late), also_named=False) == {file(b"own")}
