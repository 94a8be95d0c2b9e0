"""Acting for another (SWORD 2 section 8), and finding the service from a page (section 13)."""

import pytest
from django.test import Client as HttpClient
from lxml import etree

from deposit.models import Client, Collection, Deposit, Membership
from tests.deposit.sword.test_contract import error, post
from tests.factories import http_client, new_client, new_collection
from tests.samples import SWORD

pytestmark = pytest.mark.django_db


@pytest.fixture
def mediator(collection: Collection) -> Client:
    client = new_client(collection, username="mediator")
    Membership.objects.filter(client=client).update(mediates=True)
    return client


def test_what_is_sent_for_the_owner_is_the_owners(depositor: Client, mediator: Client) -> None:
    response = post(http_client(mediator), headers={"On-Behalf-Of": "hal"})
    assert response.status_code == 201
    deposit = Deposit.objects.get()
    assert deposit.client == depositor
    statement = http_client(depositor).get(f"/1/hal/{deposit.pk}/statement.atom")
    root = etree.fromstring(statement.content)
    told = [root.findtext(f".//{{{SWORD}}}{name}") for name in ("depositedBy", "depositedOnBehalfOf")]
    assert told == ["mediator", "hal"]


def test_mediators_see_the_owners_service_document(depositor: Client, mediator: Client) -> None:
    own = new_collection("own")
    depositor.collections.add(own)
    headers = {"On-Behalf-Of": "hal"}
    root = etree.fromstring(http_client(mediator).get("/1/servicedocument/", headers=headers).content)
    assert [one.text for one in root.iterfind(f".//{{{SWORD}}}name")] == ["hal", "own"]


def test_an_unknown_owner_is_refused_as_the_profile_says(mediator: Client) -> None:
    response = post(http_client(mediator), headers={"On-Behalf-Of": "nobody"})
    assert error(response)[:2] == (403, "TargetOwnerUnknown")
    assert Deposit.objects.count() == 0


def test_pages_lead_to_the_service_document(client: HttpClient) -> None:
    page = client.get("/")
    assert page.status_code == 200
    assert (
        b'rel="http://purl.org/net/sword/terms/service-document" href="/1/servicedocument/"' in page.content
    )
