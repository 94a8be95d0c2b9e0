"""Logs and reports of a package: in its work folder while it is worked on, then compressed in the archive."""

import gzip
import shutil
from pathlib import Path

from sources.museumplus.models import MuseumPackage

# As much of a log as a page shows.
MAX_SHOWN = 2 * 1024**2


def archive_logs(package: MuseumPackage, folder: Path) -> None:
    """Compress all files of ``folder`` into the package's archive; may be done again."""
    if not folder.is_dir():
        return
    target = package.archive_log_dir
    target.mkdir(parents=True, exist_ok=True)
    for path in sorted(folder.iterdir()):
        if path.is_file() and path.suffix not in (".gz", ".download"):
            half = target / f"{path.name}.gz.new"
            with path.open("rb") as source, gzip.open(half, "wb") as compressed:
                shutil.copyfileobj(source, compressed)
            half.replace(target / f"{path.name}.gz")


def is_archived(package: MuseumPackage) -> bool:
    """Whether its logs are in the archive."""
    return package.preserved or package.rejected or package.cancelled


def log_filenames(package: MuseumPackage) -> list[str]:
    """The names of a package's logs, as they are shown: without ``.gz``."""
    archived = [path.name.removesuffix(".gz") for path in package.archive_log_dir.glob("*.gz")]
    if archived or is_archived(package):
        return sorted(archived)
    return sorted(path.name for path in package.workflow_log_dir.glob("*") if path.is_file())


def log_content(package: MuseumPackage, name: str, limit: int | None = MAX_SHOWN) -> bytes:
    """The first ``limit`` bytes of a log. Raises FileNotFoundError for a name that is not in the list."""
    if name not in log_filenames(package):
        raise FileNotFoundError(name)
    compressed = package.archive_log_dir / f"{name}.gz"
    if compressed.exists():
        with gzip.open(compressed, "rb") as log:
            return log.read(-1 if limit is None else limit)
    with (package.workflow_log_dir / name).open("rb") as log:
        return log.read(-1 if limit is None else limit)
