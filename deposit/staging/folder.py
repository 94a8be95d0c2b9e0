"""The staging area in a folder (``STAGING_ROOT``), which all machines of the service see."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from deposit.staging import files, preallocated
from deposit.staging.files import StagingFile, path_of
from deposit.staging.interface import Leftover
from deposit.staging.preallocated import PreallocatedRegion

if TYPE_CHECKING:
    from deposit.models import Upload

_CHUNK = 256 * 1024


class FolderStaging:
    """See `deposit.staging.interface.Staging`."""

    endpoint = None

    def incoming(self, *, limit: int, with_md5: bool, client: int, promised: int) -> StagingFile:
        """A file that is written to."""
        return StagingFile(limit=limit, with_md5=with_md5, client=client, promised=promised)

    def refuses_uploads(self, length: int) -> bool:
        """When the disk is full."""
        return files.refuses_uploads(length)

    def where(self, stored_as: str) -> str:
        """Its path."""
        return str(path_of(stored_as))

    def size(self, stored_as: str) -> int:
        """As the file system tells."""
        return path_of(stored_as).stat().st_size

    def path(self, stored_as: str) -> Path:
        """The file itself."""
        return path_of(stored_as)

    @contextmanager
    def local(self, stored_as: str, alive: Callable[[], None]) -> Iterator[Path]:
        """The file itself."""
        yield path_of(stored_as)

    def chunks(self, stored_as: str, start: int, stop: int | None) -> Iterator[bytes]:
        """Read from the file."""
        with path_of(stored_as).open("rb", buffering=0) as file:
            file.seek(start)
            left = _CHUNK if stop is None else stop - start
            while chunk := file.read(min(_CHUNK, left)):
                left -= 0 if stop is None else len(chunk)
                yield chunk

    def put(self, stored_as: str, path: Path) -> None:
        """Copy, sync, and sync the folder."""
        target = path_of(stored_as)
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        shutil.copyfile(path, target)
        with target.open("rb") as file:
            os.fsync(file.fileno())
        files.sync_directory(target.parent)

    def remove(self, stored_as: str) -> None:
        """Unlink."""
        path_of(stored_as).unlink(missing_ok=True)

    def erase(self, stored_as: str) -> None:
        """Unlink it, wherever the cleanup may have put it, durably."""
        path = path_of(stored_as)
        for one in (path, *(files.root() / "trash").glob(f"*/{path.parent.name}.{path.name}")):
            one.unlink(missing_ok=True)
            if one.parent.is_dir():
                files.sync_directory(one.parent)

    def new_name(self) -> str:
        """In the folder of today, which is durable."""
        return preallocated.new_name()

    def reserve(self, upload: "Upload") -> str:
        """One file of the whole length, of holes."""
        preallocated.make(upload.stored_as, upload.size)
        return ""

    def region(self, upload: "Upload", number: int, *, offset: int, size: int) -> PreallocatedRegion:
        """A stretch of that file."""
        files.require_room(size)
        return PreallocatedRegion(upload.stored_as, offset=offset, size=size)

    def segment_recorded(self, upload: "Upload") -> None:
        """It lies where it belongs already."""

    def seal(self, upload: "Upload") -> None:
        """The file takes no more bytes."""
        preallocated.seal(upload.stored_as)

    def give_up(self, upload: "Upload") -> None:
        """Remove the file."""
        self.remove(upload.stored_as)

    def abandoned(self, age: timedelta) -> Iterator[Leftover]:
        """Files that never got their name."""
        for path in files.old_files(files.root() / "incoming", age):
            yield Leftover(str(path), partial(files.removed, path))

    def finished(self, age: timedelta) -> Iterator[str]:
        """Files below ``packages``."""
        for day in files.folders(files.root() / "packages"):
            for path in files.old_files(day, age):
                yield str(path.relative_to(files.root()))

    def set_aside(self, stored_as: str) -> str:
        """Below ``trash``. The day stays in the name, so that an operator can put the file back."""
        path = path_of(stored_as)
        trash = files.root() / "trash" / f"{datetime.now(UTC):%Y-%m-%d}"
        trash.mkdir(parents=True, exist_ok=True)
        aside = trash / f"{path.parent.name}.{path.name}"
        path.rename(aside)
        return str(aside.relative_to(files.root()))

    def put_back(self, aside: str, stored_as: str) -> None:
        """Rename it back."""
        path_of(aside).rename(path_of(stored_as))

    def empty_trash(self, before: str) -> int:
        """Unlink the files of older days, and their folders."""
        removed = 0
        for day in files.folders(files.root() / "trash"):
            if day.name < before:
                for entry in list(os.scandir(day)):
                    removed += files.removed(Path(entry.path))
                with suppress(OSError):
                    day.rmdir()
        return removed
