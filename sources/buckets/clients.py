"""Clients of S3 and SQS, with credentials as boto3 finds them or from where a reference says."""

import configparser
import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config

from sources.buckets.address import Address, AddressError, EventWay

_NAMES = ("access_key_id", "secret_access_key", "session_token")


def credentials(reference: str) -> dict[str, str]:
    """The credentials at ``env:PREFIX`` or ``file:PATH``, as boto3 takes them; none for "". Raises `AddressError`.

    ``env:PREFIX`` reads PREFIX_ACCESS_KEY_ID, PREFIX_SECRET_ACCESS_KEY and PREFIX_SESSION_TOKEN; ``file:PATH`` a file
    as AWS's own (the profile ``default``, or the first), or a JSON object with these names in small letters.
    """
    if not reference:
        return {}
    kind, _, place = reference.partition(":")
    if kind == "env" and place:
        found = _from_environment(place)
    elif kind == "file" and place:
        found = _from_file(Path(place))
    else:
        raise AddressError(f"{reference!r} is no reference to credentials; write env:PREFIX or file:PATH.")
    if not found.get("access_key_id") or not found.get("secret_access_key"):
        raise AddressError(f"{reference} has no access_key_id and secret_access_key.")
    return {f"aws_{name}": value for name, value in found.items() if value}


def _from_environment(prefix: str) -> dict[str, str]:
    start = prefix.rstrip("_")
    return {
        name: os.environ.get(f"{start}_{name.upper()}") or os.environ.get(f"{start}_AWS_{name.upper()}", "")
        for name in _NAMES
    }


def _from_file(path: Path) -> dict[str, str]:
    try:
        text = path.read_text("utf-8")
        if text.lstrip().startswith("{"):
            told = json.loads(text)
        else:
            profiles = configparser.ConfigParser(interpolation=None)
            profiles.read_string(text)
            names = profiles.sections()
            told = dict(profiles["default" if "default" in names else names[0]])
    except (OSError, ValueError, LookupError, configparser.Error) as error:
        raise AddressError(f"The credentials in {path} cannot be read: {type(error).__name__}.") from error
    return {name: str(told.get(name) or told.get(f"aws_{name}") or "") for name in _NAMES}


def _config(**options: Any) -> Config:
    return Config(
        connect_timeout=10,
        read_timeout=60,
        retries={"mode": "standard", "total_max_attempts": 8},
        # Servers other than Amazon's do not all know the newer checksums.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        **options,
    )


def _region(address: Address, endpoint: str) -> str | None:
    """The region; servers other than Amazon's want any, and take this one."""
    return address.region or ("us-east-1" if endpoint else None)


def s3_client(address: Address, reference: str) -> Any:
    """A client of the bucket's server. Raises `AddressError`."""
    return boto3.session.Session().client(
        "s3",
        endpoint_url=address.endpoint or None,
        region_name=_region(address, address.endpoint),
        config=_config(s3={"addressing_style": "path" if address.path_style else "auto"}),
        **credentials(reference),
    )


def sqs_client(way: EventWay, address: Address, reference: str) -> Any:
    """A client of the queue's server: where its address says, or where the queue itself is. Raises `AddressError`."""
    parts = urlsplit(way.url)
    own = f"{parts.scheme}://{parts.netloc}" if not parts.netloc.endswith(".amazonaws.com") else ""
    endpoint = way.endpoint or own
    return boto3.session.Session().client(
        "sqs",
        endpoint_url=endpoint or None,
        region_name=_region(address, endpoint),
        config=_config(),
        **credentials(reference),
    )
