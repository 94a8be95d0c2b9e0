"""Multipart bodies with the line ends that clients write, read as Python's ``email`` reads them."""

import base64
from collections.abc import Callable
from email import message_from_bytes
from email.policy import HTTP
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deposit.http.headers import MediaType
from deposit.http.multipart import read_parts
from deposit.http.multipart_lines import MultipartLines
from deposit.refusals import Refusal

RELATED = MediaType(type="multipart/related", parameters={"boundary": "=B="})
ENTRY = b"<entry>\n  <title>T</title>\r\n</entry>"
ZIP = bytes(range(256)) + b"\r\n--=B\n--=\r\n-"
BASE64 = base64.encodebytes(ZIP).rstrip(b"\n")


def read(body: bytes, size: int = 1 << 18) -> list[tuple[str, bytes]]:
    """(type, data) of each part; the body comes in pieces of ``size`` bytes."""
    parts: list[tuple[str, list[bytes]]] = []

    def open_part(kind: MediaType, headers: dict[str, str]) -> Callable[[bytes], None]:
        parts.append((kind.type, []))
        return parts[-1][1].append

    pieces = (body[at : at + size] for at in range(0, len(body), size))
    read_parts(pieces, RELATED, open_part, most=5)
    return [(kind, b"".join(data)) for kind, data in parts]


def by_email(body: bytes) -> list[tuple[str, bytes]]:
    """The same, by the standard library."""
    whole = message_from_bytes(b'Content-Type: multipart/related; boundary="=B="\r\n\r\n' + body, policy=HTTP)
    parts: list[Any] = list(whole.iter_parts())
    return [(part.get_content_type(), part.get_payload(decode=True)) for part in parts]


def body_of(
    *,
    line: bytes = b"\r\n",
    before: bytes = b"\r\n",
    preamble: bytes = b"",
    padding: bytes = b"",
    end: bytes = b"\r\n",
    data: bytes = BASE64,
    encoding: bytes = b"base64",
) -> bytes:
    """An entry and a package. ``line`` ends headers, ``before`` stands before each delimiter."""
    return (
        preamble
        + b"--=B=" + padding + line
        + b"Content-Type: application/atom+xml" + line + b'Content-Disposition: attachment; name="atom"' + line + line
        + ENTRY + before
        + b"--=B=" + padding + line
        + b"Content-Type: application/zip" + line + b"Content-Transfer-Encoding: " + encoding + line + line
        + data + before
        + b"--=B=--" + end
    )  # fmt: skip


READABLE = {
    "as the standard has it": body_of(),
    "a bare LF before delimiters": body_of(before=b"\n"),
    "bare LF throughout": body_of(line=b"\n", before=b"\n", end=b"\n"),
    "bare LF in headers": body_of(line=b"\n"),
    "text before the first part": body_of(preamble=b"\r\nMedia Post\r\n", before=b"\n"),
    "dashes before the first part": body_of(preamble=b"--\r\n---=B=\r\n--=B\r\n"),
    "blanks after delimiters": body_of(padding=b" \t "),
    "no line end at the end": body_of(end=b""),
    "text after the last part": body_of(end=b"\r\nThat is all.\r\n--=B=\r\n"),
    "a folded header": body_of().replace(b"; name=", b";\r\n\tname="),
    "binary data": body_of(data=ZIP, encoding=b"binary"),
    "binary data, bare LF throughout": body_of(line=b"\n", before=b"\n", data=ZIP, encoding=b"binary"),
    "a longer line that begins like a delimiter": body_of(data=ZIP + b"\r\n--=B=x\r\n", encoding=b"binary"),
}


@pytest.mark.parametrize("body", READABLE.values(), ids=READABLE)
def test_what_is_unambiguous_is_read(body: bytes) -> None:
    data = ZIP + b"\r\n--=B=x\r\n" if b"--=B=x" in body else ZIP
    expected = [("application/atom+xml", ENTRY), ("application/zip", data)]
    assert by_email(body) == expected or b"binary" in body  # the library breaks lines of binary data anew
    for size in (1, 2, 3, 7, 64, 1 << 18):
        assert read(body, size) == expected


