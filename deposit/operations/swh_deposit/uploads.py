"""The other server's uploads: a folder (its MEDIA_ROOT) or a bucket. Copied into staging, digests compared."""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Protocol
from urllib.parse import parse_qs, urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from deposit.staging.files import StagedFile
from deposit.staging.storage import require_room, staging_file

_CHUNK = 1024 * 1024
# More than any file has; the bounds of a collection are for what clients send.
_NO_LIMIT = 1 << 62
_DIGEST_LINE = re.compile(r"\\?(?P<digest>[0-9a-fA-F]{32}|[0-9a-fA-F]{64}) [ *](?P<name>.+)")


class UploadError(Exception):
    """A file is not there, or not what it should be; ``str()`` says so."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Opened:
    """A file that is read: its length in bytes, its MD5 (hex) where the store tells it, and its chunks."""

    size: int
    md5: str | None
    chunks: Iterator[bytes]


class Uploads(Protocol):
    """Where the packages are."""

    def size(self, name: str) -> int:
        """The length of a file in bytes. Raises `UploadError`."""

    def open(self, name: str) -> Any:
        """A context with the file as `Opened`. Raises `UploadError`."""


def uploads_at(place: str) -> Uploads:
    """The uploads in a folder, or at ``s3://bucket/prefix?endpoint=https://…&region=…``. Raises `UploadError`."""
    if place.startswith("s3://"):
        return Bucket(place)
    if not Path(place).is_dir():
        raise UploadError(f"There is no folder {place}.")
    return Folder(Path(place))


def _sound(name: str) -> PurePosixPath:
    path = PurePosixPath(name)
    if path.is_absolute() or not path.parts or ".." in path.parts or "\0" in name:
        raise UploadError(f"The name {name!r} does not lie below the uploads.")
    return path


class Folder:
    """A folder of this machine, or one that is mounted."""

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()

    def _path(self, name: str) -> Path:
        try:
            path = (self._root / _sound(name)).resolve(strict=True)
        except OSError as error:
            raise UploadError(f"{name} is not there ({error.strerror}).") from error
        if not path.is_relative_to(self._root) or not path.is_file():
            raise UploadError(f"{name} is no file below the uploads.")
        return path

    def size(self, name: str) -> int:
        """See `Uploads`."""
        return self._path(name).stat().st_size

    @contextmanager
    def open(self, name: str) -> Iterator[Opened]:
        """See `Uploads`."""
        try:
            with self._path(name).open("rb", buffering=0) as file:
                before = os.fstat(file.fileno())
                yield Opened(size=before.st_size, md5=None, chunks=iter(lambda: file.read(_CHUNK), b""))
                after = os.fstat(file.fileno())
        except OSError as error:
            raise UploadError(f"{name} cannot be read: {error.strerror}.") from error
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
            raise UploadError(f"{name} was changed while it was read.")


class Bucket:
    """A bucket of an S3 service; credentials come from where boto3 looks for them."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        options = {key: values[-1] for key, values in parse_qs(parts.query).items()}
        self._bucket, self._prefix = parts.netloc, parts.path.strip("/")
        self._client = boto3.client(
            "s3",
            endpoint_url=options.get("endpoint"),
            region_name=options.get("region"),
            config=Config(
                retries={"mode": "standard", "max_attempts": 5}, connect_timeout=10, read_timeout=60
            ),
        )

    def _at(self, name: str) -> dict[str, str]:
        sound = str(_sound(name))
        return {"Bucket": self._bucket, "Key": f"{self._prefix}/{sound}" if self._prefix else sound}

    def size(self, name: str) -> int:
        """See `Uploads`."""
        with _told(name):
            return int(self._client.head_object(**self._at(name))["ContentLength"])

    @contextmanager
    def open(self, name: str) -> Iterator[Opened]:
        """See `Uploads`."""
        with _told(name):
            answer = self._client.get_object(**self._at(name))
            with closing(answer["Body"]) as body:
                yield Opened(
                    size=int(answer["ContentLength"]), md5=_md5_of(answer), chunks=body.iter_chunks(_CHUNK)
                )


def _md5_of(answer: Mapping[str, Any]) -> str | None:
    """The ETag is the MD5, except of what came in parts or is encrypted with a key of its own."""
    tag = str(answer.get("ETag", "")).strip('"')
    plain = re.fullmatch("[0-9a-f]{32}", tag) and "kms" not in str(answer.get("ServerSideEncryption", ""))
    return tag if plain else None


@contextmanager
def _told(name: str) -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        raise UploadError(f"{name}: the bucket answers {error.response['Error'].get('Code')}.") from error
    except BotoCoreError as error:
        raise UploadError(f"{name}: {error}") from error


def stage(uploads: Uploads, name: str, digests: Mapping[str, str]) -> StagedFile:
    """Copy a file into staging, durable; its length and every digest that is known of it are compared.

    ``digests``: name -> SHA-256 or MD5, hex. Raises `UploadError`, `Refusal` when the disk is full.
    """
    with staging_file(limit=_NO_LIMIT, with_md5=True) as file:
        with uploads.open(name) as opened:
            require_room(opened.size)
            for chunk in opened.chunks:
                file.write(chunk)
        if file.size != opened.size:
            raise UploadError(f"{name} has {file.size} bytes instead of {opened.size}.")
        staged = file.finish()
        if wrong := _difference(staged, opened.md5, digests.get(name)):
            file.finished = False  # nothing names it: it goes at once
            raise UploadError(f"{name} is damaged: {wrong}.")
        return staged


def _difference(staged: StagedFile, *expected: str | None) -> str:
    for digest in filter(None, expected):
        found = staged.sha256 if len(digest) == 64 else staged.md5
        if found != digest.lower():
            return f"its digest is {found} instead of {digest.lower()}"
    return ""


def read_digests(path: Path) -> dict[str, str]:
    """What ``sha256sum`` or ``md5sum`` wrote of the uploads, run in their folder. Raises `UploadError`."""
    found = {}
    try:
        for number, line in enumerate(path.read_text("utf-8", "surrogateescape").splitlines(), start=1):
            match = _DIGEST_LINE.fullmatch(line)
            if match is None:
                raise UploadError(f"{path}, line {number}: no digest and name, as sha256sum writes them.")
            found[match["name"].removeprefix("./")] = match["digest"]
    except OSError as error:
        raise UploadError(f"{path} cannot be read: {error.strerror}.") from error
    return found
