"""Small promises to those who ask: no host no answer, nothing personal in a cache, log-ins in the audit."""

import pytest
from django.test import Client as Browser

from deposit.models import AuditRecord
from tests.support.factories import PASSWORD, basic, http_client, logged_in, new_client, new_collection
from tests.support.wsgi import asked

pytestmark = pytest.mark.django_db


def test_a_request_of_the_newer_protocol_names_its_host() -> None:
    assert asked("GET", "/healthz") == 200
    assert asked("GET", "/healthz", HTTP_HOST=None) == 400
    assert asked("GET", "/1/servicedocument/", HTTP_HOST=None) == 400
    assert asked("GET", "/healthz", HTTP_HOST=None, SERVER_PROTOCOL="HTTP/1.0") == 200


@pytest.mark.parametrize("path", ["/api/deposits/", "/archive/origin/?url=x", "/1/servicedocument/", "/3/"])
def test_no_cache_keeps_what_one_person_is_told(path: str) -> None:
    client = new_client(new_collection("hal"))
    for browser in (http_client(client), logged_in(client.user)):
        assert browser.get(path)["Cache-Control"] == "private, no-store", path


def audited() -> list[tuple[str, str]]:
    return list(AuditRecord.objects.order_by("id").values_list("operation", "subject"))


@pytest.mark.parametrize("path", ["/login/", "/admin/login/"])
def test_log_ins_and_refusals_are_audited(path: str) -> None:
    new_client(username="ada")
    for name, password in (("ada", "wrong"), ("a password in the wrong field", "x"), ("ada", PASSWORD)):
        Browser(REMOTE_ADDR="192.0.2.7").post(path, {"username": name, "password": password})

    assert audited() == [
        ("user.refused", "user ada"),
        ("user.refused", "an unknown user"),
        ("user.log_in", "user ada"),
    ]
    assert {record.detail["address"] for record in AuditRecord.objects.all()} == {"192.0.2.7"}


def test_a_password_that_a_program_sends_is_audited_when_it_is_refused() -> None:
    new_client(new_collection("hal"), username="ada")
    for password in (PASSWORD, "wrong"):
        Browser(headers={"Authorization": basic("ada", password)}).get("/1/servicedocument/")
    assert audited() == [("user.refused", "user ada")]
