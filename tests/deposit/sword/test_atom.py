"""Every Atom document of the SWORD 2 face keeps to RFC 4287."""

from pathlib import Path

import pytest
from django.test import Client as HttpClient
from lxml import etree

from deposit.models import Deposit
from tests.deposit.sword.test_media import ONE, TWO, send
from tests.deposit.sword.test_views import ENTRY
from tests.support.samples import atom_entry, create_origin

pytestmark = pytest.mark.django_db

FEED = "application/atom+xml;type=feed"
SCHEMA = etree.RelaxNG(etree.parse(Path(__file__).parents[2] / "support" / "atom.rng"))


def faults(document: bytes) -> list[str]:
    SCHEMA.validate(etree.fromstring(document))
    return [str(each.message) for each in SCHEMA.error_log]


@pytest.fixture
def deposit(http: HttpClient) -> Deposit:
    entry = atom_entry(
        create_origin("https://hal.example.org/a") + "<dcterms:abstract>Words</dcterms:abstract>"
    )
    http.post("/1/hal/", entry, content_type=ENTRY, headers={"In-Progress": "true"})
    deposit = Deposit.objects.get()
    for data, name in ((ONE, "one.zip"), (TWO, "two & <three>.tar")):
        send(http, f"/1/hal/{deposit.pk}/media/", data, f'"{name}"', "application/zip")
    return deposit


def test_receipts_feeds_and_statements_are_valid(http: HttpClient, deposit: Deposit) -> None:
    base = f"/1/hal/{deposit.pk}"
    documents = {
        "receipt": http.get(f"{base}/atom/"),
        "statement": http.get(f"{base}/statement.atom"),
        "packages": http.get(f"{base}/media.atom"),
        "packages by Accept": http.get(f"{base}/media/", headers={"Accept": FEED}),
        "deposits": http.get("/1/hal/"),
        "receipt of an addition": http.post(
            f"{base}/metadata/", atom_entry(), content_type=ENTRY, headers={"In-Progress": "true"}
        ),
        "receipt of completion": http.generic("POST", f"{base}/metadata/"),
    }
    assert {name: faults(answer.content) for name, answer in documents.items()} == {
        name: [] for name in documents
    }


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        (b"<id>", b"<id/><id>"), (b"<title>", b"<title/><title>"), (b"updated>", b"published>"),
        (b' href="', b' hrefs="'), (b'rel="edit"', b'rels="edit"'), (b"<link", b"<note/><link"),
    ],
)  # fmt: skip
def test_the_schema_notices_what_is_wrong(
    http: HttpClient, deposit: Deposit, right: bytes, wrong: bytes
) -> None:
    receipt = http.get(f"/1/hal/{deposit.pk}/atom/").content
    assert right in receipt
    assert faults(receipt.replace(right, wrong)) != []
