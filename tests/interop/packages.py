"""Small packages, with the identifiers their directories must get."""

import io
import tarfile
import tempfile
import zipfile
from pathlib import Path

from swh.model.from_disk import Directory

Tree = dict[str, bytes]


def zipped(path: Path, tree: Tree) -> Path:
    """A zip file."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in tree.items():
            package.writestr(name, content)
    return path


def tarred(path: Path, tree: Tree) -> Path:
    """A compressed tar file."""
    with tarfile.open(path, "w:gz") as package:
        for name, content in tree.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            package.addfile(member, io.BytesIO(content))
    return path


def directory_swhid(tree: Tree) -> str:
    """What swh.model says of the tree."""
    with tempfile.TemporaryDirectory() as folder:
        for name, content in tree.items():
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return str(Directory.from_disk(path=folder.encode(), max_content_length=None).swhid())
