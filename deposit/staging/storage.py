"""The staging area of this service: a folder, or, with ``STAGING_STORAGE``, a bucket that all machines reach.

All others deal with staged files through this module, by their names in the record.
"""

import logging
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import lru_cache
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, unquote

from django.conf import settings
from django.utils.module_loading import import_string

from deposit.refusals import Kind, Refusal
from deposit.staging.files import storage_is_full
from deposit.staging.folder import FolderStaging
from deposit.staging.interface import Incoming, ObjectSource, Staging, StagingAway

logger = logging.getLogger(__name__)

_FOLDER = FolderStaging()


def staging() -> Staging:
    """The staging area that the settings name."""
    return _bucket(settings.STAGING_STORAGE, os.getpid()) if settings.STAGING_STORAGE else _FOLDER


@lru_cache(maxsize=4)
def _bucket(address: str, process: int) -> Staging:
    # By name, so that only those who use a bucket load its client; one for each process, for sockets are not shared.
    opened: Staging = import_string("deposit.staging.bucket.storage.BucketStaging").from_url(address)
    return opened


def is_bucket() -> bool:
    """Whether staged files lie in a bucket."""
    return bool(settings.STAGING_STORAGE)


def object_at(url: SplitResult, size: int, etag: str) -> ObjectSource | None:
    """The object at an address of the S3 service that the staging area is in; None for other addresses."""
    endpoint = staging().endpoint
    if not endpoint or f"{url.scheme}://{url.netloc}" != endpoint:
        return None
    bucket, _, key = unquote(url.path).removeprefix("/").partition("/")
    version = dict(parse_qsl(url.query)).get("versionId")
    if not bucket or not key:
        return None
    return ObjectSource(endpoint=endpoint, bucket=bucket, key=key, etag=etag, size=size, version_id=version)


def nothing() -> None:
    """For ``alive``, where nobody waits."""


def local_file(stored_as: str, *, alive: Callable[[], None] = nothing) -> AbstractContextManager[Path]:
    """A file of this machine with the bytes of a staged one, for the block. Raises `OSError`, and what ``alive`` does.

    In a folder it is the file itself, there or not; from a bucket it is fetched into the cache.
    """
    return staging().local(stored_as, alive)


def chunks_of(stored_as: str, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
    """The bytes of a staged file, or a range of them."""
    return staging().chunks(stored_as, start, stop)


def exists(stored_as: str) -> bool:
    """Whether a staged file is there."""
    try:
        staging().size(stored_as)
    except FileNotFoundError:
        return False
    return True


def require_room(length: int) -> None:
    """Raises `Refusal` when ``length`` more bytes, and what others are still to send, would fill the disk."""
    if refuses_uploads(length):
        raise storage_is_full()


def refuses_uploads(length: int = 0) -> bool:
    """Whether uploads of ``length`` bytes are answered 507: there is no room for them."""
    return staging().refuses_uploads(length)


def storage_is_away() -> Refusal:
    """The 503 for a staging area that cannot be reached."""
    return Refusal(
        Kind.UNAVAILABLE,
        "storage.away",
        "The place where packages are kept cannot be reached at the moment.",
        "Nothing was kept. Please send the package again in a few minutes.",
        retry_after=60,
    )


@contextmanager
def told_when_away() -> Iterator[None]:
    """A staging area that cannot be reached becomes the 503 `Refusal` of whoever sends something."""
    try:
        yield
    except StagingAway as error:
        logger.warning("the staging area is away: %s", error)
        raise storage_is_away() from error


@contextmanager
def staging_file(
    *, limit: int, with_md5: bool = False, client: int = 0, promised: int = 0
) -> Iterator[Incoming]:
    """A staging file that does not outlive a refusal; ``client`` sends it, and ``promised`` so many bytes.

    Raises `Refusal` at once when the disk has no room for them.

    After any other error a finished file stays: a commit whose answer was lost may have named it. The cleanup knows.
    """
    require_room(promised)
    file = staging().incoming(limit=limit, with_md5=with_md5, client=client, promised=promised)
    try:
        with told_when_away():
            yield file
    except Refusal:
        file.discard()
        raise
    finally:
        if file.finished:
            file.close()
        else:
            file.discard()


def remove(stored_as: Iterable[str]) -> None:
    """Remove staged files that no row names any more; call it after the commit, never before."""
    for name in stored_as:
        try:
            staging().remove(name)
        except OSError as error:
            logger.warning("staged file %s stays behind: %s", name, error)
