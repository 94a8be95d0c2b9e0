"""Comparing bytes with ETags."""

import hashlib

import pytest

from sources.buckets.etags import EtagDigest


def multipart(data: bytes, part: int) -> str:
    parts = [hashlib.md5(data[at : at + part]).digest() for at in range(0, len(data), part)]
    return f"{hashlib.md5(b''.join(parts)).hexdigest()}-{len(parts)}"


def matches(etag: str, data: bytes, part: int = 0, chunk: int = 7) -> bool:
    digest = EtagDigest(etag, len(data), part)
    for at in range(0, len(data), chunk):
        digest.update(data[at : at + chunk])
    return digest.matches()


@pytest.mark.parametrize("chunk", [1, 7, 10, 1000])
@pytest.mark.parametrize("size", [1, 9, 10, 11, 30, 35])
def test_parts_are_put_together(size: int, chunk: int) -> None:
    data = bytes(range(size))
    assert matches(multipart(data, 10), data, 10, chunk)
    assert not matches(multipart(data, 10), data[:-1] + b"x", 10, chunk)


def test_whole_is_compared() -> None:
    assert matches(hashlib.md5(b"abc").hexdigest(), b"abc")
    assert not matches(hashlib.md5(b"abc").hexdigest(), b"abd")


def test_nothing_is_said_of_what_is_no_digest() -> None:
    assert matches("", b"abc")
    assert matches("opaque", b"abc")
    assert matches(multipart(b"abc" * 10, 7), b"abc" * 10, 0)  # parts of unknown size
