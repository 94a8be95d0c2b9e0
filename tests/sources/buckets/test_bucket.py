"""Buckets of a real S3 server: listings, events, versions, reports, tags, retention."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from deposit.models import Deposit
from sources.models import Disposal, ItemState, Source, SourceItem, SourceKind
from tests.sources.conftest import Served, state, taken, work
from tests.support.buckets import KEYS, address, bucket_server, free_port, s3, sqs, started
from tests.support.samples import make_zip

pytestmark = pytest.mark.django_db(transaction=True)

Add = Callable[..., Source]
Serve = Callable[[Source], Served]
GARDEN = make_zip(
    {"minutes.pdf": b"%PDF", "metadata/metadata.csv": b"filename,dc.identifier\nobjects/,GARDEN/1\n"}
)


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with bucket_server() as url:
        yield url


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCANS_ACCESS_KEY_ID", KEYS["aws_access_key_id"])
    monkeypatch.setenv("SCANS_SECRET_ACCESS_KEY", KEYS["aws_secret_access_key"])


@pytest.fixture
def client(endpoint: str) -> Any:
    return s3(endpoint)


@pytest.fixture
def bucket(client: Any, request: pytest.FixtureRequest) -> str:
    name = "b" + str(abs(hash(request.node.name)))[:12]
    client.create_bucket(Bucket=name)
    return name


@pytest.fixture
def watch(endpoint: str, bucket: str, add: Add, serve: Serve) -> Callable[..., Served]:
    def watching(prefix: str = "", **fields: Any) -> Served:
        fields.setdefault("credentials_ref", "env:SCANS")
        return serve(add(kind=SourceKind.BUCKET, location=address(endpoint, bucket, prefix), **fields))

    return watching


def keys(client: Any, bucket: str) -> list[str]:
    """The keys of the reports in a bucket, without time and id."""
    found = [each["Key"] for each in client.list_objects_v2(Bucket=bucket).get("Contents", [])]
    return sorted(
        ".".join([*key.split(".")[:-3], key.split(".")[-1]])
        for key in found
        if key.endswith((".log", ".json"))
    )


def test_object_becomes_a_deposit_with_report_and_tags(client: Any, bucket: str, watch: Any) -> None:
    client.put_object(Bucket=bucket, Key="papers/a b.zip", Body=GARDEN, Tagging="owner=ada")
    client.put_object(Bucket=bucket, Key="others/c.zip", Body=GARDEN)
    served = watch("papers/", profile="transfer-package")
    served.until(lambda: taken("papers/a b.zip"))
    work()
    served.until(
        lambda: keys(client, bucket) == ["papers/a b.zip.stored.json", "papers/a b.zip.stored.log"], 30
    )
    deposit = Deposit.objects.get()
    tags = client.get_object_tagging(Bucket=bucket, Key="papers/a b.zip")["TagSet"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == {
        "owner": "ada",
        "deposit-id": str(deposit.pk),
        "deposit-state": "stored",
        "deposit-external-id": "GARDEN/1",
        "deposit-swhid": deposit.swhid,
    }
    served.finder.scan_soon()
    served.until(lambda: served.finder.scans >= 2)
    assert SourceItem.objects.count() == Deposit.objects.count() == 1


def test_replaced_object_is_another_item(client: Any, bucket: str, watch: Any) -> None:
    served = watch()
    client.put_object(Bucket=bucket, Key="a.zip", Body=make_zip({"a": b"1"}))
    served.until(lambda: taken("a.zip"))
    client.put_object(Bucket=bucket, Key="a.zip", Body=make_zip({"a": b"2"}))
    served.finder.scan_soon()
    served.until(lambda: Deposit.objects.count() == 2)
    served.finder.scan_soon()
    served.until(lambda: served.session.is_done)
    assert SourceItem.objects.count() == 2


def test_object_sent_in_parts_is_read_whole(client: Any, bucket: str, watch: Any) -> None:
    data = make_zip({"a": bytes(range(256)) * 30_000})
    five = 5 * 1024 * 1024
    data += b""
    upload = client.create_multipart_upload(Bucket=bucket, Key="parts.bin")["UploadId"]
    blob = (data * (2 * five // len(data) + 1))[: 2 * five + 77]
    parts = [
        {
            "PartNumber": number,
            "ETag": client.upload_part(
                Bucket=bucket, Key="parts.bin", UploadId=upload, PartNumber=number, Body=body
            )["ETag"],
        }
        for number, body in enumerate((blob[:five], blob[five : 2 * five], blob[2 * five :]), 1)
    ]
    client.complete_multipart_upload(
        Bucket=bucket, Key="parts.bin", UploadId=upload, MultipartUpload={"Parts": parts}
    )
    served = watch()
    served.until(lambda: taken("parts.bin"), 40)
    assert SourceItem.objects.get().size == len(blob)


def test_events_by_sqs_are_written_down_before_they_are_deleted(
    client: Any, bucket: str, watch: Any, endpoint: str
) -> None:
    queues = sqs(endpoint)
    url = queues.create_queue(QueueName=bucket)["QueueUrl"]
    arn = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    client.put_bucket_notification_configuration(
        Bucket=bucket,
        NotificationConfiguration={
            "QueueConfigurations": [{"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}]
        },
    )
    queues.send_message(QueueUrl=url, MessageBody="no event at all")
    served = watch(events=f"sqs:{url}?endpoint={endpoint}")
    served.until(lambda: served.finder.scans == 1)
    served.finder._list_at = served.finder._tail_at = float("inf")  # from here on by events alone
    client.put_object(Bucket=bucket, Key="dir/a b.zip", Body=GARDEN)
    served.until(lambda: taken("dir/a b.zip"), 40)
    attributes = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]

    def is_empty() -> bool:
        told = queues.get_queue_attributes(QueueUrl=url, AttributeNames=attributes)["Attributes"]
        return all(told[name] == "0" for name in attributes)

    served.until(is_empty)
    assert SourceItem.objects.count() == 1


@pytest.fixture(scope="module")
def redis_url() -> Iterator[str]:
    if shutil.which("redis-server") is None:
        pytest.skip("apt install redis-server")
    port = free_port()
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    with started(command, port):
        yield f"redis://127.0.0.1:{port}/0"


def test_events_in_redis_are_lost_to_nobody(client: Any, bucket: str, watch: Any, redis_url: str) -> None:
    queue = redis.Redis.from_url(redis_url)
    name = f"events-{bucket}"
    for key in ("a.zip", "b.zip", "c.zip"):
        client.put_object(Bucket=bucket, Key=key, Body=make_zip({"a": key.encode()}))
    record = {
        "eventName": "s3:ObjectCreated:Put",
        "s3": {"bucket": {"name": bucket}, "object": {"key": "a.zip"}},
    }
    queue.rpush(name, json.dumps([{"Event": [record], "EventTime": "2026"}]), "no event")
    enduro = {"version": "1", "type": "object.created", "bucket": bucket, "key": "b.zip", "source": "x"}
    queue.rpush(name, json.dumps(enduro))
    # A receiver died with this one in hand.
    queue.lpush(f"{name}-held", json.dumps(enduro | {"key": "c.zip"}))
    served = watch(events=f"redis:{redis_url}#{name}")
    served.finder._list_at = float("inf")
    served.until(lambda: all(taken(key) for key in ("a.zip", "b.zip", "c.zip")), 40)
    assert [queue.llen(f"{name}{end}") for end in ("", "-held", "-failed")] == [0, 0, 1]


def test_stored_version_is_deleted_and_no_other(client: Any, bucket: str, watch: Any) -> None:
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    first = client.put_object(Bucket=bucket, Key="a.zip", Body=make_zip({"a": b"1"}))["VersionId"]
    served = watch(retention_days=0)
    served.until(lambda: taken("a.zip"))
    second = client.put_object(Bucket=bucket, Key="a.zip", Body=make_zip({"a": b"2"}))["VersionId"]
    work()
    served.until(lambda: SourceItem.objects.filter(disposal=Disposal.DELETED).exists(), 30)
    left = [
        each["VersionId"] for each in client.list_object_versions(Bucket=bucket, Prefix="a.zip")["Versions"]
    ]
    assert first not in left
    assert second in left
    served.until(lambda: SourceItem.objects.filter(version=f"v.{second}").exists())


def test_object_that_is_archived_waits_for_its_restore(client: Any, bucket: str, watch: Any) -> None:
    client.put_object(Bucket=bucket, Key="cold.zip", Body=GARDEN, StorageClass="GLACIER")
    served = watch()
    served.until(lambda: SourceItem.objects.exclude(error="").exists())
    item = SourceItem.objects.get()
    assert item.state == ItemState.WAITING
    assert "restored" in item.error
    assert "ongoing-request" in client.head_object(Bucket=bucket, Key="cold.zip")["Restore"]


def test_wrong_credentials_are_told(bucket: str, watch: Any) -> None:
    from sources.buckets.address import AddressError  # noqa: PLC0415

    with pytest.raises(AddressError):
        watch(credentials_ref="env:NOBODY")


def test_credentials_are_read_from_files(tmp_path: Path) -> None:
    from sources.buckets.clients import credentials  # noqa: PLC0415

    aws, told = tmp_path / "aws", tmp_path / "json"
    aws.write_text("[default]\naws_access_key_id = a\naws_secret_access_key = b%c\n")
    told.write_text('{"access_key_id": "a", "secret_access_key": "b%c", "session_token": "t"}')
    assert credentials(f"file:{aws}") == {"aws_access_key_id": "a", "aws_secret_access_key": "b%c"}
    assert credentials(f"file:{told}")["aws_session_token"] == "t"


def test_server_that_is_away_half_of_the_time_costs_nothing_but_time(
    client: Any, bucket: str, add: Add, serve: Serve, endpoint: str
) -> None:
    names = [f"{number}.zip" for number in range(5)]
    for name in names:
        client.put_object(Bucket=bucket, Key=name, Body=make_zip({"a": name.encode()}))
    from tests.support.flaky import flaky_front  # noqa: PLC0415

    with flaky_front(endpoint) as front:
        location = address(front, bucket)
        served = serve(add(kind=SourceKind.BUCKET, location=location, credentials_ref="env:SCANS"))
        served.until(lambda: all(taken(name) for name in names), 100)
        work()
        served.until(lambda: all(state(name) == ItemState.STORED for name in names), 60)
        served.until(lambda: len(keys(client, bucket)) == 10, 100)
    assert Deposit.objects.count() == SourceItem.objects.count() == 5
