"""Bodies of several parts: what is too much is refused as soon as it comes, and what comes after it is not read."""

import io
import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from deposit.http.headers import MediaType
from deposit.http.multipart import read_parts
from deposit.models import Deposit, Part
from deposit.refusals import Refusal
from tests.support.factories import http_client, logged_in, new_client, new_collection

RELATED = MediaType(type="multipart/related", parameters={"boundary": "b"})
PART = b"--b\r\nContent-Type: text/plain\r\n\r\nx\r\n"


class Endless:
    """A body that goes on for ever; ``read`` is how many parts of it were asked for."""

    def __init__(self, part: bytes) -> None:
        self.part, self.read = part, 0

    def __iter__(self) -> Iterator[bytes]:
        for _ in itertools.count():
            self.read += 1
            yield self.part


@pytest.mark.parametrize("most", [1, 2, 200])
def test_one_part_too_many_is_refused_as_soon_as_it_begins(most: int) -> None:
    body = Endless(PART)
    opened: list[bytes] = []

    with pytest.raises(Refusal) as refused:
        read_parts(iter(body), RELATED, lambda kind, headers: opened.append, most=most)

    assert (refused.value.code, body.read) == ("multipart.parts", most + 1)


@pytest.mark.parametrize(
    "header",
    [b"Content-Type: x/y" + b";" * 2000, b"Content-Disposition: x" + b";a=b" * 1000, b"a: " + b"b" * 9000],
)
def test_a_part_whose_header_is_endless_is_refused(header: bytes) -> None:
    part = b"--b\r\n" + header + b"\r\n\r\nx\r\n--b--\r\n"

    with pytest.raises(Refusal) as refused:
        read_parts(iter([part]), RELATED, lambda kind, headers: lambda data: None, most=2)

    assert refused.value.code in ("header.too_long", "multipart.malformed")


class _Counted(io.BytesIO):
    """Bytes of which is known how many were read."""

    taken = 0

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self.taken += len(data)
        return data


@pytest.mark.django_db
def test_a_deposit_of_fifty_thousand_parts_is_refused_at_its_third() -> None:
    client = new_client(new_collection("hal"))
    body = _Counted(PART * 50_000 + b"--b--\r\n")
    length = len(body.getvalue())
    extra: dict[str, Any] = {"wsgi.input": body, "CONTENT_LENGTH": str(length)}

    answer = http_client(client).generic(
        "POST",
        "/1/hal/",
        content_type="multipart/related; boundary=b",
        **extra,
    )

    assert (answer.status_code, body.taken <= 256 * 1024 < length) == (415, True)
    assert (Deposit.objects.count(), Part.objects.count()) == (0, 0)


@pytest.mark.django_db
def test_a_form_of_fifty_thousand_parts_is_refused_before_it_is_read() -> None:
    browser = logged_in(new_client(new_collection("hal")).user)
    part = b'--b\r\nContent-Disposition: form-data; name="package"; filename=""\r\n\r\n\r\n'
    body = _Counted(part * 50_000 + b"--b--\r\n")
    length = len(body.getvalue())
    extra: dict[str, Any] = {"wsgi.input": body, "CONTENT_LENGTH": str(length)}

    answer = browser.generic(
        "POST",
        "/upload/",
        content_type="multipart/form-data; boundary=b",
        **extra,
    )

    assert (answer.status_code, body.taken <= 256 * 1024 < length) == (415, True)
