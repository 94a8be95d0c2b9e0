"""Packages of a deposit over HTTP: feed, single files, the whole; statements and entity tags."""

import io
import zipfile

import pytest
from django.test import Client as HttpClient
from lxml import etree

from deposit.models import Deposit, Part
from tests.deposit.sword.test_views import ENTRY, Response
from tests.support.samples import ATOM, SWORD, atom_entry, make_tar, make_zip

pytestmark = pytest.mark.django_db

FEED = "application/atom+xml;type=feed"
ONE, TWO = make_zip({"one": b"1"}), make_tar({"two": b"2"})


def send(http: HttpClient, path: str, data: bytes, name: str, kind: str, **headers: str) -> Response:
    disposition = {"Content-Disposition": f"attachment; filename={name}", "In-Progress": "true"}
    return http.post(path, data, content_type=kind, headers={**disposition, **headers})


@pytest.fixture
def deposit(http: HttpClient) -> Deposit:
    send(http, "/1/hal/", ONE, "one.zip", "application/zip")
    return Deposit.objects.get()


def test_the_content_of_one_zip_is_the_zip_itself(http: HttpClient, deposit: Deposit) -> None:
    response = http.get(f"/1/hal/{deposit.pk}/media/")
    assert response.getvalue() == ONE
    assert response["Packaging"] == "http://purl.org/net/sword/package/SimpleZip"
    assert response["Content-Disposition"] == "attachment; filename*=UTF-8''one.zip"


def test_the_content_of_several_packages_is_a_zip_of_them(http: HttpClient, deposit: Deposit) -> None:
    send(http, f"/1/hal/{deposit.pk}/media/", TWO, "two.tar", "application/x-tar")
    response = http.get(f"/1/hal/{deposit.pk}/media/")
    data = response.getvalue()
    assert len(data) == int(response["Content-Length"])
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == {"one.zip": ONE, "two.tar": TWO}


def test_an_unknown_packaging_is_not_acceptable(http: HttpClient, deposit: Deposit) -> None:
    response = http.get(f"/1/hal/{deposit.pk}/media/", headers={"Accept-Packaging": "http://example.org/x"})
    assert response.status_code == 406
    assert etree.fromstring(response.content).get("href") == "http://purl.org/net/sword/error/ErrorContent"


def test_a_bag_is_given_to_who_asks_for_one_and_no_zip_in_its_place(
    http: HttpClient, deposit: Deposit
) -> None:
    url, packaging = f"/1/hal/{deposit.pk}/media/", "http://purl.org/net/sword/package/"
    redirected = http.get(url, headers={"Accept-Packaging": packaging + "BagIt"})
    assert (redirected.status_code, redirected["Location"]) == (307, f"/archive/deposit/{deposit.pk}/bag/")
    bag = http.get(redirected["Location"])
    assert bag["Packaging"] == packaging + "BagIt"
    with zipfile.ZipFile(io.BytesIO(bag.getvalue())) as archive:
        assert any(name.endswith("bagit.txt") for name in archive.namelist())
    binary = {"Accept-Packaging": packaging + "Binary"}
    sent = http.get(url, headers=binary)
    assert (sent.getvalue(), sent["Packaging"]) == (ONE, binary["Accept-Packaging"])
    send(http, url, TWO, "two.tar", "application/x-tar")
    assert http.get(url, headers=binary).status_code == 406


def test_the_feed_leads_to_each_package_and_each_can_be_removed(http: HttpClient, deposit: Deposit) -> None:
    added = send(http, f"/1/hal/{deposit.pk}/media/", TWO, "two.tar", "application/x-tar")
    assert http.get(added["Location"]).getvalue() == TWO
    receipt = etree.fromstring(http.get(f"/1/hal/{deposit.pk}/atom/").content)
    link = receipt.find(f"{{{ATOM}}}link[@rel='edit-media'][@type='{FEED}']")
    assert link is not None
    # The link leads to the feed also when the client says nothing of what it accepts.
    told = http.get(link.get("href") or "")
    assert told["Content-Type"] == FEED
    assert http.get(f"/1/hal/{deposit.pk}/media/", headers={"Accept": FEED}).content == told.content
    feed = etree.fromstring(told.content)
    links = [
        link.get("href") or "" for link in feed.iterfind(f"{{{ATOM}}}entry/{{{ATOM}}}link[@rel='edit-media']")
    ]
    assert [http.get(link).getvalue() for link in links] == [ONE, TWO]
    assert http.delete(links[0]).status_code == 204
    assert http.get(links[0]).status_code == 404
    assert list(Part.objects.values_list("name", flat=True)) == ["two.tar"]
    assert http.get(links[1], headers={"Range": "bytes=2-4"}).getvalue() == TWO[2:5]


def test_a_package_is_replaced_alone(http: HttpClient, deposit: Deposit) -> None:
    added = send(http, f"/1/hal/{deposit.pk}/media/", TWO, "two.tar", "application/x-tar")
    headers = {"Content-Disposition": "attachment; filename=three.zip", "In-Progress": "true"}
    response = http.put(added["Location"], ONE, content_type="application/zip", headers=headers)
    assert response.status_code == 204
    assert list(Part.objects.order_by("id").values_list("name", flat=True)) == ["one.zip", "three.zip"]


