"""A folder as a place that items are taken from."""

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from deposit.metadata.packaging import Packaging
from sources.folders import disposal, packing
from sources.folders.scanning import stamp_of, tree_version
from sources.places import Changed, Gone, Original, Read, Sink

# What is sent as a package by its name, whatever it holds: a broken one is to be found broken.
_PACKAGES = (
    ".zip",
    ".tar",
    ".tgz",
    ".tbz2",
    ".txz",
    ".tzst",
    ".tar.gz",
    ".tar.bz2",
    ".tar.xz",
    ".tar.zst",
    ".7z",
    ".rar",
)


def is_package(name: str) -> bool:
    """Whether a name is that of an archive."""
    return name.lower().endswith(_PACKAGES)


class FolderPlace:
    """A folder on a file system of this machine. ``asks_for_packages``: nothing in it is to be kept as one file."""

    def __init__(
        self,
        root: Path,
        *,
        strip: bool = False,
        exclude_hidden: bool = False,
        asks_for_packages: bool = False,
    ) -> None:
        self.root = root
        self._strip = strip
        self._exclude_hidden = exclude_hidden
        self._asks_for_packages = asks_for_packages

    def read(self, original: Original, sink: Sink) -> Read:
        """Write a file as it is, a directory as a tar. Raises `Gone`, `Changed`, `NotTakeable`."""
        path = self.root / original.key
        stamp = stamp_of(path)
        if stamp is None:
            raise Gone(original.key)
        if stamp.is_link:
            raise packing.refuse_link(original.key)
        if stamp.is_directory != original.is_directory:
            raise Changed(original.key)
        if not stamp.is_directory:
            packing.copy_file(path, original.key, original.version, sink)
            return self._file(original.key)
        self._require_tree(path, original)
        content = packing.content_of(path, strip=self._strip)
        try:
            packing.write_tree(content, sink, exclude_hidden=self._exclude_hidden)
        except OSError:
            # Most of all a file that became shorter while it was read.
            self._require_tree(path, original)
            raise
        self._require_tree(path, original)
        return Read(name=f"{original.key}.tar", content_type="application/x-tar")

    def _require_tree(self, path: Path, original: Original) -> None:
        try:
            version, _ = tree_version(path)
        except PermissionError as error:
            raise packing.refuse_permission(str(error.filename)) from None
        except FileNotFoundError:
            raise Gone(original.key) from None
        if version != original.version:
            raise Changed(original.key)

    def _file(self, key: str) -> Read:
        if key.lower().endswith(".zip"):
            return Read(name=key, content_type="application/zip")
        if is_package(key) or self._asks_for_packages:
            return Read(name=key, content_type="application/x-tar")
        return Read(name=key, content_type="application/octet-stream", packaging=Packaging.BINARY)

    def put_report(self, name: str, data: bytes) -> None:
        """Write a report under a hidden name, then give it its own."""
        handle, temporary = tempfile.mkstemp(dir=self.root, prefix=".report-", suffix=".part")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                os.fchmod(file.fileno(), 0o644)
            Path(temporary).replace(self.root / name)
        finally:
            with suppress(FileNotFoundError):
                Path(temporary).unlink()

    def drop_report(self, name: str) -> None:
        """Remove a report; none there is no error."""
        (self.root / name).unlink(missing_ok=True)

    def delete(self, original: Original) -> None:
        """Remove the original if it is still what was stored."""
        disposal.delete(self.root / original.key, original.version, original.short_id)

    def move(self, original: Original, target: str) -> str:
        """Move the original into the folder ``target``."""
        return disposal.move(self.root / original.key, original.version, Path(target), original.short_id)

    def mark(self, original: Original, tags: dict[str, str]) -> None:
        """A folder has no room for tags; the report says it all."""
