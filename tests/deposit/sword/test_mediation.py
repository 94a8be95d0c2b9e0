"""On-Behalf-Of (SWORD 2 section 8): clients that deposit for others."""

from typing import Any

import pytest
from django.test import Client as HttpClient
from lxml import etree

from deposit.models import Client, Collection, Deposit, Event, Membership, Part
from tests.deposit.sword.test_views import post_zip
from tests.support.factories import http_client, new_client, new_collection
from tests.support.samples import SWORD, make_zip

PACKAGE = make_zip({"a": b"a"})


@pytest.fixture
def mediator(collection: Collection) -> HttpClient:
    client = new_client(collection, username="library")
    Membership.objects.filter(client=client).update(mediates=True)
    return http_client(client)


def error_of(response: Any) -> tuple[int, str | None]:
    return response.status_code, etree.fromstring(response.content).get("href")


def test_the_deposit_is_the_owners_and_both_are_named(mediator: HttpClient, depositor: Client) -> None:
    response = post_zip(mediator, PACKAGE, **{"On-Behalf-Of": "hal", "In-Progress": "true"})
    assert response.status_code == 201
    deposit = Deposit.objects.get()
    assert deposit.client == depositor
    assert Part.objects.get().mediator == "library"
    event = Event.objects.get()
    assert event.actor == "client:library on behalf of hal"
    assert {name: event.via[name] for name in ("user", "on_behalf_of")} == {
        "user": "library",
        "on_behalf_of": "hal",
    }


@pytest.mark.parametrize("media_type", ["application/atom+xml;type=feed", "application/rdf+xml"])
def test_statements_name_both(mediator: HttpClient, http: HttpClient, media_type: str) -> None:
    post_zip(mediator, PACKAGE, **{"On-Behalf-Of": "hal", "In-Progress": "true"})
    deposit = Deposit.objects.get()
    statement = http.get(f"/1/hal/{deposit.pk}/atom/", headers={"Accept": media_type})
    root = etree.fromstring(statement.content)
    assert root.findtext(f".//{{{SWORD}}}depositedBy") == "library"
    assert root.findtext(f".//{{{SWORD}}}depositedOnBehalfOf") == "hal"


def test_a_mediator_goes_on_with_what_it_began_and_sees_it_only_as_the_owner(
    mediator: HttpClient, depositor: Client
) -> None:
    post_zip(mediator, PACKAGE, **{"On-Behalf-Of": "hal", "In-Progress": "true"})
    address = f"/1/hal/{Deposit.objects.get().pk}"
    assert mediator.get(f"{address}/status/").status_code == 404
    assert mediator.get(f"{address}/status/", headers={"On-Behalf-Of": "hal"}).status_code == 200
    done = mediator.post(
        f"{address}/metadata/", b"", content_type="text/plain", headers={"On-Behalf-Of": "hal"}
    )
    assert done.status_code == 200


def test_a_client_that_does_not_mediate_is_told_412(http: HttpClient, collection: Collection) -> None:
    new_client(collection, username="other")
    for owner in ("other", "nobody"):
        response = post_zip(http, PACKAGE, **{"On-Behalf-Of": owner})
        assert error_of(response) == (412, "http://purl.org/net/sword/error/MediationNotAllowed")
    assert Deposit.objects.count() == 0


def test_an_owner_who_is_no_member_is_unknown_like_one_that_is_not_there(mediator: HttpClient) -> None:
    new_client(new_collection("elsewhere"), username="elsewhere")
    for owner in ("elsewhere", "nobody", "hal\x00"):
        response = post_zip(mediator, PACKAGE, **{"On-Behalf-Of": owner})
        assert error_of(response) == (403, "http://purl.org/net/sword/error/TargetOwnerUnknown")
    assert Deposit.objects.count() == 0


def test_mediation_ends_at_the_collection(mediator: HttpClient, depositor: Client) -> None:
    second = new_collection("second")
    depositor.collections.add(second)
    Client.objects.get(user__username="library").collections.add(second)
    response = mediator.post(
        "/1/second/",
        PACKAGE,
        content_type="application/zip",
        headers={"Content-Disposition": "attachment; filename=p.zip", "On-Behalf-Of": "hal"},
    )
    assert response.status_code == 412


def test_the_service_document_says_where_a_client_mediates(mediator: HttpClient, http: HttpClient) -> None:
    told = [
        etree.fromstring(client.get("/1/servicedocument/").content).findtext(f".//{{{SWORD}}}mediation")
        for client in (mediator, http)
    ]
    assert told == ["true", "false"]


def test_an_empty_header_asks_for_nothing(http: HttpClient) -> None:
    assert post_zip(http, PACKAGE, **{"On-Behalf-Of": " "}).status_code == 201
