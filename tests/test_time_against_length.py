"""What a client writes costs a time that grows with its length, wherever a parser reads it; never with its square."""

import io
import logging
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from dashboard.forms import DescriptionForm
from deposit.http.body import Body
from deposit.http.headers import MediaType, parse_filename, parse_media_type
from deposit.http.multipart import read_parts
from deposit.metadata import xml
from deposit.metadata.dates import parse_date
from deposit.metadata.entry import read_entry
from deposit.metadata.errors import MetadataError
from deposit.metadata.origins import check_origin, decode_slug
from deposit.models.search import matches
from deposit.monitoring.logs import JsonFormatter
from deposit.refusals import Refusal
from deposit.sword.headers import read_digests
from deposit.sword3.headers import read_disposition
from settings.bodies import SMALL_BODY_BYTES
from tests.support.factories import basic, new_client, new_collection
from tests.support.processor_time import grows_too_fast
from tests.support.wsgi import asked

# The longest value of one header, and of what a request says in its body.
HEADER = 8000
BODY = 400_000

# What repeats: a text of a length is made of these.
PATTERNS: dict[str, Callable[[int], str]] = {
    "parameters in quotes": lambda length: 'x/y;a="' + ";" * length,
    "parameters": lambda length: "x/y" + ";a=b" * (length // 4),
    "numbered parameters": lambda length: "x/y" + "".join(f";a*{n}*=b" for n in range(length // 8)),
    "members": lambda length: "a/b," * (length // 4),
    "entity tags": lambda length: '"a",' * (length // 4),
    "escaped quotes": lambda length: 'a="' + '\\"' * (length // 2) + '"',
    "escapes": lambda length: "a;filename*=utf-8''" + "%41" * (length // 3),
    "encoded words": lambda length: "=?utf-8?q?a?=" * (length // 13),
    "spaces": lambda length: "a" + " " * length + "b",
    "digits": lambda length: "9" * length,
    "pieces": lambda length: "a." * (length // 2),
    "brackets": lambda length: "[" * length,
}
HEADERS = (
    "ACCEPT",
    "ACCEPT_LANGUAGE",
    "ACCEPT_PACKAGING",
    "AUTHORIZATION",
    "CONTENT_DISPOSITION",
    "CONTENT_MD5",
    "CONTENT_TYPE",
    "COOKIE",
    "DIGEST",
    "FORWARDED",
    "HOST",
    "IDEMPOTENCY_KEY",
    "IF_MATCH",
    "IF_MODIFIED_SINCE",
    "IF_NONE_MATCH",
    "METADATA_FORMAT",
    "ON_BEHALF_OF",
    "ORIGIN",
    "PACKAGING",
    "RANGE",
    "REFERER",
    "REPR_DIGEST",
    "SLUG",
    "X_CHECK_SWHID",
    "X_FORWARDED_FOR",
    "X_REQUEST_ID",
)
DOORS = {
    "GET /healthz": False,
    "GET /static/dashboard/icon.svg": False,
    "POST /login/": False,
    "GET /api/deposits/": False,
    "POST /1/hal/": True,
    "POST /3/service/hal": True,
}


def ask(line: str, headers: dict[str, str], body: bytes = b"") -> int:
    """The status that the service answers a request with; headers by their names without HTTP."""
    method, _, path = line.partition(" ")
    named = {name if name == "CONTENT_TYPE" else f"HTTP_{name}": text for name, text in headers.items()}
    return asked(method, path, named, body)


@pytest.fixture
def credentials(db: None) -> str:
    return basic(new_client(new_collection("hal")).user.get_username())


@pytest.mark.parametrize("line", DOORS)
def test_no_header_costs_the_square_of_its_length(line: str, credentials: str) -> None:
    own = {"AUTHORIZATION": credentials} if DOORS[line] else {}
    assert ask(line, own) in (200, 201, 400, 401, 403, 415)

    def request(header: str, make: Callable[[int], str], length: int) -> Callable[[], object]:
        return partial(ask, line, own | {header: make(length)})

    wrong = {}
    for header in HEADERS:
        for name, make in PATTERNS.items():
            if header not in own and (told := grows_too_fast(partial(request, header, make), HEADER)):
                wrong[header, name] = told
    assert wrong == {}


def refused(parse: Callable[[Any], object], text: object) -> object:
    """The parser's answer; a refusal is one too."""
    try:
        return parse(text)
    except (Refusal, MetadataError) as refusal:
        return refusal


TEXTS: dict[str, Callable[[str], object]] = {
    "media types": parse_media_type,
    "names of files": parse_filename,
    "dispositions": read_disposition,
    "digests": lambda text: read_digests(content_md5=text, digest=text, fields=[text]),
    "dates": parse_date,
    "slugs": decode_slug,
    "origins": lambda text: check_origin(f"https://a.example/{text}", "https://a.example/"),
    "words": matches,
    "lines of the log": lambda text: JsonFormatter().format(record(text)),
}
UNENDING = {"quotes that never end": lambda length: "ab='\\' " * (length // 7)}


def record(text: str) -> Any:
    return logging.makeLogRecord({"msg": "%s", "args": (text,)})


@pytest.mark.parametrize("name", TEXTS)
def test_no_text_costs_the_square_of_its_length(name: str) -> None:
    wrong = {}
    for kind, make in (PATTERNS | UNENDING).items():

        def work(length: int, make: Callable[[int], str] = make) -> Callable[[], object]:
            return partial(refused, TEXTS[name], make(length))

        if told := grows_too_fast(work, 4 * HEADER):
            wrong[kind] = told
    assert wrong == {}


LINES: dict[str, Callable[[int], str]] = {
    "spaces": lambda length: "a" + " " * length + "<",
    "people": lambda length: "Ada Lovelace <ada@example.org>\n" * (length // 31),
    "at signs": lambda length: "a <" + "a@" * (length // 2),
    "commas": lambda length: "a," * (length // 2),
}


@pytest.mark.parametrize("kind", LINES)
def test_no_field_of_the_form_costs_the_square_of_its_length(kind: str) -> None:
    def work(length: int) -> Callable[[], object]:
        text = LINES[kind](length)
        fields = dict.fromkeys(DescriptionForm.base_fields, text) | {"collection": "hal"}
        return lambda: DescriptionForm(fields, collections=["hal"]).is_valid()

    assert grows_too_fast(work, 32_000) == ""


DOCUMENTS: dict[str, Callable[[int], bytes]] = {
    "instructions": lambda length: b"<?a ?>" * (length // 6) + b"<a/>",
    "comments": lambda length: b"<!--" * (length // 4) + b"<a/>",
    "sections": lambda length: b"<a>" + b"<![CDATA[" * (length // 9) + b"</a>",
    "open elements": lambda length: b"<a>" * (length // 3),
    "elements": lambda length: b"<a>" + b"<b/>" * (length // 4) + b"</a>",
    "attributes": lambda length: b"<a " + b" ".join(b'a%d="1"' % n for n in range(length // 8)) + b"/>",
    "namespaces": lambda length: (
        b"<a " + b" ".join(b'xmlns:a%d="u%d"' % (n, n) for n in range(length // 16)) + b"/>"
    ),
    "references": lambda length: b"<a>" + b"&amp;" * (length // 5) + b"</a>",
    "spaces": lambda length: b" " * length + b"<a/>",
    "authors": lambda length: (
        b'<entry xmlns="http://www.w3.org/2005/Atom">'
        + b"<author><name>a</name></author>" * (length // 31)
        + b"</entry>"
    ),
    "titles": lambda length: (
        b'<entry xmlns="http://www.w3.org/2005/Atom"><title>' + b"a " * (length // 2) + b"</title></entry>"
    ),
}


@pytest.mark.parametrize("reader", [xml.parse, read_entry], ids=["parse", "read_entry"])
@pytest.mark.parametrize("kind", DOCUMENTS)
def test_no_document_costs_the_square_of_its_length(reader: Callable[[bytes], object], kind: str) -> None:
    def work(length: int) -> Callable[[], object]:
        return partial(refused, reader, DOCUMENTS[kind](length))

    assert grows_too_fast(work, BODY) == ""


PART = b"--b\r\n%s\r\n\r\n%s\r\n"
OPAQUE = b"Content-Type: application/zip"
BODIES: dict[str, Callable[[int], bytes]] = {
    "parts": lambda length: (PART % (b"a: b", b"")) * (length // 14) + b"--b--",
    "headers": lambda length: PART % (b"a: b\r\n" * (length // 6), b"") + b"--b--",
    "a long header": lambda length: PART % (b"Content-Type: x/y" + b";" * length, b"") + b"--b--",
    "beginnings of delimiters": lambda length: PART % (b"a: b", b"\r\n-" * (length // 3)) + b"--b--",
    "delimiters that go on": lambda length: PART % (b"a: b", b"\r\n--bb" * (length // 6)) + b"--b--",
    "delimiters after bare line feeds": lambda length: PART % (OPAQUE, b"\n--b\n" * (length // 5)) + b"--b--",
    "ends after bare line feeds": lambda length: PART % (OPAQUE, b"\n--b--\n" * (length // 7)) + b"--b--",
    "blanks after a delimiter": lambda length: PART % (OPAQUE, b"\n--b--" + b" " * length) + b"--b--",
    "folded headers": lambda length: PART % (b"a: b" + b"\r\n c" * length, b"") + b"--b--",
    "line ends": lambda length: PART % (b"a: b", b"\r" * length) + b"--b--",
    "before the first": lambda length: b"-" * length + b"\r\n--b--",
    "base64": lambda length: (
        PART % (b"Content-Transfer-Encoding: base64", b"QUJD\r\n" * (length // 6)) + b"--b--"
    ),
}


def chunks_of(body: bytes) -> Iterator[bytes]:
    return Body({"wsgi.input": io.BytesIO(body)}, len(body)).chunks()


@pytest.mark.parametrize("kind", BODIES)
def test_no_multipart_costs_the_square_of_its_length(kind: str) -> None:
    related = MediaType(type="multipart/related", parameters={"boundary": "b"})

    def read(body: bytes) -> None:
        read_parts(chunks_of(body), related, lambda kind, headers: lambda data: None, most=BODY)

    def work(length: int) -> Callable[[], object]:
        return partial(refused, read, BODIES[kind](length))

    assert grows_too_fast(work, BODY) == ""


@pytest.mark.parametrize("kind", BODIES)
def test_no_form_costs_the_square_of_its_length(kind: str, db: None) -> None:
    """Django's own parser of forms, of which anybody may send one to the page for logging in."""
    kinds = {"CONTENT_TYPE": "multipart/form-data; boundary=b", "COOKIE": "csrftoken=" + "a" * 32}

    def work(length: int) -> Callable[[], object]:
        return partial(ask, "POST /login/", kinds, BODIES[kind](length))

    assert grows_too_fast(work, SMALL_BODY_BYTES - 100) == ""
