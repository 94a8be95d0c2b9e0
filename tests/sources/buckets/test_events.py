"""What events say, in every form."""

import json

import pytest

from sources.buckets.address import Address, AddressError, EventWay, read_address, read_event_way
from sources.buckets.events import EventError, keys_in


def s3_record(key: str, name: str = "ObjectCreated:Put", bucket: str = "scans") -> dict[str, object]:
    return {"eventName": name, "s3": {"bucket": {"name": bucket}, "object": {"key": key}}}


FORMS: dict[str, tuple[object, list[str]]] = {
    "S3": ({"Records": [s3_record("dir%2Fa+b.zip")]}, ["dir/a b.zip"]),
    "MinIO webhook": (
        {
            "EventName": "s3:ObjectCreated:Put",
            "Key": "scans/a",
            "Records": [s3_record("a", "s3:ObjectCreated:Put")],
        },
        ["a"],
    ),
    "MinIO in Redis": ([{"Event": [s3_record("a", "s3:ObjectCreated:Put")], "EventTime": "2026"}], ["a"]),
    "Enduro": (
        {"version": "1", "type": "object.created", "bucket": "scans", "key": "a+b", "source": "x"},
        ["a+b"],
    ),
    "SNS": ({"Type": "Notification", "Message": json.dumps({"Records": [s3_record("a")]})}, ["a"]),
    "EventBridge": (
        {"detail-type": "Object Created", "detail": {"bucket": {"name": "scans"}, "object": {"key": "a b"}}},
        ["a b"],
    ),
    "SeaweedFS": (
        {"key": "/buckets/scans/dir/a", "event_type": "create", "message": {"new_entry": {}}},
        ["dir/a"],
    ),
    "a folder of SeaweedFS": (
        {
            "key": "/buckets/scans/dir",
            "event_type": "create",
            "message": {"new_entry": {"is_directory": True}},
        },
        [],
    ),
    "elsewhere in SeaweedFS": ({"key": "/etc/passwd", "event_type": "create"}, []),
    "test": ({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "scans"}, []),
    "removed": ({"Records": [s3_record("a", "ObjectRemoved:Delete")]}, []),
    "another bucket": ({"Records": [s3_record("a", bucket="other")]}, []),
    "twice": ({"Records": [s3_record("a"), s3_record("a"), s3_record("b")]}, ["a", "b"]),
}


@pytest.mark.parametrize("form", FORMS)
def test_keys_are_found_in_every_form(form: str) -> None:
    event, keys = FORMS[form]
    assert keys_in(json.dumps(event), "scans") == keys


@pytest.mark.parametrize(
    "message",
    [
        "",
        "no JSON",
        "{}",
        '{"Records": [{}]}',
        '{"Records": ["a"]}',
        '{"version": "2", "type": "object.created", "bucket": "scans", "key": "a"}',
        '{"version": "1", "type": "object.created", "bucket": "scans", "key": ""}',
        "[" * 100_000,
        "[[[[[[[[]]]]]]]]",
        "x" * (1024 * 1024 + 1),
    ],
)
def test_anything_else_is_an_error(message: str) -> None:
    with pytest.raises(EventError):
        keys_in(message, "scans")


def test_addresses_are_read() -> None:
    url = "s3://scans/born%20digital/?endpoint=http%3A%2F%2F127.0.0.1%3A9000&region=eu-west-1"
    assert read_address(url) == Address(
        bucket="scans",
        prefix="born digital/",
        endpoint="http://127.0.0.1:9000",
        region="eu-west-1",
        path_style=True,
    )
    assert read_address("s3://scans") == Address(bucket="scans")


@pytest.mark.parametrize(
    "url",
    ["scans", "http://scans", "s3://", "s3://a?x=1", "s3://a?endpoint=ftp://b", "s3://a?region=a&region=b"],
)
def test_addresses_that_make_no_sense_are_refused(url: str) -> None:
    with pytest.raises(AddressError):
        read_address(url)


def test_ways_of_events_are_read() -> None:
    assert read_event_way("listing") == EventWay(kind="listing")
    assert read_event_way("webhook") == EventWay(kind="webhook")
    assert read_event_way("redis:redis://localhost:6379/0#events") == EventWay(
        kind="redis", url="redis://localhost:6379/0", list_name="events"
    )
    assert read_event_way("sqs:https://sqs.example.org/1/q?endpoint=http%3A%2F%2F127.0.0.1%3A1") == EventWay(
        kind="sqs", url="https://sqs.example.org/1/q", endpoint="http://127.0.0.1:1"
    )


@pytest.mark.parametrize(
    "text", ["kafka:x", "redis:redis://a", "redis:http://a#b", "sqs:q", "sqs:http://a?b=c"]
)
def test_ways_that_make_no_sense_are_refused(text: str) -> None:
    with pytest.raises(AddressError):
        read_event_way(text)
