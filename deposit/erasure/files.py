"""Files of the staging area that are erased: unlinked durably, wherever the cleanup may have put them."""

from collections.abc import Callable, Iterable
from pathlib import Path

from deposit.staging import files


def remove(stored_as: Iterable[str], *, alive: Callable[[], None]) -> None:
    """Unlink staged files, and copies of them in the trash; twice does no harm. Raises OSError.

    ``alive`` is called before each of them and may raise.
    """
    folders: set[Path] = set()
    for name in stored_as:
        alive()
        path = files.path_of(name)
        for one in (path, *_in_trash(path)):
            one.unlink(missing_ok=True)
            folders.add(one.parent)
    for folder in folders:
        if folder.is_dir():
            files.sync_directory(folder)


def _in_trash(path: Path) -> list[Path]:
    """As `deposit.staging.cleanup` names what it sets aside."""
    return list((files.root() / "trash").glob(f"*/{path.parent.name}.{path.name}"))
