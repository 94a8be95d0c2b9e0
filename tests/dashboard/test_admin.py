"""The admin site: every list opens for an administrator, nothing there can be changed behind the services' backs."""

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import Client as Browser

from deposit.models import Client, Event
from tests.dashboard.conftest import sent, worked_on
from tests.support.factories import logged_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def administrators_browser(db: None) -> Browser:
    return logged_in(User.objects.create_superuser("root"))


def test_every_list_and_every_row_opens(administrators_browser: Browser, depositor: Client) -> None:
    worked_on(sent(depositor))
    for model in admin.site._registry:
        address = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        assert administrators_browser.get(address).status_code == 200, address
        first = model._default_manager.first()
        if first is not None:
            assert administrators_browser.get(f"{address}{first.pk}/change/").status_code == 200, address


def test_history_cannot_be_written(administrators_browser: Browser, depositor: Client) -> None:
    event = Event.objects.filter(deposit_id=sent(depositor).pk)[0]
    address = f"/admin/deposit/event/{event.pk}/"
    assert administrators_browser.post(f"{address}change/", {"name": "forged"}).status_code == 403
    assert administrators_browser.post(f"{address}delete/", {"post": "yes"}).status_code == 403
    assert administrators_browser.get("/admin/deposit/event/add/").status_code == 403


def test_a_depositor_has_no_admin_site(browser: Browser) -> None:
    assert browser.get("/admin/").status_code == 302


def test_tokens_are_made_and_revoked_on_the_account_page(browser: Browser, depositor: Client) -> None:
    made = browser.post("/account/tokens/", {"name": "laptop", "scope": ["read"], "days": "30"})
    text = made.context["new_token"]
    assert text in made.content.decode()
    assert made["Cache-Control"] == "no-store"
    machine = Browser(headers={"Authorization": f"Bearer {text}"})
    assert machine.get("/api/deposits/").status_code == 200
    assert text not in browser.get("/account/").content.decode()
    token = depositor.user.api_tokens.get()
    browser.post(f"/account/tokens/{token.pk}/revoke/")
    assert machine.get("/api/deposits/").status_code == 401


def test_a_token_that_cannot_be_made_says_why(browser: Browser) -> None:
    refused = browser.post("/account/tokens/", {"name": "", "scope": ["read"], "days": "30"})
    assert (refused.status_code, b"A token needs a name" in refused.content) == (400, True)
