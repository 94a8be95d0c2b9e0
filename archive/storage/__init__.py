"""Where packs are kept: one small interface, with a back end for each kind of storage."""

from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from archive.storage.files import FileStorage, LocalPack
from archive.storage.interface import SUFFIX, Storage, StoredPack
from archive.storage.replicated import ReplicatedStorage

__all__ = [
    "SUFFIX",
    "FileStorage",
    "LocalPack",
    "ReplicatedStorage",
    "Storage",
    "StoredPack",
    "default_storage",
    "open_storage",
    "primary_storage",
    "replica_storage",
]


def open_storage(address: str, workspace: Path) -> Storage:
    """The storage at an address: a folder, or ``s3://bucket/prefix?endpoint=…&region=…``.

    ``workspace`` is a local folder in which packs for a storage that is no folder are written first.
    """
    scheme = urlsplit(address).scheme
    if scheme == "s3":
        # By name, so that only those who use S3 load its client.
        storage: Storage = import_string("archive.storage.s3.S3Storage").from_url(address, workspace)
        return storage
    if scheme not in ("", "file") or not address:
        raise ImproperlyConfigured(f"{address!r} is no place for packs: give a folder or an s3:// address.")
    return FileStorage(Path(urlsplit(address).path if scheme else address))


def primary_storage() -> Storage:
    """Where packs are written to: ARCHIVE_STORAGE, or the folder ARCHIVE_ROOT."""
    return open_storage(settings.ARCHIVE_STORAGE or settings.ARCHIVE_ROOT, Path(settings.ARCHIVE_ROOT))


def replica_storage() -> Storage | None:
    """Where copies of packs are kept: ARCHIVE_REPLICA, if it is set."""
    if not settings.ARCHIVE_REPLICA:
        return None
    return open_storage(settings.ARCHIVE_REPLICA, Path(settings.ARCHIVE_ROOT))


def default_storage() -> Storage:
    """The storage that the settings name; what is lost there is fetched back from the replica."""
    replica = replica_storage()
    return ReplicatedStorage(primary_storage(), replica) if replica is not None else primary_storage()
