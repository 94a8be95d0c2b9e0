"""A bucket below a prefix: its address, its client (boto3), and its errors in our words."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from django.core.exceptions import ImproperlyConfigured

from deposit.staging.files import storage_is_full
from deposit.staging.interface import StagingAway

_OPTIONS = {"endpoint", "region", "path_style"}
_ABSENT = {"404", "NoSuchKey", "NoSuchUpload", "NotFound"}
# What services say that have no room left, each in its own words.
_FULL = {"507", "InsufficientStorage", "QuotaExceeded", "XMinioStorageFull", "XMinioAdminBucketQuotaExceeded"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Address:
    """A bucket, and the prefix of our keys in it ("" or ending with a slash). ``endpoint`` "": Amazon's."""

    bucket: str
    prefix: str
    endpoint: str
    region: str
    path_style: bool


def read_address(url: str) -> Address:
    """Read ``s3://bucket/prefix?endpoint=…&region=…&path_style=…``, percent-encoded. Raises ImproperlyConfigured."""
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query))
    if parts.scheme != "s3" or not parts.netloc or not set(options) <= _OPTIONS:
        raise ImproperlyConfigured(
            f"STAGING_STORAGE: {url!r} is no address of a bucket; write s3://bucket/prefix?endpoint=…&region=…."
        )
    prefix = unquote(parts.path).strip("/")
    endpoint = options.get("endpoint", "").rstrip("/")
    return Address(
        bucket=unquote(parts.netloc),
        prefix=f"{prefix}/" if prefix else "",
        endpoint=endpoint,
        region=options.get("region", ""),
        path_style=options.get("path_style", "true" if endpoint else "false") == "true",
    )


@lru_cache(maxsize=4)
def _client(endpoint: str, region: str, path_style: bool, process: int) -> Any:
    config = Config(
        connect_timeout=10,
        read_timeout=60,
        retries={"mode": "standard", "total_max_attempts": 5},
        max_pool_connections=64,
        # Servers other than Amazon's do not all know the newer checksums; every part is sent with its MD5.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        s3={"addressing_style": "path" if path_style else "auto"},
    )
    return boto3.session.Session().client(
        "s3",
        endpoint_url=endpoint or None,
        region_name=region or ("us-east-1" if endpoint else None),
        config=config,
    )


class Bucket:
    """A bucket's client, and our names in it."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self.name = address.bucket

    @cached_property
    def client(self) -> Any:
        """A client, with credentials from where boto3 looks for them. Threads may share it, processes may not."""
        return _client(self.address.endpoint, self.address.region, self.address.path_style, os.getpid())

    def key(self, name: str) -> str:
        """The key of a file of ours."""
        return self.address.prefix + name

    def named(self, name: str) -> dict[str, str]:
        """The arguments of a request about a file of ours."""
        return {"Bucket": self.name, "Key": self.key(name)}

    def where(self, name: str) -> str:
        """What people call the place of a file."""
        return f"s3://{self.name}/{self.key(name)}"

    def listed(self, prefix: str) -> Iterator[dict[str, Any]]:
        """The objects whose names begin so, as the service tells of them, with their ``Name`` among ours."""
        pages = self.client.get_paginator("list_objects_v2")
        with translated(prefix):
            for page in pages.paginate(Bucket=self.name, Prefix=self.key(prefix)):
                for told in page.get("Contents", ()):
                    yield {**told, "Name": told["Key"].removeprefix(self.address.prefix)}


def code_of(error: ClientError) -> str:
    """The service's own word for an error."""
    return str(error.response.get("Error", {}).get("Code", ""))


@contextmanager
def translated(name: str) -> Iterator[None]:
    """Errors of boto3 as ours: `FileNotFoundError`, the 507 `Refusal` of a service that is full, or `StagingAway`."""
    try:
        yield
    except ClientError as error:
        if code_of(error) in _ABSENT:
            raise FileNotFoundError(2, "It is not in the bucket", name) from error
        if code_of(error) in _FULL:
            raise storage_is_full() from error
        raise StagingAway(f"{name}: {error}") from error
    except (BotoCoreError, HTTPClientError) as error:
        raise StagingAway(f"{name}: {error}") from error