def test_the_last_delimiter_after_binary_data_may_follow_a_bare_lf() -> None:
    body = body_of(data=ZIP, encoding=b"binary")
    body = body[: body.rindex(b"\r\n--=B=--")] + b"\n--=B=--\n"
    for size in (1, 5, 1 << 18):
        assert read(body, size)[1] == ("application/zip", ZIP)


def test_binary_data_may_hold_what_looks_like_the_end_after_a_bare_lf() -> None:
    data = ZIP + b"\n--=B=--\n" + b"\n--=B=\nContent-Type: text/plain\n\nx"
    for size in (1, 5, 1 << 18):
        assert read(body_of(data=data, encoding=b"binary"), size)[1] == ("application/zip", data)


def test_a_delimiter_that_cannot_be_told_from_data_is_refused_with_its_place() -> None:
    package_first = (
        b"--=B=\r\nContent-Type: application/zip\r\n\r\n" + ZIP
        + b"\n--=B=\r\nContent-Type: application/atom+xml\r\n\r\n" + ENTRY + b"\r\n--=B=--\r\n"
    )  # fmt: skip
    with pytest.raises(Refusal) as refused:
        read(package_first)
    assert refused.value.code == "multipart.bare_lf"
    place = package_first.index(b"\n--=B=\r\n", 5)
    assert f"Byte {place} " in refused.value.summary
    assert "CRLF" in refused.value.hint


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "No line of the body begins with --=B="),
        (b"--=X=\r\n\r\nx\r\n--=X=--", "No line of the body begins with --=B="),
        (b" --=B=\r\n\r\nx\r\n", "No line of the body begins with --=B="),
        (body_of()[:-30], "The body ends within the data of a part, number 2, without a line --=B=--"),
        (body_of()[:40], "The body ends within the headers of a part, number 1"),
        (
            b"--=B=\r\nContent-Type text/plain\r\n\r\nx\r\n--=B=--",
            "Among the headers of part 1 is a line that is none",
        ),
        (b"--=B=\r\nA: b\r\n--=B=\r\n\r\nx\r\n--=B=--", "Part 1 has no empty line after its headers"),
        (b"--=B=\r\nA: " + b"b" * 9000 + b"\r\n\r\nx\r\n--=B=--", "A header of part 1 is longer"),
        (b"--=B=\r\nA: b\r\n" + b" c\r\n" * 5000 + b"\r\nx\r\n--=B=--", "A header of part 1 is longer"),
    ],
)
def test_what_is_wrong_is_said_exactly(body: bytes, reason: str) -> None:
    for size in (1, 1 << 18):
        with pytest.raises(Refusal) as refused:
            read(body, size)
        assert refused.value.code == "multipart.malformed"
        assert refused.value.hint.startswith(reason)


@given(
    text=st.lists(
        st.sampled_from(
            [b"\r", b"\n", b"--", b"=B=", b"-", b"x", b" ", b"A: b", b"\r\n\r\n", b"\r\n--=B=\r\n"]
        ),
        max_size=30,
    ),
    sizes=st.lists(st.integers(1, 9), min_size=1, max_size=5),
)
def test_it_does_not_matter_in_which_pieces_a_body_comes(text: list[bytes], sizes: list[int]) -> None:
    body = b"--=B=\r\nA: b\r\n\r\n" + b"".join(text) + b"\r\n--=B=--\r\n"

    def outcome(pieces: list[bytes]) -> tuple[bytes, str]:
        written: list[bytes] = []
        lines = MultipartLines(b"=B=", written.append, lambda: len(body) % 2 == 0)
        try:
            for piece in pieces:
                lines.feed(piece)
            lines.finish()
        except Refusal as refusal:
            return b"", refusal.hint
        return b"".join(written), ""

    pieces, at, turn = [], 0, 0
    while at < len(body):
        size = sizes[turn % len(sizes)]
        pieces.append(body[at : at + size])
        at, turn = at + size, turn + 1
    assert outcome(pieces) == outcome([body])
