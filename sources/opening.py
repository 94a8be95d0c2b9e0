"""From a source's row to what serves it."""

import threading
from pathlib import Path

from sources import items
from sources.folders.finder import FolderFinder
from sources.folders.place import FolderPlace
from sources.models import Source, SourceKind
from sources.places import Place
from sources.session import Finder


def open_source(source: Source, woken: threading.Event) -> tuple[Place, Finder]:
    """The place and the finder of a source; ``woken`` is set when there is news. Raises what the place raises."""
    if source.kind == SourceKind.BUCKET:
        from sources.buckets.opening import open_bucket  # noqa: PLC0415  slow import

        return open_bucket(source, woken)
    root = Path(source.location)
    finder = FolderFinder(
        root,
        stable_seconds=source.stable_seconds,
        ignore=source.ignore,
        polling=source.polling,
        leave_out=_inside(root, source.completed_dir),
        known=items.known_versions(source),
        woken=woken,
    )
    finder.start()
    return place_of(source), finder


def place_of(source: Source) -> Place:
    """A source's place, without looking for anything there."""
    if source.kind == SourceKind.BUCKET:
        from sources.buckets.opening import bucket_place  # noqa: PLC0415  slow import

        return bucket_place(source)
    return FolderPlace(
        Path(source.location),
        strip=source.strip_top_level_dir,
        exclude_hidden=source.exclude_hidden_files,
        asks_for_packages=bool(source.profile or source.collection.profile),
    )


def _inside(root: Path, folder: str) -> list[str]:
    """The name of what lies in the watched folder and is none of its items: the folder of what is completed."""
    path = Path(folder) if folder else root
    return [path.relative_to(root).parts[0]] if path != root and path.is_relative_to(root) else []