def test_a_replaced_package_keeps_its_address_and_can_be_replaced_again(
    http: HttpClient, deposit: Deposit
) -> None:
    send(http, f"/1/hal/{deposit.pk}/media/", TWO, "two.tar", "application/x-tar")
    url = f"/1/hal/{deposit.pk}/media/{Part.objects.earliest('id').pk}/"
    for data, name in ((TWO, "new.tar"), (TWO, "new.tar"), (ONE, "again.zip")):
        headers = {"Content-Disposition": f"attachment; filename={name}"}
        assert http.put(url, data, content_type="application/zip", headers=headers).status_code == 204
        assert http.get(url).getvalue() == data
    deposit.refresh_from_db()
    # What was first stays first: packages are laid over one another in their order.
    assert list(Part.objects.order_by("id").values_list("name", flat=True)) == ["again.zip", "two.tar"]
    assert (deposit.status, deposit.package_name) == ("partial", "two.tar")
    headers = {"Content-Disposition": "attachment; filename=a.zip", "In-Progress": "false"}
    assert http.put(url, ONE, content_type="application/zip", headers=headers).status_code == 204
    deposit.refresh_from_db()
    assert deposit.status == "deposited"


def test_a_package_is_replaced_by_who_knows_its_own_entity_tag(http: HttpClient, deposit: Deposit) -> None:
    part = Part.objects.get()
    for url in (f"/1/hal/{deposit.pk}/media/{part.pk}/", f"/1/hal/{deposit.pk}/media/"):
        known = http.get(url)["ETag"]
        headers = {"Content-Disposition": "attachment; filename=a.zip", "In-Progress": "true"}
        body = make_zip({url: b""})
        changed = http.put(url, body, content_type="application/zip", headers={**headers, "If-Match": known})
        assert changed.status_code == 204
        stale = http.put(url, body, content_type="application/zip", headers={**headers, "If-Match": known})
        assert stale.status_code == 412
        assert http.get(url).getvalue() == body
        later = {**headers, "If-Match": changed["ETag"]}
        assert http.put(url, body, content_type="application/zip", headers=later).status_code == 204


def test_statements_tell_state_and_packages(http: HttpClient, deposit: Deposit) -> None:
    receipt = etree.fromstring(http.get(f"/1/hal/{deposit.pk}/atom/").content)
    statements = {
        link.get("type"): link.get("href") or ""
        for link in receipt.iterfind(f"{{{ATOM}}}link[@rel='{SWORD}statement']")
    }
    atom = http.get(statements[FEED])
    root = etree.fromstring(atom.content)
    state = root.find(f"{{{ATOM}}}category[@scheme='{SWORD}state']")
    assert state is not None
    assert (state.get("term") or "").endswith("#partial")
    source = root.find(f"{{{ATOM}}}entry/{{{ATOM}}}content")
    assert source is not None
    assert http.get(source.get("src") or "").getvalue() == ONE
    by_accept = http.get(f"/1/hal/{deposit.pk}/atom/", headers={"Accept": FEED})
    assert by_accept.content == atom.content
    rdf = http.get(f"/1/hal/{deposit.pk}/atom/", headers={"Accept": "application/rdf+xml"})
    assert (rdf["Content-Type"], b"aggregates" in rdf.content) == ("application/rdf+xml", True)


def test_a_change_that_knows_an_old_state_is_refused(http: HttpClient, deposit: Deposit) -> None:
    first = http.get(f"/1/hal/{deposit.pk}/status/")["ETag"]
    unchanged = http.get(f"/1/hal/{deposit.pk}/status/", headers={"If-None-Match": first})
    assert unchanged.status_code == 304
    url = f"/1/hal/{deposit.pk}/metadata/"
    headers = {"In-Progress": "true", "If-Match": first}
    assert http.post(url, atom_entry(), content_type=ENTRY, headers=headers).status_code == 201
    stale = http.post(url, atom_entry(), content_type=ENTRY, headers=headers)
    assert stale.status_code == 412
    second = http.get(f"/1/hal/{deposit.pk}/status/")["ETag"]
    assert second != first
    assert http.delete(f"/1/hal/{deposit.pk}/atom/", headers={"If-Match": first}).status_code == 412
    assert http.delete(f"/1/hal/{deposit.pk}/atom/", headers={"If-Match": second}).status_code == 204


def test_a_binary_file_of_any_type_is_taken_as_it_is(http: HttpClient, deposit: Deposit) -> None:
    binary = {"Packaging": "http://purl.org/net/sword/package/Binary"}
    response = send(http, f"/1/hal/{deposit.pk}/media/", b"\x89PNG", "image.png", "image/png", **binary)
    assert response.status_code == 201
    part = Part.objects.latest("id")
    assert (part.content_type, part.packaging) == ("image/png", binary["Packaging"])
    refused = send(http, f"/1/hal/{deposit.pk}/media/", b"\x89PNG", "image.png", "image/png")
    assert refused.status_code == 415
