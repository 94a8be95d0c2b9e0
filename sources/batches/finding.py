"""What a batch consists of: the files and folders at its depth, hidden ones left out."""

from pathlib import Path

from sources.batches.models import Batch


def names_in(folder: Path, depth: int, completed: Path | None = None) -> list[str]:
    """The names, relative to ``folder``, in order; the folder for what is completed is none of them.

    Raises OSError when it cannot be read.
    """
    level = [folder]
    for _ in range(depth - 1):
        level = [path for one in level for path in _visible(one, completed) if path.is_dir()]
    return [str(path.relative_to(folder)) for one in level for path in _visible(one, completed)]


def _visible(folder: Path, completed: Path | None) -> list[Path]:
    found = [path for path in folder.iterdir() if not path.name.startswith(".") and path != completed]
    return sorted(path for path in found if not path.is_symlink())


def names_of(batch: Batch) -> list[str]:
    """The names of a batch, as its folder is now."""
    completed = Path(batch.completed_dir) if batch.completed_dir else None
    return names_in(Path(batch.folder), batch.depth, completed)
