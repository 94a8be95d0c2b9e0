"""From a bucket source's row to what serves it."""

import threading

from sources.buckets.address import read_address, read_event_way
from sources.buckets.clients import s3_client, sqs_client
from sources.buckets.finder import BucketFinder
from sources.buckets.objects import Bucket
from sources.buckets.place import BucketPlace
from sources.buckets.receiving import Receiver, connect_redis, from_redis, from_sqs
from sources.models import Source


def bucket_place(source: Source) -> BucketPlace:
    """The place of a source. Raises `AddressError`."""
    address = read_address(source.location)
    bucket = Bucket(s3_client(address, source.credentials_ref), address)
    return BucketPlace(bucket, asks_for_packages=bool(source.profile or source.collection.profile))


def open_bucket(source: Source, woken: threading.Event) -> tuple[BucketPlace, BucketFinder]:
    """Place and finder of a source, with whoever receives its events. Raises `AddressError`."""
    address = read_address(source.location)
    finder = BucketFinder(source, Bucket(s3_client(address, source.credentials_ref), address))
    way = read_event_way(source.events)
    if way.kind in ("sqs", "redis"):
        if way.kind == "sqs":
            receive = from_sqs(sqs_client(way, address, source.credentials_ref), way)
        else:
            receive = from_redis(connect_redis(way), way)
        receiver = Receiver(source, address.bucket, receive, stopping=finder.stopping, woken=woken)
        finder.receivers.append(receiver)
        receiver.start()
    return bucket_place(source), finder
