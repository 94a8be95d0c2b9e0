"""Metadata documents and request headers: whatever the bytes, a reading or a refusal that names its code.

python -m tests.fuzz.documents 3600
"""

from tests.fuzz.running import fuzz, instrumented

with instrumented():
    from deposit.http.headers import MediaType
    from deposit.http.multipart import read_parts
    from deposit.metadata import checks, entry, xml
    from deposit.metadata.errors import MetadataError
    from deposit.refusals import Refusal
    from deposit.sword.headers import read_headers

import contextlib

from tests.deposit.metadata.documents import whole
from tests.deposit.metadata.hostile_cases import CASES

LARGEST_SEED = 32 * 1024
HEADERS = (
    "CONTENT_TYPE",
    "CONTENT_LENGTH",
    "HTTP_CONTENT_DISPOSITION",
    "HTTP_CONTENT_MD5",
    "HTTP_DIGEST",
    "HTTP_CONTENT_DIGEST",
    "HTTP_PACKAGING",
    "HTTP_IN_PROGRESS",
    "HTTP_SLUG",
    "HTTP_IF_MATCH",
)
BOUNDARY = MediaType(type="multipart/related", parameters={"boundary": "b"})


def one(data: bytes) -> None:
    """Read one input as each of the things a stranger may send."""
    read_document(data)
    read_request(data)
    received: list[bytes] = []
    with contextlib.suppress(Refusal):
        read_parts(iter([data]), BOUNDARY, lambda kind, headers: received.append, most=1000)


def read_document(data: bytes) -> None:
    """Reading and judging agree on whether a document is one."""
    try:
        xml.parse(data)
    except MetadataError:
        parsed = False
    else:
        parsed = True
    with contextlib.suppress(MetadataError):
        entry.read_entry(data)
    found = checks.check_entry(data)
    if not parsed and not found:
        raise AssertionError("a document that cannot be read has no finding")
    if not all(finding.message.isprintable() for finding in found):
        raise AssertionError("a finding that does not print")


def read_request(data: bytes) -> None:
    """The input's lines as the values of the headers, as WSGI gives them."""
    values = data.decode("latin-1").split("\n")
    try:
        headers = read_headers(dict(zip(HEADERS, values, strict=False)))
    except Refusal:
        return
    if headers.filename is not None and (
        "/" in headers.filename or "\0" in headers.filename or headers.filename in ("", ".", "..")
    ):
        raise AssertionError(f"a file name that must not be: {headers.filename!r}")


def main() -> None:
    documents = [whole(), *(case.make() for case in CASES)]
    seeds = [document for document in documents if len(document) <= LARGEST_SEED]
    seeds.append(
        b"multipart/related; boundary=\"b\"\n12\nattachment; filename*=UTF-8''a%20b.zip\n" + b"a" * 32
    )
    seeds.append(b"--b\r\nContent-Type: application/atom+xml\r\n\r\n<entry/>\r\n--b--\r\n")
    fuzz("documents", one, seeds, tokens=(b"<!DOCTYPE", b"<!ENTITY", b"<![CDATA[", b"xmlns:", b"--b\r\n"))


if __name__ == "__main__":
    main()
