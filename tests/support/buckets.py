"""A real S3 server with queues (moto) on this machine, and one that answers 503 now and then."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import boto3
from botocore.config import Config

KEYS = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def started(command: list[str], port: int) -> Iterator[None]:
    """A server that answers on its port, until the end of the block."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            end = time.monotonic() + 60
            while True:
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                assert process.poll() is None, command
                assert time.monotonic() < end, command
                time.sleep(0.05)
            yield
        finally:
            process.terminate()


@contextmanager
def bucket_server() -> Iterator[str]:
    """The address of an S3 and SQS server."""
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with started(command, port):
        yield f"http://127.0.0.1:{port}"


def s3(endpoint: str) -> Any:
    """A client of that server."""
    config = Config(
        request_checksum_calculation="when_required", response_checksum_validation="when_required"
    )
    return boto3.client("s3", endpoint_url=endpoint, config=config, **KEYS)


def sqs(endpoint: str) -> Any:
    """A client of its queues."""
    return boto3.client("sqs", endpoint_url=endpoint, **KEYS)


def address(endpoint: str, bucket: str, prefix: str = "") -> str:
    """The address of a bucket there, as `source add` takes it."""
    return f"s3://{bucket}/{prefix}?endpoint={quote(endpoint, safe='')}&region=us-east-1"
