"""What events say: the keys of objects that were made. Pure; every form that S3, MinIO, SeaweedFS and Enduro send.

An event is a hint: the object itself is looked at before it becomes an item.
"""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote_plus

MAX_BYTES = 1024 * 1024
_DEEPEST = 4
# Where SeaweedFS keeps its buckets.
_BUCKETS = "/buckets/"


class EventError(ValueError):
    """A message that is no event of a known form."""


def keys_in(payload: bytes | str, bucket: str) -> list[str]:
    """The keys of the objects of ``bucket`` that a message tells to have been made; none for other events.

    Raises `EventError`.
    """
    if len(payload) > MAX_BYTES:
        raise EventError(f"The message is longer than {MAX_BYTES} bytes.")
    try:
        return list(dict.fromkeys(_keys(_load(payload), bucket, _DEEPEST)))
    except (KeyError, TypeError, AttributeError) as error:
        raise EventError(f"The message has no form that is known here ({error}).") from error


def _load(payload: bytes | str) -> Any:
    try:
        return json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise EventError("The message is no JSON document.") from error


def _keys(event: Any, bucket: str, deepest: int) -> Iterator[str]:
    if deepest < 0:
        raise EventError("The message is nested too deeply.")
    match event:
        case list():
            for each in event:
                yield from _keys(each, bucket, deepest - 1)
        case {"Type": "Notification", "Message": str(message)}:  # SNS
            yield from _keys(_load(message), bucket, deepest - 1)
        case {"Records": list(records)} | {"Event": list(records)}:
            for record in records:
                yield from _of_s3(record, bucket)
        case {"Event": "s3:TestEvent"}:
            return
        case _:
            name, key = _named(event)
            if name == bucket and key:
                yield key


def _named(event: Any) -> tuple[str, str]:
    """The bucket and key of an event of one object; the key is "" for what makes none."""
    match event:
        case {"detail-type": str(kind), "detail": {"bucket": {"name": name}, "object": {"key": str(key)}}}:
            return name, key if kind == "Object Created" else ""
        case {"version": "1", "type": "object.created", "bucket": str(name), "key": str(key)} if name and key:
            return name, key  # Enduro
        case {"key": str(path), "event_type": str(kind)}:
            return _of_seaweedfs(event, path, kind)
    raise EventError("The message has no form that is known here.")


def _of_s3(record: dict[str, Any], bucket: str) -> Iterator[str]:
    """S3, MinIO: the key is encoded as in a form."""
    name = str(record["eventName"]).removeprefix("s3:")
    if name.startswith("ObjectCreated") and record["s3"]["bucket"]["name"] == bucket:
        yield unquote_plus(record["s3"]["object"]["key"])


def _of_seaweedfs(event: dict[str, Any], path: str, kind: str) -> tuple[str, str]:
    """The path is that of the filer; folders and what was removed make no object."""
    entry = (event.get("message") or {}).get("new_entry") or {}
    name, slash, key = path.removeprefix(_BUCKETS).partition("/")
    makes = kind in ("create", "update", "rename") and path.startswith(_BUCKETS) and slash
    return name, key if makes and not entry.get("is_directory") else ""
