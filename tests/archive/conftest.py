"""An archive in a folder of the test's own, and loads into it."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from django.db import transaction

from archive.ingest import Ingest
from archive.storage import FileStorage
from archive.tree import Tree

# A package: path -> bytes (a file), ("x", bytes) (an executable), ("l", bytes) (a link), None (a directory).
Package = Mapping[bytes, bytes | tuple[str, bytes] | None]


@pytest.fixture
def storage(tmp_path: Path, settings: object) -> FileStorage:
    root = tmp_path / "archive"
    settings.ARCHIVE_ROOT = str(root)  # type: ignore[attr-defined]
    return FileStorage(root)


def add_package(ingest: Ingest, package: Package) -> bytes:
    """Add a package's members and its directories; returns the root."""
    tree = Tree()
    for path, member in package.items():
        if member is None:
            tree.add_directory(path)
        elif isinstance(member, bytes):
            tree.add_file(path, ingest.add_content(member))
        elif member[0] == "x":
            tree.add_file(path, ingest.add_content(member[1]), executable=True)
        else:
            tree.add_symlink(path, ingest.add_content(member[1]))
    return ingest.add_tree(tree)


Load = Callable[[Package], tuple[bytes, Ingest]]


@pytest.fixture
def load(storage: FileStorage, db: None) -> Load:
    """Load a package, publish it, and give the root's identifier and the finished ingest."""

    def _load(package: Package) -> tuple[bytes, Ingest]:
        with Ingest(storage) as ingest:
            root = add_package(ingest, package)
            ingest.seal()
            with transaction.atomic():
                ingest.publish()
        return root, ingest

    return _load
