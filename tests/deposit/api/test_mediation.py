"""On-Behalf-Of at the doors without a collection in their addresses: SWORD 3, the JSON API, the archive."""

import pytest
from django.test import Client as HttpClient

from deposit.models import Client, Collection, Deposit, Membership
from tests.deposit.sword.test_views import post_zip
from tests.support.factories import http_client, new_client, new_collection, new_deposit
from tests.support.samples import make_zip


@pytest.fixture
def mediator(collection: Collection) -> HttpClient:
    """Mediates in the collection "hal"."""
    client = new_client(collection, username="library")
    Membership.objects.filter(client=client).update(mediates=True)
    return http_client(client)


@pytest.fixture
def places(depositor: Client, collection: Collection) -> dict[str, Deposit]:
    """The owner's deposits: where the mediator mediates, where it is a mere member, and where it is nothing."""
    second, third = new_collection("second"), new_collection("third")
    depositor.collections.add(second, third)
    return {place.name: new_deposit(depositor, place) for place in (collection, second, third)}


HAL = {"On-Behalf-Of": "hal"}


def test_a_mediator_sees_the_owners_deposits_where_it_mediates_and_no_others(
    mediator: HttpClient, places: dict[str, Deposit]
) -> None:
    Client.objects.get(user__username="library").collections.add(places["second"].collection)
    for address in ("/api/deposits/{}/", "/3/object/{}/", "/archive/deposit/{}/bag/"):
        told = {
            name: mediator.get(address.format(deposit.pk), headers=HAL).status_code
            for name, deposit in places.items()
        }
        assert (address, told) == (address, {"hal": 200, "second": 404, "third": 404})
    rows = mediator.get("/api/deposits/", headers=HAL).json()["results"]
    assert [row["id"] for row in rows] == [places["hal"].pk]
    assert [one["name"] for one in mediator.get("/api/collections/", headers=HAL).json()["results"]] == [
        "hal"
    ]
    # The list of SWORD 2 is the client's whole list, whatever the collection in its address.
    assert f"/1/third/{places['third'].pk}/" not in mediator.get("/1/hal/", headers=HAL).content.decode()
    assert mediator.get(f"/1/hal/{places['third'].pk}/status/", headers=HAL).status_code == 404


def test_without_the_header_a_mediator_sees_what_is_its_own(
    mediator: HttpClient, places: dict[str, Deposit]
) -> None:
    assert mediator.get("/api/deposits/").json()["results"] == []
    assert mediator.get(f"/3/object/{places['hal'].pk}/").status_code == 404


@pytest.mark.parametrize(
    "address", ["/api/deposits/", "/3/", "/archive/origin/?url=x", "/1/servicedocument/"]
)
def test_who_does_not_mediate_is_told_412_and_an_unknown_owner_403(
    mediator: HttpClient, http: HttpClient, address: str
) -> None:
    assert http.get(address, headers={"On-Behalf-Of": "library"}).status_code == 412
    assert mediator.get(address, headers={"On-Behalf-Of": "nobody"}).status_code == 403


def test_what_a_mediator_makes_through_sword_3_is_the_owners(mediator: HttpClient, depositor: Client) -> None:
    response = mediator.post(
        "/3/service/hal/",
        b"",
        content_type="application/octet-stream",
        headers={"In-Progress": "true", **HAL},
    )
    assert response.status_code == 201
    deposit = Deposit.objects.get()
    assert deposit.client == depositor
    assert deposit.events.get().actor == "client:library on behalf of hal"


def test_a_deposit_that_was_made_elsewhere_is_not_changed_by_way_of_the_owner(
    mediator: HttpClient, places: dict[str, Deposit]
) -> None:
    assert mediator.delete(f"/3/object/{places['third'].pk}/", headers=HAL).status_code == 404
    assert post_zip(mediator, make_zip({"a": b"a"}), **HAL).status_code == 201
    assert Deposit.objects.filter(pk=places["third"].pk).exists()
