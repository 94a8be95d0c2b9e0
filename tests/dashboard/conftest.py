"""A depositor and an operator who have logged in, and deposits in every state, made through the real services."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client as Browser

from checker.checking import check
from dashboard.views import overview
from deposit.models import Client, Collection, Deposit
from loader.destinations import archive
from loader.loading import load
from tests.deposit.sword.test_views import multipart
from tests.factories import PASSWORD, http_client, new_client, new_collection
from tests.samples import atom_entry, create_origin, make_zip

FILES = {
    "hello/README": b"The smallest program worth keeping.\n",
    "hello/src/hello.py": b"print('hello')\n",
    "hello/picture.png": b"\x89PNG\r\n\x1a\n" + bytes(20),
    "hello/data.bin": bytes(range(256)),
}


@pytest.fixture
def collection(db: None) -> Collection:
    return new_collection("hal")


@pytest.fixture
def depositor(collection: Collection) -> Client:
    return new_client(collection, username="hal")


def logged_in(user: User) -> Browser:
    browser = Browser()
    browser.force_login(user)
    return browser


@pytest.fixture
def browser(depositor: Client) -> Browser:
    return logged_in(depositor.user)


@pytest.fixture
def operator(db: None) -> User:
    user = User.objects.create_user("olga", password=PASSWORD)
    user.user_permissions.add(Permission.objects.get(codename="operate"))
    return user


@pytest.fixture
def operators_browser(operator: User) -> Browser:
    overview.figures.forget()
    return logged_in(operator)


def sent(
    client: Client, *, title: str = "A program", files: dict[str, bytes] | None = None, slug: str = "hello"
) -> Deposit:
    """A complete deposit over SWORD, as it waits for its checks."""
    entry = atom_entry(create_origin(f"https://hal.example.org/{slug}"), title=title)
    body, kind = multipart(entry, make_zip(FILES if files is None else files))
    collection = client.collections.first()
    assert collection is not None
    response = http_client(client).post(f"/1/{collection.name}/", body, content_type=kind)
    assert response.status_code == 201, response.content
    return Deposit.objects.latest("id")


def worked_on(deposit: Deposit) -> Deposit:
    """What checker and loader make of a deposit."""
    check(deposit.pk, worker="checker@test")
    load(deposit.pk, worker="loader@test", destination=archive.load)
    deposit.refresh_from_db()
    return deposit


Send = Callable[..., Deposit]
