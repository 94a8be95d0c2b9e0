"""A depositor and an operator who have logged in, and deposits in every state, made through the real services."""

from xml.sax.saxutils import escape

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client as Browser

from checker.checking import check
from dashboard.views import figures, fixity, overview
from deposit.actors import Actor, Channel
from deposit.metadata.entry import read_entry
from deposit.models import Client, Collection, Deposit
from deposit.services import deposits
from deposit.services.parts import Submission
from loader.workflow import load
from tests.support.factories import PASSWORD, logged_in, new_client, new_collection
from tests.support.lifecycle_fixtures import package
from tests.support.samples import atom_entry, create_origin, make_zip

FILES = {
    "hello/README": b"The smallest program worth keeping.\n",
    "hello/src/hello.py": b"print('hello')\n",
    "hello/picture.png": b"\x89PNG\r\n\x1a\n" + bytes(20),
    "hello/data.bin": bytes(range(256)),
}


@pytest.fixture(autouse=True)
def _figures_of_this_test() -> None:
    """The overview remembers its figures for some seconds, those of other tests too."""
    overview.figures.forget()
    overview.queues.forget()
    figures.counted.forget()
    fixity.known.forget()


@pytest.fixture
def collection(db: None) -> Collection:
    return new_collection("hal")


@pytest.fixture
def depositor(collection: Collection) -> Client:
    return new_client(collection, username="hal")


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
    return logged_in(operator)


def sent(
    client: Client, *, title: str = "A program", files: dict[str, bytes] | None = None, slug: str = "hello"
) -> Deposit:
    """A complete deposit, as it waits for its checks."""
    collection = client.collections.first()
    assert collection is not None
    entry = atom_entry(create_origin(f"https://hal.example.org/{slug}"), title=escape(title))
    data = make_zip(FILES if files is None else files)
    return deposits.create(
        actor=Actor(user=client.user, channel=Channel.SWORD),
        collection=collection,
        submission=Submission(package=package(data, "p.zip"), entry=read_entry(entry)),
        in_progress=False,
        slug=None,
    )


def worked_on(deposit: Deposit) -> Deposit:
    """What checker and loader make of a deposit."""
    check(deposit.pk, worker="checker@test")
    load(deposit.pk, worker="loader@test")
    deposit.refresh_from_db()
    return deposit
