"""Packs in the folder of backups: where they are, and which of them are needed."""

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from archive.storage import SUFFIX

MANIFEST = "manifest.json"


def place_of(folder: Path, name: str) -> Path:
    """Where a pack is in the folder of backups, or would be."""
    return folder / "packs" / name[:2] / f"{name}{SUFFIX}"


def found(folder: Path, name: str) -> Path:
    """Where a pack is; backups of early versions have all of them in one folder."""
    early = folder / "packs" / f"{name}{SUFFIX}"
    return early if early.is_file() else place_of(folder, name)


def spread(folder: Path) -> None:
    """Move packs of early versions to where they belong."""
    for path in list((folder / "packs").glob(f"[0-9a-f]*{SUFFIX}")):
        target = place_of(folder, path.name.removesuffix(SUFFIX))
        target.parent.mkdir(exist_ok=True)
        path.rename(target)


# --- Packs that no backup needs any more ---------------------------------------------------------------
def unnamed(folder: Path) -> Iterator[Path]:
    """Packs that no backup of the folder names: those of removed backups. Raises ValueError for a broken manifest."""
    named: set[str] = set()
    for manifest in folder.glob(f"*/{MANIFEST}"):
        named |= set(json.loads(manifest.read_text())["packs"])
    for path in sorted((folder / "packs").rglob(f"*{SUFFIX}")):
        if path.name.removesuffix(SUFFIX) not in named:
            yield path


def remove_unnamed(folder: Path) -> tuple[int, int]:
    """Remove them; returns how many, and their bytes. Not while a backup into the folder runs."""
    number = size = 0
    for path in list(unnamed(folder)):
        with suppress(FileNotFoundError):
            size += path.stat().st_size
            path.unlink()
            number += 1
    return number, size
