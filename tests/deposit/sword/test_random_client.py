"""A client that does anything, in any order: never a 5xx, and never a record that the doctor finds fault with."""

import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import Client as HttpClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deposit.http.headers import parse_filename, parse_media_type
from deposit.models import Client, Deposit
from deposit.operations.doctor import examine
from deposit.refusals import Refusal
from deposit.sword.headers import read_headers
from tests.deposit.sword.test_contract import parts_body
from tests.support.samples import atom_entry, create_origin, make_tar, make_zip

pytestmark = pytest.mark.django_db

ZIP, TAR = make_zip({"a": b"1"}), make_tar({"b": b"2"})
ENTRIES = [
    atom_entry(),
    atom_entry(create_origin("https://hal.example.org/one")),
    atom_entry(create_origin("https://hal.example.org/one").replace("create_origin", "add_to_origin")),
    atom_entry(create_origin("https://evil.example.org/")),
    atom_entry(
        '<swh:deposit><swh:reference><swh:origin url="https://hal.example.org/one"/></swh:reference></swh:deposit>'
    ),
    b"<entry/>",
    b"rubbish",
    b"",
]
BODIES: list[tuple[bytes, str]] = [
    (ZIP, "application/zip"),
    (TAR, "application/x-tar"),
    (b"", "application/zip"),
    (b"x", "text/plain"),
    *((entry, "application/atom+xml;type=entry") for entry in ENTRIES),
    (
        parts_body(("application/atom+xml", ENTRIES[0]), ("application/zip", ZIP)),
        "multipart/form-data; boundary=B",
    ),
    (
        parts_body(("application/atom+xml", ENTRIES[5]), ("application/zip", ZIP)),
        "multipart/form-data; boundary=B",
    ),
    (b"--B", "multipart/related; boundary=B"),
]
HEADERS: list[dict[str, str]] = [
    {},
    {"In-Progress": "true"},
    {"In-Progress": "false"},
    {"In-Progress": "perhaps"},
    {"Slug": "one"},
    {"Content-MD5": hashlib.md5(ZIP).hexdigest()},
    {"Packaging": "http://purl.org/net/sword/package/Binary"},
    {"Packaging": "http://purl.org/net/sword/package/BagIt"},
    {"X-Check-SWHID": "swh:1:dir:" + "0" * 40},
    {"If-Match": '"1-1"'},
    {"On-Behalf-Of": "nobody"},
    {"Idempotency-Key": "one"},
    {"Accept": "application/rdf+xml"},
]
PLACES = ["", "{}/media/", "{}/atom/", "{}/metadata/", "{}/status/", "{}/content/", "{}/statement.atom"]

READ = [
    "CONTENT_TYPE",
    "CONTENT_LENGTH",
    *(
        f"HTTP_{name}"
        for name in [
            "CONTENT_DISPOSITION",
            "CONTENT_MD5",
            "DIGEST",
            "CONTENT_DIGEST",
            "REPR_DIGEST",
            "PACKAGING",
        ]
    ),
    *(f"HTTP_{name}" for name in ["IN_PROGRESS", "SLUG", "X_CHECK_SWHID"]),
]

Operation = tuple[str, str, int, tuple[bytes, str], list[dict[str, str]]]
operations: st.SearchStrategy[Operation] = st.tuples(
    st.sampled_from(["GET", "POST", "POST", "POST", "PUT", "PUT", "DELETE", "HEAD", "PATCH"]),
    st.sampled_from(PLACES),
    st.integers(0, 3),
    st.sampled_from(BODIES),
    st.lists(st.sampled_from(HEADERS), max_size=3),
)


def perform(http: HttpClient, numbers: list[int], operation: Operation) -> Any:
    method, place, which, (data, kind), headers = operation
    number = numbers[which] if which < len(numbers) else 10**9
    sent = {"Content-Disposition": "attachment; filename=a.zip"}
    for more in headers:
        sent |= more
    return http.generic(method, f"/1/hal/{place.format(number)}", data, content_type=kind, headers=sent)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
@given(st.lists(operations, min_size=1, max_size=15))
def test_no_order_of_operations_ends_in_a_fault(
    http: HttpClient, depositor: Client, todo: list[Operation]
) -> None:
    with transaction.atomic():
        before = set(Deposit.objects.values_list("pk", flat=True))
        for operation in todo:
            numbers = sorted(set(Deposit.objects.values_list("pk", flat=True)) - before)
            response = perform(http, numbers, operation)
            assert response.status_code < 500, (operation, response.content)
        problems = [
            one for one in examine(archive=False, age=timedelta(days=1)) if one.subject.startswith("deposit ")
        ]
        assert problems == []
        transaction.set_rollback(True)


@given(st.text(max_size=200))
def test_any_file_name_header_gives_a_safe_name_or_a_refusal(text: str) -> None:
    _or_refusal(lambda: _safe(parse_filename(text)))
    _or_refusal(lambda: _safe(parse_filename(f'attachment; filename="{text}"')))


def _safe(name: str | None) -> None:
    assert name is None or (
        name not in ("", ".", "..") and "/" not in name and "\\" not in name and "\0" not in name
    )


def _or_refusal(call: Callable[[], object]) -> None:
    code = "header."
    try:
        call()
    except Refusal as refusal:
        code = refusal.code
    assert code.startswith("header.")


@given(
    st.dictionaries(
        st.sampled_from(
            [
                "CONTENT_TYPE",
                "CONTENT_LENGTH",
                "HTTP_CONTENT_DISPOSITION",
                "HTTP_CONTENT_MD5",
                "HTTP_DIGEST",
                "HTTP_CONTENT_DIGEST",
                "HTTP_REPR_DIGEST",
                "HTTP_PACKAGING",
                "HTTP_IN_PROGRESS",
                "HTTP_SLUG",
                "HTTP_X_CHECK_SWHID",
            ]
        ),
        st.text(st.characters(max_codepoint=255), max_size=60),
    )
)
def test_any_headers_are_read_or_refused(meta: dict[str, str]) -> None:
    _or_refusal(lambda: read_headers(meta))
    _or_refusal(lambda: parse_media_type(meta.get("CONTENT_TYPE", "")))
