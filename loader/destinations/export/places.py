"""Where copies go: a folder or a bucket. What has a name there is whole and durable."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Protocol, cast
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from loader.steps import Transient

_PART = 16 * 1024**2


class Place(Protocol):
    """A place that takes files by name."""

    def write(self, name: str, size: int, chunks: Iterator[bytes]) -> None:
        """Put ``size`` bytes there under ``name``, in the place of an earlier file of that name; all or nothing.

        Raises `Transient`; `OSError` for the local disk.
        """

    def address(self, name: str) -> str:
        """Where the file is, for people."""


def place_of(url: str) -> Place:
    """The place at a folder's path or ``s3://bucket/prefix?endpoint=https://…&region=…``."""
    if url.startswith("s3://"):
        return Bucket(url)
    return Folder(Path(url))


class Folder:
    """A folder of this machine."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, name: str, size: int, chunks: Iterator[bytes]) -> None:
        """See `Place`: written under another name, synced, and renamed."""
        target = self._path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        unfinished = target.with_name(f".{target.name[-200:]}.{uuid4().hex}.part")
        try:
            with unfinished.open("xb") as file:
                for chunk in chunks:
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(target)
        except BaseException:
            with suppress(OSError):
                unfinished.unlink()
            raise
        for folder in {target.parent, self._path}:
            _sync_folder(folder)

    def address(self, name: str) -> str:
        """See `Place`."""
        return str(self._path / name)


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class _Stream:
    """Chunks as the file that boto3 reads from."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._rest = b""

    def read(self, size: int = -1) -> bytes:
        """At most ``size`` bytes; fewer only at the end."""
        pieces, length = [self._rest], len(self._rest)
        while size < 0 or length < size:
            chunk = next(self._chunks, b"")
            if not chunk:
                break
            pieces.append(chunk)
            length += len(chunk)
        data = b"".join(pieces)
        cut = len(data) if size < 0 else size
        self._rest = data[cut:]
        return data[:cut]


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

    def _key(self, name: str) -> str:
        return f"{self._prefix}/{name}" if self._prefix else name

    def write(self, name: str, size: int, chunks: Iterator[bytes]) -> None:
        """See `Place`: a bucket shows an object only when it has come whole."""
        part = max(_PART, -(-size // 9000))
        transfer = TransferConfig(multipart_threshold=part, multipart_chunksize=part, max_concurrency=2)
        try:
            # boto3 asks for no more than `read`.
            stream = cast(IO[Any], _Stream(chunks))
            self._client.upload_fileobj(stream, self._bucket, self._key(name), Config=transfer)
            stored = self._client.head_object(Bucket=self._bucket, Key=self._key(name))["ContentLength"]
        except (ClientError, BotoCoreError) as error:
            raise Transient(
                "The bucket did not take the copy.", fault=f"{type(error).__name__}: {error}"
            ) from error
        if stored != size:
            raise Transient("The bucket kept another number of bytes.", fault=f"sent {size}, kept {stored}")

    def address(self, name: str) -> str:
        """See `Place`."""
        return f"s3://{self._bucket}/{self._key(name)}"
