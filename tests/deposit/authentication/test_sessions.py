"""The log-in forms: the same passwords, the same throttle."""

from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.models import Session
from django.test import Client as HttpClient
from django.test import RequestFactory
from django.utils import timezone

from deposit.actors import Channel
from deposit.authentication.session_store import SessionStore
from deposit.authentication.sessions import session_actor
from deposit.authentication.throttle import PAIR
from deposit.models import Client
from deposit.refusals import Refusal
from deposit.services import tokens
from deposit.tasks import forget
from tests.deposit.authentication.test_tokens import COMMAND
from tests.support.factories import PASSWORD


def log_in(http: HttpClient, username: str, password: str, page: str = "/login/") -> Any:
    return http.post(page, {"username": username, "password": password})


def test_a_depositor_logs_in(client: HttpClient, depositor: Client) -> None:
    assert log_in(client, "hal", PASSWORD).status_code == 302
    assert client.session["_auth_user_id"] == str(depositor.user.pk)


@pytest.mark.parametrize("page", ["/login/", "/admin/login/"])
def test_a_form_tells_those_who_guess_to_wait(client: HttpClient, depositor: Client, page: str) -> None:
    for number in range(int(PAIR.capacity)):
        assert "Too many" not in log_in(client, "hal", f"guess {number}", page).content.decode()
    assert "Too many wrong passwords" in log_in(client, "hal", "guess", page).content.decode()
    assert "_auth_user_id" not in client.session


def test_forms_and_headers_share_the_throttle(client: HttpClient, depositor: Client) -> None:
    for number in range(int(PAIR.capacity)):
        log_in(client, "hal", f"guess {number}")
    response = client.get("/1/servicedocument/", headers={"Authorization": "Basic aGFsOnRoaXMgb25l"})
    assert response.status_code == 429


def test_an_api_token_is_no_way_into_the_pages(client: HttpClient, depositor: Client) -> None:
    _, text = tokens.issue(actor=COMMAND, user=depositor.user, name="x", scopes=["read"])
    assert log_in(client, "hal", text).status_code == 200
    assert "_auth_user_id" not in client.session


def test_nobody_has_no_actor(rf: RequestFactory) -> None:
    request = rf.get("/")
    request.user = AnonymousUser()
    with pytest.raises(Refusal):
        session_actor(request, Channel.DASHBOARD)


def test_who_reads_the_database_cannot_go_on_with_a_session(client: HttpClient, depositor: Client) -> None:
    log_in(client, "hal", PASSWORD)
    key = client.cookies["sessionid"].value
    row = Session.objects.get()
    assert key not in (row.session_key, row.session_data)
    thief = HttpClient()
    thief.cookies["sessionid"] = row.session_key
    assert thief.get("/deposits/").status_code == 302
    assert client.get("/deposits/").status_code == 200


def test_a_session_gets_another_key_at_log_in_and_ends_at_log_out(
    client: HttpClient, depositor: Client
) -> None:
    before = SessionStore()
    before["was"] = "here"
    before.create()
    key = str(before.session_key)
    client.cookies["sessionid"] = key
    log_in(client, "hal", PASSWORD)
    assert client.cookies["sessionid"].value != key
    assert not SessionStore().exists(key)
    assert SessionStore(client.cookies["sessionid"].value)["was"] == "here"
    client.post("/logout/")
    assert not Session.objects.exists()


def test_a_session_that_is_over_or_never_was_is_empty(client: HttpClient, depositor: Client) -> None:
    log_in(client, "hal", PASSWORD)
    Session.objects.update(expire_date=timezone.now())
    for key in (client.cookies["sessionid"].value, "x" * 32, None):
        assert dict(SessionStore(key).load()) == {}
    forget()
    assert not Session.objects.exists()
