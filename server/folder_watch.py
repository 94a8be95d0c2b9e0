"""Waiting until a file is renamed into a folder: the kernel tells, so that nobody has to look again and again."""

import os
import select
from pathlib import Path


class FolderWatch:
    """Tells of files that are renamed into a folder from now on. Raises `OSError` where the kernel does not tell."""

    def __init__(self, folder: Path) -> None:
        try:
            # At its import it looks whether the system has it.
            from watchdog.observers import inotify_c  # noqa: PLC0415  Linux only
        except (ImportError, OSError) as error:
            raise OSError("this system has no inotify") from error
        self._file = inotify_c.inotify_init()
        if self._file < 0:
            raise OSError("the kernel gives no further inotify")
        os.set_blocking(self._file, False)
        moved_in = inotify_c.InotifyConstants.IN_MOVED_TO
        if inotify_c.inotify_add_watch(self._file, os.fsencode(folder), moved_in) < 0:
            self.close()
            raise OSError(f"the kernel does not watch {folder}")
        self._told = select.poll()
        self._told.register(self._file, select.POLLIN)

    def forget(self) -> None:
        """Forget what was told so far; whoever looks into the folder after this misses nothing."""
        try:
            while os.read(self._file, 64 * 1024):
                pass
        except BlockingIOError:
            pass

    def wait(self, seconds: float) -> None:
        """Return as soon as something was told that is not forgotten, or after so many seconds."""
        self._told.poll(max(0.0, seconds) * 1000)

    def close(self) -> None:
        """Stop watching."""
        os.close(self._file)
