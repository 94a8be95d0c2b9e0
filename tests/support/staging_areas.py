"""The staging area as tests look at it, in a folder and in a bucket of a real S3 server (moto, in this process).

A test that asks for ``staging_area`` runs with each; with ``TEST_STAGING=bucket`` all tests stage in a bucket.
"""

import os
import shutil
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import pytest
from django.conf import settings as django_settings
from django.utils.module_loading import import_string

from deposit.staging.files import path_of
from deposit.staging.storage import staging

BUCKET = "staging"
KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}


class Area(Protocol):
    """What tests do to staged files behind the back of those who use them."""

    def names(self) -> set[str]:
        """All finished files, and what is in the trash."""

    def unfinished(self) -> int:
        """How many packages are on their way in, or were cut off."""

    def read(self, stored_as: str) -> bytes:
        """The bytes of a file."""

    def write(self, stored_as: str, data: bytes) -> None:
        """Put other bytes in the place of a file, or a file where none is."""

    def delete(self, stored_as: str) -> None:
        """Lose a file."""

    def age(self, stored_as: str, hours: float) -> None:
        """Let a finished file be so old."""

    def age_unfinished(self, hours: float) -> None:
        """Let all that was cut off be so old."""


class FolderArea:
    """Below ``STAGING_ROOT``."""

    @property
    def _root(self) -> Path:
        return Path(django_settings.STAGING_ROOT)

    def names(self) -> set[str]:
        """All files but those that arrive."""
        found = [path for path in self._root.rglob("*") if path.is_file()]
        names = {str(path.relative_to(self._root)) for path in found}
        return {name for name in names if not name.startswith("incoming/")}

    def _arriving(self) -> list[Path]:
        return [path for path in self._root.glob("incoming/*") if path.is_file()]

    def unfinished(self) -> int:
        """Files without a name of their own."""
        return len(self._arriving())

    def read(self, stored_as: str) -> bytes:
        """The file's."""
        return path_of(stored_as).read_bytes()

    def write(self, stored_as: str, data: bytes) -> None:
        """Over the file."""
        path = path_of(stored_as)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.write_bytes(data)

    def delete(self, stored_as: str) -> None:
        """Unlink."""
        path_of(stored_as).unlink()

    def age(self, stored_as: str, hours: float) -> None:
        """By its time of change."""
        _age(path_of(stored_as), hours)

    def age_unfinished(self, hours: float) -> None:
        """The same."""
        for path in self._arriving():
            _age(path, hours)


def _age(path: Path, hours: float) -> None:
    moment = time.time() - hours * 3600
    os.utime(path, (moment, moment))


class BucketArea:
    """The server's own memory: it runs in this process."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix

    @property
    def _bucket(self) -> Any:
        return import_string("moto.s3.models.s3_backends")["123456789012"]["aws"].buckets[BUCKET]

    @property
    def client(self) -> Any:
        """A client of the server."""
        return staging().bucket.client  # type: ignore[attr-defined]

    def _keys(self) -> dict[str, Any]:
        return {
            key.removeprefix(self._prefix): value
            for key, value in self._bucket.keys.items()
            if key.startswith(self._prefix)
        }

    def names(self) -> set[str]:
        """All objects."""
        return set(self._keys())

    def _uploads(self) -> list[Any]:
        return [one for one in self._bucket.multiparts.values() if one.key_name.startswith(self._prefix)]

    def unfinished(self) -> int:
        """Objects that were begun in parts."""
        return len(self._uploads())

    def read(self, stored_as: str) -> bytes:
        """The object's."""
        body: bytes = self.client.get_object(Bucket=BUCKET, Key=self._prefix + stored_as)["Body"].read()
        return body

    def write(self, stored_as: str, data: bytes) -> None:
        """Another object, which copies of the one before stand for no more."""
        self.client.put_object(Bucket=BUCKET, Key=self._prefix + stored_as, Body=data)
        shutil.rmtree(django_settings.STAGING_CACHE, ignore_errors=True)

    def delete(self, stored_as: str) -> None:
        """Delete it, and its copy."""
        self.client.delete_object(Bucket=BUCKET, Key=self._prefix + stored_as)
        shutil.rmtree(django_settings.STAGING_CACHE, ignore_errors=True)

    def age(self, stored_as: str, hours: float) -> None:
        """By the server's own note."""
        self._keys()[stored_as].last_modified = datetime.now(UTC).replace(tzinfo=None) - timedelta(
            hours=hours
        )

    def age_unfinished(self, hours: float) -> None:
        """The same."""
        moment = datetime.now(UTC).replace(tzinfo=None) - timedelta(hours=hours)
        for upload in self._uploads():
            upload.initiated = moment
            for part in upload.parts.values():
                part.last_modified = moment


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """The address of an S3 server of this process."""
    # Loaded only where a bucket is asked for: it takes seconds.
    server = import_string("moto.server.ThreadedMotoServer")("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket_area(s3_server: str, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> BucketArea:
    """The service stages in a bucket, below a prefix of this test's own."""
    prefix = f"{uuid.uuid4().hex}/"
    address = f"s3://{BUCKET}/{prefix}?endpoint={s3_server}"
    for name, value in {**KEYS, "STAGING_STORAGE": address, "STAGING_CACHE": str(tmp_path / "cache")}.items():
        monkeypatch.setenv(name, value)
    settings.STAGING_STORAGE = address
    settings.STAGING_CACHE = str(tmp_path / "cache")
    area = BucketArea(prefix)
    area.client.create_bucket(Bucket=BUCKET)
    return area


@pytest.fixture(params=["folder", "bucket"])
def staging_area(request: pytest.FixtureRequest) -> Area:
    """The staging area of the service, in a folder and in a bucket."""
    if request.param == "bucket":
        area: BucketArea = request.getfixturevalue("bucket_area")
        return area
    return FolderArea()


@pytest.fixture(autouse=True)
def _in_a_bucket(request: pytest.FixtureRequest) -> None:
    if os.environ.get("TEST_STAGING") == "bucket" and "staging_area" not in request.fixturenames:
        request.getfixturevalue("bucket_area")
