"""A SWORD 3 client with a collection, and an object that is in progress."""

import pytest
from django.test import Client as HttpClient

from tests.deposit.sword3.asking import Sword3


@pytest.fixture
def sword3(http: HttpClient) -> Sword3:
    return Sword3(http)


@pytest.fixture
def anobject(sword3: Sword3) -> str:
    """The Object-URL of an object with metadata."""
    response = sword3.metadata("POST", "/3/service/hal/", In_Progress="true")
    assert response.status_code == 201, response.content
    return str(response["Location"])
