"""Where a bundle is put so that Archivematica finds it: a folder that both see, or one on an SFTP server."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from loader import sftp
from loader.destinations.archivematica.bundles.building import remove


class Publisher(Protocol):
    """A transfer source. Names are those of bundles: one segment, made by us."""

    def workplace(self, name: str) -> Path:
        """Where the bundle of this name is built."""
        ...

    def publish(self, name: str, *, alive: Callable[[], None]) -> None:
        """Make the bundle visible to Archivematica, whole and at once; a second time does no harm.

        Raises FileNotFoundError when it was not built (or has vanished), `SftpRefused`, `SftpUnavailable`, `OSError`.
        """
        ...

    def is_published(self, name: str) -> bool:
        """Whether the bundle is where Archivematica looks for it."""
        ...

    def withdraw(self, name: str) -> None:
        """Remove the bundle, and what attempts left of it; nothing there is well too."""
        ...


@dataclass(frozen=True, slots=True)
class LocalFolder:
    """A folder that this host and Archivematica share: the bundle is built where it is wanted."""

    folder: Path

    def workplace(self, name: str) -> Path:
        """In the folder itself; it has its name once it is whole."""
        return self.folder / name

    def publish(self, name: str, *, alive: Callable[[], None]) -> None:
        """It is there already."""
        if not (self.folder / name).exists():
            raise FileNotFoundError(f"The bundle {name} is not in the transfer source any more.")

    def is_published(self, name: str) -> bool:
        """It lies in the folder."""
        return (self.folder / name).exists()

    def withdraw(self, name: str) -> None:
        """Remove the bundle and its forerunner."""
        for path in (self.folder / name, self.folder / f".{name}.partial"):
            remove(path)


@dataclass(frozen=True, slots=True)
class SftpFolder:
    """A folder on an SFTP server: the bundle is built on this host and sent."""

    place: sftp.SftpPlace
    credentials: sftp.Credentials
    known_hosts: str
    workshop: Path

    def workplace(self, name: str) -> Path:
        """In a folder of this host."""
        self.workshop.mkdir(parents=True, exist_ok=True)
        return self.workshop / name

    def publish(self, name: str, *, alive: Callable[[], None]) -> None:
        """Send it; the copy on this host goes when the bundle is withdrawn."""
        bundle = self.workshop / name
        if not bundle.exists():
            raise FileNotFoundError(f"The bundle {name} is not on this host.")
        with sftp.connect(self.place, self.credentials, known_hosts=self.known_hosts) as server:
            server.put_tree(bundle, name, alive=alive)

    def is_published(self, name: str) -> bool:
        """It lies on the server."""
        with sftp.connect(self.place, self.credentials, known_hosts=self.known_hosts) as server:
            return server.exists(name)

    def withdraw(self, name: str) -> None:
        """Remove it on both sides."""
        for path in (self.workshop / name, self.workshop / f".{name}.partial"):
            remove(path)
        with sftp.connect(self.place, self.credentials, known_hosts=self.known_hosts) as server:
            server.remove(f".{name}.uploading")
            server.remove(name)


def free_bytes(path: Path) -> int:
    """Room on the disk of a folder that exists, in bytes."""
    return shutil.disk_usage(path).free
