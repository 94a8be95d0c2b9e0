"""A depositor with a collection, ready to send."""

import pytest
from django.test import Client as HttpClient

from deposit.models import Client, Collection
from tests.support.factories import http_client, new_client, new_collection


@pytest.fixture
def collection(db: None) -> Collection:
    return new_collection("hal")


@pytest.fixture
def depositor(collection: Collection) -> Client:
    return new_client(collection, username="hal")


@pytest.fixture
def http(depositor: Client) -> HttpClient:
    return http_client(depositor)
