"""What strangers and broken clients put on the wire, over a real socket: never a 5xx, and nothing is left behind."""

import base64
import http.client
import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.test import Client as Browser
from pytest_django.plugin import DjangoDbBlocker

from deposit.models import Deposit, Part, Upload
from embedded.supply import tool
from tests.support.factories import PASSWORD, new_client, new_collection
from tests.support.gunicorn_server import gunicorn_server
from tests.support.samples import make_zip

pytestmark = pytest.mark.django_db(transaction=True)

ZIP = make_zip({"a": b"1"})
CUT, NOTHING = "cut", "nothing"


@pytest.fixture(scope="module")
def port(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[int]:
    """The service itself, on the tests' database and folders."""
    before = os.environ["DATABASE_URL"]
    name = settings.DATABASES["default"]["NAME"]
    os.environ["DATABASE_URL"] = urlunsplit(urlsplit(before)._replace(path=f"/{name}"))
    try:
        with gunicorn_server("settings.wsgi") as number:
            yield number
    finally:
        os.environ["DATABASE_URL"] = before


@pytest.fixture
def basic() -> str:
    """A depositor's credentials, as the header has them."""
    client = new_client(new_collection("hal"))
    word = base64.b64encode(f"{client.user.get_username()}:{PASSWORD}".encode()).decode()
    return f"Authorization: Basic {word}"


def staged() -> set[str]:
    return {str(path) for path in Path(settings.STAGING_ROOT).rglob("*") if path.is_file()}


def request(line: str, *headers: str, host: str = "127.0.0.1", body: bytes = b"") -> bytes:
    head = [line, *([f"Host: {host}"] if host else []), "Connection: close", *headers, "", ""]
    return "\r\n".join(head).encode("latin-1") + body


POST = "POST /1/hal/ HTTP/1.1"
AS_ZIP = ("Content-Type: application/zip", "Content-Disposition: attachment; filename=a.zip")
LENGTH = f"Content-Length: {len(ZIP)}"
ENTRY = "Content-Type: application/atom+xml;type=entry"

# What it is -> the statuses that may answer, the request line, its headers (with credentials added), its body.
CASES: dict[str, tuple[set[int], str, tuple[str, ...], bytes]] = {
    "a length beyond the body": ({412}, POST, (*AS_ZIP, f"Content-Length: {len(ZIP) + 1}"), ZIP),
    "a length of nothing": ({400}, POST, (*AS_ZIP, "Content-Length: 0"), ZIP),
    "a negative length": ({400}, POST, (*AS_ZIP, "Content-Length: -1"), ZIP),
    "a length that is a word": ({400}, POST, (*AS_ZIP, "Content-Length: many"), ZIP),
    "a length with a sign": ({400}, POST, (*AS_ZIP, "Content-Length: +5"), ZIP),
    "a length in other digits": ({400}, POST, (*AS_ZIP, "Content-Length: \xb2"), ZIP),
    "two lengths": ({400}, POST, (*AS_ZIP, LENGTH, "Content-Length: 3"), ZIP),
    "no length": ({400}, POST, AS_ZIP, ZIP),
    "a length beyond all limits": ({400, 413, 507}, POST, (*AS_ZIP, "Content-Length: 9" + "9" * 17), ZIP),
    "a length of a thousand digits": ({400, 413}, POST, (*AS_ZIP, "Content-Length: 9" + "9" * 999), ZIP),
    "a length and chunks": ({400, 411}, POST, (*AS_ZIP, LENGTH, "Transfer-Encoding: chunked"), b"0\r\n\r\n"),
    "an unknown coding": ({400, 501}, POST, (*AS_ZIP, "Transfer-Encoding: gzip"), ZIP),
    "chunks that are none": ({400, 412}, POST, (*AS_ZIP, "Transfer-Encoding: chunked"), b"zz\r\nx\r\n"),
    "chunks without an end": ({400, 412}, POST, (*AS_ZIP, "Transfer-Encoding: chunked"), b"5\r\nabcde\r\n"),
    "a negative chunk": ({400, 412}, POST, (*AS_ZIP, "Transfer-Encoding: chunked"), b"-5\r\nabcde\r\n"),
    "a name that is two dots": ({400}, POST, (AS_ZIP[0], LENGTH, "Content-Disposition: x; filename=.."), ZIP),
    "a name that is nothing": ({400}, POST, (AS_ZIP[0], LENGTH, 'Content-Disposition: x; filename=""'), ZIP),
    "a name of control characters": (
        {400},
        POST,
        (AS_ZIP[0], LENGTH, "Content-Disposition: x; filename*=UTF-8''%00%0a"),
        ZIP,
    ),
    "nonsense in the type": (
        {400, 415},
        POST,
        ("Content-Type: a/b; x*1; y*; x*=z; x*1", AS_ZIP[1], LENGTH),
        ZIP,
    ),
    "nonsense in the disposition": (
        # Python's later releases pass over what is no parameter, and find the name.
        {201, 400},
        POST,
        (AS_ZIP[0], LENGTH, "Content-Disposition: x; filename*1; filename*; filename*=z"),
        ZIP,
    ),
    "a type of eight thousand letters": ({400, 415}, POST, ("Content-Type: " + "x" * 8000, LENGTH), ZIP),
    "a digest that is none": ({400}, POST, (*AS_ZIP, LENGTH, "Content-MD5: \xff\xfe"), ZIP),
    "a wrong digest": ({412}, POST, (*AS_ZIP, LENGTH, "Content-MD5: " + "0" * 32), ZIP),
    "in progress for ever": ({400}, POST, (*AS_ZIP, LENGTH, "In-Progress: perhaps"), ZIP),
    "a packaging of markup": ({415}, POST, (*AS_ZIP, LENGTH, "Packaging: <script>alert(1)</script>"), ZIP),
    "somebody else's name": (
        {403, 404, 412},
        POST,
        (*AS_ZIP, LENGTH, "On-Behalf-Of: ../../admin\xff"),
        ZIP,
    ),
    "an entry that is no XML": ({400}, POST, (ENTRY, "Content-Length: 5"), b"<<<<<"),
    "an entry with entities": (
        {400},
        POST,
        (ENTRY, "Content-Length: 36"),
        b"<!DOCTYPE a [<!ENTITY b 'c'>]><a/>  ",
    ),
    "an entry of NULs": ({400}, POST, (ENTRY, "Content-Length: 4"), bytes(4)),
    "parts without a boundary": ({400}, POST, ("Content-Type: multipart/related", LENGTH), ZIP),
    "parts that never end": (
        {400},
        POST,
        ("Content-Type: multipart/related; boundary=b", "Content-Length: 9"),
        b"--b\r\nx: y",
    ),
    "a hundred header fields and more": ({400, 431}, POST, tuple(f"X-{n}: y" for n in range(200)), b""),
    "a header of a megabyte": ({400, 431}, POST, ("X-Large: " + "x" * 1_000_000,), b""),
    "a header that continues": ({400}, POST, ("X-Folded: a\r\n b", LENGTH), ZIP),
    "a header with a NUL": ({400}, POST, ("X-Nul: a\0b", LENGTH), ZIP),
    "a header without a name": ({400}, POST, (": a", LENGTH), ZIP),
    "a path of nine thousand letters": ({400, 414}, f"GET /1/{'a' * 9000} HTTP/1.1", (), b""),
    "a path that climbs": ({404}, "GET /1/hal/../../../etc/passwd HTTP/1.1", (), b""),
    "a path that climbs in code": ({400, 404}, "GET /1/hal/%2e%2e/%2e%2e/etc/passwd HTTP/1.1", (), b""),
    "a path with a NUL": ({400, 404}, "GET /1/hal/%00/ HTTP/1.1", (), b""),
    "a path that is no UTF-8": ({400, 404}, "GET /1/%ff%fe/ HTTP/1.1", (), b""),
    "a deposit beyond all numbers": ({404}, f"GET /1/hal/{'9' * 400}/status/ HTTP/1.1", (), b""),
    "a page beyond all numbers": ({200, 400, 404}, f"GET /1/hal/?page={'9' * 400} HTTP/1.1", (), b""),
    "a page that is a NUL": ({200, 400, 404}, "GET /1/hal/?page=%00 HTTP/1.1", (), b""),
    "an address of another kind": ({400, 404}, "GET gopher://evil.example/1/ HTTP/1.1", (), b""),
    "an unknown method": ({400, 405}, "FROBNICATE /1/hal/ HTTP/1.1", (), b""),
    "a method in small letters": ({400, 405}, "get /1/hal/ HTTP/1.1", (), b""),
    "TRACE": ({405}, "TRACE /1/hal/ HTTP/1.1", (), b""),
    "CONNECT": ({400, 404, 405}, "CONNECT evil.example:443 HTTP/1.1", (), b""),
    "a later version": ({400, 505}, "GET /1/hal/ HTTP/9.9", (), b""),
    "credentials that are none": ({401}, "GET /1/hal/ HTTP/1.1", ("Authorization: Basic \xff\xff",), b""),
    "credentials of NULs": ({401}, "GET /1/hal/ HTTP/1.1", ("Authorization: Basic AAA6AAA=",), b""),
    "a bearer of markup": ({401}, "GET /1/hal/ HTTP/1.1", ("Authorization: Bearer <b>",), b""),
}


def answer_to(port: int, data: bytes) -> tuple[int, http.client.HTTPMessage, bytes]:
    """The status, headers and body of the answer to a request that is sent and then ended."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        try:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # refused before it was all sent; the answer may still be there
        response = http.client.HTTPResponse(connection)
        response.begin()
        return response.status, response.headers, response.read()


def test_hostile_requests_are_refused_and_leave_nothing(port: int, basic: str) -> None:
    before = staged()
    answers = {}
    for name, (_, line, headers, body) in CASES.items():
        own = () if any(header.startswith("Authorization") for header in headers) else (basic,)
        answers[name] = answer_to(port, request(line, *own, *headers, body=body))[0]

    assert {name: status for name, status in answers.items() if status not in CASES[name][0]} == {}
    assert (Deposit.objects.count(), Part.objects.count(), Upload.objects.count()) == (0, 0, 0)
    assert staged() - before == set()


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1@evil.example", "a b", "127.0.0.1:99999:1"])
def test_a_host_that_is_not_ours_is_refused(host: str, port: int, basic: str) -> None:
    status, _, body = answer_to(port, request("GET /1/servicedocument/ HTTP/1.1", basic, host=host))
    assert status == 400
    assert b"evil" not in body


NAMES = {
    "filename=../../etc/passwd": "passwd",
    "filename=..\\..\\boot.ini": "boot.ini",
    'filename="/etc/passwd"': "passwd",
    "filename*=UTF-8''%2e%2e%2f%2e%2e%2fetc%2fpasswd": "passwd",
    'filename="a\\"; filename=b.zip"': 'a"; filename=b.zip',
}


@pytest.mark.parametrize("disposition", NAMES)
def test_a_name_with_folders_loses_them(disposition: str, port: int, basic: str) -> None:
    headers = (
        basic,
        AS_ZIP[0],
        LENGTH,
        "In-Progress: true",
        f"Content-Disposition: attachment; {disposition}",
    )
    status, _, _ = answer_to(port, request(POST, *headers, body=ZIP))
    assert status == 201
    part = Part.objects.get()
    assert part.name == NAMES[disposition].replace("\\", "/").rpartition("/")[2]
    assert (
        Path(settings.STAGING_ROOT).resolve()
        in Path(settings.STAGING_ROOT, part.stored_as or "").resolve().parents
    )


def test_an_upload_that_is_broken_off_leaves_nothing(port: int, basic: str) -> None:
    before = staged()
    connection = socket.create_connection(("127.0.0.1", port), timeout=30)
    connection.sendall(request(POST, basic, *AS_ZIP, "Content-Length: 1000000", body=b"x" * 300_000))
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    connection.close()
    # The same thread pool answers the next request after it has given up the first.
    for _ in range(50):
        answer_to(port, request("GET /healthz HTTP/1.1"))
        if staged() == before:
            break
    assert staged() - before == set()
    assert Deposit.objects.count() == 0


TOKEN = "a" * 32
FORM = (
    b'--b\r\nContent-Disposition: form-data; name="csrfmiddlewaretoken"\r\n\r\n%s\r\n'
    b'--b\r\nContent-Disposition: form-data; name="x"%s\r\n\r\n%s\r\n--b--\r\n'
)
FORMS = {
    "a file": FORM % (TOKEN.encode(), b'; filename="x"', b"x"),
    "a large file": FORM % (TOKEN.encode(), b'; filename="x"', b"x" * 300_000),
    "a large field": FORM % (TOKEN.encode(), b"", b"x" * 300_000),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("path", ["/login/", "/admin/login/"])
def test_a_stranger_sends_no_files_and_nothing_large_to_a_form(path: str, form: bytes, port: int) -> None:
    headers = (
        "Content-Type: multipart/form-data; boundary=b",
        f"Content-Length: {len(form)}",
        f"Cookie: csrftoken={TOKEN}",
    )
    assert answer_to(port, request(f"POST {path} HTTP/1.1", *headers, body=form))[0] == 400


PAGES = [
    "/1/servicedocument/",
    "/1/nothing/",
    "/1/hal/",
    "/2/",
    "/api/nothing/",
    "/healthz",
    "/",
    "/admin/",
    "/admin/login/",
    "/no/such/page",
]


def test_every_answer_says_what_a_browser_may_not_do(port: int, basic: str) -> None:
    for path in PAGES:
        for own in ((), (basic,)):
            status, headers, _ = answer_to(port, request(f"GET {path} HTTP/1.1", *own))
            assert status < 500, path
            assert headers["X-Content-Type-Options"] == "nosniff", path
            assert headers["X-Frame-Options"] == "DENY", path
            assert "'unsafe-inline'" not in headers["Content-Security-Policy"], path
            assert headers["Referrer-Policy"] == "same-origin", path


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example/", "/\\evil.example/", "javascript:x"]
)
def test_the_login_page_sends_nobody_elsewhere(target: str, db: None) -> None:
    person = new_client(new_collection("hal")).user
    answer = Browser().post(
        f"/login/?next={target}",
        {"username": person.get_username(), "password": PASSWORD, "next": target},
    )
    assert "evil" not in answer.get("Location", "")
    assert not answer.get("Location", "").startswith("javascript")


CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"


@pytest.mark.skipif(
    "SCHEMATHESIS" not in os.environ, reason="SCHEMATHESIS (requests made up per endpoint) is not set"
)
@pytest.mark.timeout(1800)
def test_whatever_is_sent_to_the_api_is_answered_as_its_document_says(port: int) -> None:
    get_user_model().objects.create_superuser("root", password=PASSWORD)
    command = [
        str(tool("schemathesis")),
        "run",
        f"http://127.0.0.1:{port}/api/openapi.json",
        *("--auth", f"root:{PASSWORD}"),
        *("--checks", CHECKS),
        *("--max-examples", os.environ["SCHEMATHESIS"]),
        *("--seed", "1", "--suppress-health-check", "all"),
    ]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert "Tested: 0" not in done.stdout
