"""Forms that nobody may send are refused, and each leaves one line in the log, whoever sends it."""

import logging

import pytest
from django.test import Client as Browser

from deposit.monitoring.logs import LineFormatter, WithoutTracebacksOfRefusals
from settings.bodies import SMALL_BODY_BYTES

pytestmark = pytest.mark.django_db

PLAIN = "application/x-www-form-urlencoded"
PARTS = "multipart/form-data; boundary=b"
_PART = b'--b\r\nContent-Disposition: form-data; name="f%d"%s\r\n\r\n%s\r\n'
FORMS = {
    "too large": (PLAIN, b"a=" + b"x" * SMALL_BODY_BYTES),
    "too many fields": (PLAIN, b"&".join(b"a%d=1" % number for number in range(2000))),
    "a file": (PARTS, _PART % (1, b'; filename="x"', b"abc") + b"--b--\r\n"),
    "a large part": (PARTS, _PART % (1, b"", b"x" * SMALL_BODY_BYTES) + b"--b--\r\n"),
    "too many parts": (PARTS, b"".join(_PART % (number, b"", b"1") for number in range(1500)) + b"--b--\r\n"),
    "a part cut off": (PARTS, _PART[:20]),
    "a bad length": (PARTS + "\udcff", b"--b"),
}


@pytest.mark.parametrize("kind", FORMS)
@pytest.mark.parametrize("path", ["/login/", "/admin/login/", "/i18n/setlang/", "/deposits/1/action/"])
def test_a_refused_form_of_nobody_is_one_line(path: str, kind: str, caplog: pytest.LogCaptureFixture) -> None:
    content_type, body = FORMS[kind]
    answer = Browser(raise_request_exception=False).generic(
        "POST", path, body, content_type=content_type.encode("utf-8", "surrogateescape").decode("latin-1")
    )
    assert answer.status_code < 500
    for record in caplog.records:
        WithoutTracebacksOfRefusals().filter(record)
    lines = [LineFormatter().format(record) for record in caplog.records]
    assert [line for line in lines if "\n" in line] == []
    assert len(lines) <= 1


def test_the_line_says_where_and_why(caplog: pytest.LogCaptureFixture) -> None:
    content_type, body = FORMS["too large"]
    Browser(raise_request_exception=False).generic("POST", "/login/", body, content_type=content_type)
    (record,) = caplog.records
    WithoutTracebacksOfRefusals().filter(record)
    assert (record.levelno, LineFormatter().format(record)) == (
        logging.WARNING,
        "WARNING django.security.RequestDataTooBig refused path='/login/': Request body exceeded "
        "settings.DATA_UPLOAD_MAX_MEMORY_SIZE.",
    )


def test_our_handlers_have_the_filter() -> None:
    (handler,) = [one for one in logging.getLogger().handlers if one.__class__ is logging.StreamHandler]
    assert [type(one) for one in handler.filters] == [WithoutTracebacksOfRefusals]
