"""What tests build on: clients, collections and packages, as the real thing."""

import base64
import itertools
from functools import cache
from typing import Any

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from django.test import Client as HttpClient

from deposit.actors import Actor, Channel
from deposit.models import Client, Collection, Deposit

PASSWORD = "correct horse battery staple"


_numbers = itertools.count(1)


def new_collection(name: str | None = None) -> Collection:
    """A collection of its own name."""
    return Collection.objects.create(name=name or f"collection{next(_numbers)}")


@cache
def _password_hash() -> str:
    return make_password(PASSWORD)


def new_client(
    *collections: Collection,
    username: str | None = None,
    provider_url: str = "https://hal.example.org/",
) -> Client:
    """A depositor who may use these collections; the password is ``PASSWORD``."""
    user = User.objects.create(username=username or f"user{next(_numbers)}", password=_password_hash())
    client = Client.objects.create(user=user, provider_url=provider_url, domain="hal.example.org")
    client.collections.add(*collections)
    return client


def new_deposit(client: Client | None = None, collection: Collection | None = None, **fields: Any) -> Deposit:
    """A partial deposit without parts; other states are reached through the lifecycle."""
    collection = collection or new_collection()
    client = client or new_client(collection)
    deposit = Deposit.objects.create(client=client, collection=collection, **fields)
    deposit.refresh_from_db()
    return deposit


def acting_as(client: Client) -> Actor:
    """The client at the SWORD door, with its password."""
    return Actor(user=client.user, channel=Channel.SWORD)


def basic(username: str, password: str = PASSWORD) -> str:
    """An Authorization header."""
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


def logged_in(user: User) -> HttpClient:
    """Django's test client as a browser in which a user has logged in."""
    browser = HttpClient()
    browser.force_login(user)
    return browser


def http_client(client: Client) -> HttpClient:
    """Django's test client with a depositor's credentials."""
    return HttpClient(headers={"Authorization": basic(client.user.username)})
