"""The directory identifier of a package's members, made with swh.model: the oracle of the identity tests."""

from pathlib import Path

from swh.model.from_disk import Content, Directory

from packages import Kind, Limits, open_package


def directory_id(path: Path, limits: Limits | None = None) -> str:
    """The SWHID of the tree that the package's members make."""
    root = Directory()  # type: ignore[no-untyped-call]
    with open_package(path, limits) as package:
        for member in package:
            _ensure(root, member.path.rpartition(b"/")[0])
            if member.kind is Kind.DIRECTORY:
                _ensure(root, member.path)
            elif member.kind is Kind.HARDLINK:
                assert member.target is not None
                root[member.path] = root[member.target]
            elif member.kind is Kind.SYMLINK:
                assert member.target is not None
                root[member.path] = Content.from_bytes(mode=0o120000, data=member.target)  # type: ignore[no-untyped-call]
            else:
                mode = 0o100755 if member.executable else 0o100644
                root[member.path] = Content.from_bytes(mode=mode, data=b"".join(member.chunks()))  # type: ignore[no-untyped-call]
    return str(root.swhid())


def unpacked_id(path: Path) -> str:
    """The SWHID of a folder on disk."""
    return str(Directory.from_disk(path=bytes(path), max_content_length=None).swhid())


def _ensure(root: Directory, path: bytes) -> None:
    names = path.split(b"/") if path else []
    for depth in range(1, len(names) + 1):
        place = b"/".join(names[:depth])
        if place not in root:
            root[place] = Directory()  # type: ignore[no-untyped-call]
