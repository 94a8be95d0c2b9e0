"""Packs in a bucket of an S3 service (boto3)."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from archive.errors import PackMissing, Unreadable
from archive.storage.interface import SUFFIX, StoredPack

# Parts grow with the pack, because S3 takes 10,000 of them at most.
_SMALLEST_PART = 16 * 1024**2
_MOST_PARTS = 9_000
_PAGE = 1000
_ABSENT = {"404", "NoSuchKey", "NotFound"}

Answer = TypeVar("Answer")


def _ask(name: str, call: Callable[[], Answer]) -> Answer:
    """Call the service and put its failures into our own words."""
    try:
        return call()
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") in _ABSENT:
            raise PackMissing(f"Pack {name} is not in the bucket.") from error
        raise Unreadable(f"The bucket refused a request for pack {name}: {error}.") from error
    except (BotoCoreError, OSError) as error:
        raise Unreadable(f"The bucket cannot be reached for pack {name}: {error}.") from error


class S3Pack:
    """A pack in a bucket, read by ranges."""

    def __init__(self, client: Any, bucket: str, key: str, name: str) -> None:
        self.name = name
        self._client, self._bucket, self._key = client, bucket, key
        head = _ask(name, lambda: client.head_object(Bucket=bucket, Key=key))
        self.size: int = head["ContentLength"]

    def read(self, offset: int, length: int) -> bytes:
        """The bytes of a range; fewer when the pack ends before."""
        if length <= 0 or offset >= self.size:
            return b""
        last = min(offset + length, self.size) - 1

        def get() -> bytes:
            answer = self._client.get_object(
                Bucket=self._bucket, Key=self._key, Range=f"bytes={offset}-{last}"
            )
            body: bytes = answer["Body"].read()
            return body

        return _ask(self.name, get)

    def close(self) -> None:
        """Nothing is held open."""


class S3Storage:
    """Packs under a prefix of a bucket: ``<prefix>packs/<first two digits>/<name>.tar.zst``.

    Credentials come from where boto3 looks for them (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, the
    machine's role). Every part is sent with its SHA-256, which the service compares.
    """

    def __init__(self, client: Any, bucket: str, prefix: str, workspace: Path) -> None:
        self._client = client
        self._bucket = bucket
        self._prefix = f"{prefix.strip('/')}/packs/" if prefix.strip("/") else "packs/"
        self._incoming = workspace / "incoming"

    @classmethod
    def from_url(cls, address: str, workspace: Path) -> "S3Storage":
        """The storage at ``s3://bucket/prefix?endpoint=https://…&region=…``."""
        parts = urlsplit(address)
        options = {key: values[-1] for key, values in parse_qs(parts.query).items()}
        config = Config(
            retries={"mode": "standard", "max_attempts": 5},
            connect_timeout=10,
            read_timeout=60,
            max_pool_connections=16,
        )
        client = boto3.client(
            "s3", endpoint_url=options.get("endpoint"), region_name=options.get("region"), config=config
        )
        return cls(client, parts.netloc, parts.path, workspace)

    def key(self, name: str) -> str:
        """Where a pack is or would be."""
        return f"{self._prefix}{name[:2]}/{name}{SUFFIX}"

    def workspace(self) -> Path:
        """The local folder where packs are written before they are sent."""
        self._incoming.mkdir(parents=True, exist_ok=True)
        return self._incoming

    def adopt(self, path: Path, name: str) -> None:
        """Send the file; a bucket shows an object only when it has come whole."""
        size = path.stat().st_size
        part = max(_SMALLEST_PART, -(-size // _MOST_PARTS))
        transfer = TransferConfig(multipart_threshold=part, multipart_chunksize=part, max_concurrency=4)
        sent = {"ChecksumAlgorithm": "SHA256", "ContentType": "application/zstd"}

        def send() -> None:
            self._client.upload_file(str(path), self._bucket, self.key(name), ExtraArgs=sent, Config=transfer)

        _ask(name, send)
        stored = self.open(name).size
        if stored != size:
            raise Unreadable(f"Pack {name} has {size} bytes and the bucket kept {stored}.")
        path.unlink()

    def open(self, name: str) -> S3Pack:
        """Open a pack; one request asks for its size."""
        return S3Pack(self._client, self._bucket, self.key(name), name)

    def packs(self) -> Iterator[StoredPack]:
        """List the bucket, a page of packs a request."""
        token: dict[str, str] = {}
        while True:
            page = _ask("(all)", partial(self._page, token))
            for entry in page.get("Contents", ()):
                name = entry["Key"].rpartition("/")[2]
                if name.endswith(SUFFIX):
                    yield StoredPack(name.removesuffix(SUFFIX), entry["Size"], entry["LastModified"])
            if not page.get("IsTruncated"):
                return
            token = {"ContinuationToken": page["NextContinuationToken"]}

    def _page(self, token: dict[str, str]) -> dict[str, Any]:
        page: dict[str, Any] = self._client.list_objects_v2(
            Bucket=self._bucket, Prefix=self._prefix, MaxKeys=_PAGE, **token
        )
        return page

    def delete(self, name: str) -> None:
        """Remove a pack; S3 does not mind when it is not there."""
        _ask(name, lambda: self._client.delete_object(Bucket=self._bucket, Key=self.key(name)))
