"""``manage.py check --deploy``: the bucket of the staging area takes what is sent, gives it back, and lets it go."""

import uuid
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.exceptions import ImproperlyConfigured

from deposit.refusals import Refusal
from deposit.staging.storage import chunks_of, is_bucket, staging


@register(Tags.files, deploy=True)
def check_bucket(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Nothing where packages lie in a folder, which has a check of its own."""
    if not is_bucket():
        return []
    try:
        _write_and_read(f"checks/{uuid.uuid4().hex}")
    except (OSError, Refusal, ImproperlyConfigured) as error:
        words = f"STAGING_STORAGE: the bucket cannot be used: {error}"
        hint = "Correct the address, the credentials (AWS_ACCESS_KEY_ID and others), or what they may do."
        return [Error(words, hint=hint, id="settings.E014")]
    if settings.STAGING_CACHE_SIZE < settings.MAX_UPLOAD_SIZE:
        words = (
            f"STAGING_CACHE_SIZE ({settings.STAGING_CACHE_SIZE} bytes) has no room for a package of MAX_UPLOAD_SIZE "
            f"({settings.MAX_UPLOAD_SIZE} bytes): such a package is read when no other is, and needs room on the disk."
        )
        return [Warning(words, hint="Raise the one, or lower the other.", id="settings.W015")]
    return []


def _write_and_read(name: str) -> None:
    """The way a package takes: put, read, listed among others, removed."""
    with TemporaryDirectory() as folder:
        source = Path(folder, "check")
        source.write_bytes(b"check")
        staging().put(name, source)
    try:
        if b"".join(chunks_of(name)) != b"check":
            raise OSError("what was written is not what is read")
    finally:
        staging().remove(name)
