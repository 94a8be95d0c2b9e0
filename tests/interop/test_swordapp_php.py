"""The life of deposits as swordapp's PHP library leads them, its requests replayed byte for byte."""

import io
import zipfile
from pathlib import Path

import pytest
from lxml import etree

from tests.interop.packages import Tree, directory_swhid, zipped
from tests.interop.service import Service
from tests.interop.swordapp_php import SIMPLE_ZIP, Answer, SwordappPhp, entry_of, multipart_of

ATOM, SWORD = "{http://www.w3.org/2005/Atom}", "{http://purl.org/net/sword/terms/}"
ONE: Tree = {"soft/README": b"one\n" * 100}
TWO: Tree = {"soft/NEWS": b"two\n"}


@pytest.fixture
def php(service: Service) -> SwordappPhp:
    return SwordappPhp(service.user, service.password)


@pytest.fixture
def one(tmp_path: Path) -> bytes:
    return zipped(tmp_path / "one.zip", ONE).read_bytes()


@pytest.fixture
def two(tmp_path: Path) -> bytes:
    return zipped(tmp_path / "two.zip", TWO).read_bytes()


def collection_of(php: SwordappPhp, service: Service) -> str:
    answer = php.get(f"{service.base_url}/servicedocument/")
    assert answer.status == 200
    found = etree.fromstring(answer.body).find(".//{http://www.w3.org/2007/app}collection")
    assert found is not None
    return found.get("href") or ""


def links(answer: Answer) -> dict[str, str]:
    """The links that the library keeps of a receipt: the first without a type of each relation, else the first."""
    kept: dict[str, str] = {}
    for link in etree.fromstring(answer.body).iterfind(f"{ATOM}link"):
        kept.setdefault(f"{link.get('rel')} {link.get('type') or ''}".strip(), link.get("href") or "")
    return kept


def number_of(answer: Answer) -> str:
    text = etree.fromstring(answer.body).findtext("{*}deposit_id")
    assert text
    return text


def test_a_multipart_becomes_a_deposit(php: SwordappPhp, service: Service, one: bytes) -> None:
    made = php.deposit_multipart(
        collection_of(php, service), multipart_of(entry_of("By PHP", "Ada"), one), in_progress=False
    )
    assert made.status == 201, made.body
    status = service.settled(number_of(made))
    assert (status["deposit_status"], status["deposit_swh_id"]) == ("done", directory_swhid(ONE))


def test_a_deposit_is_built_changed_and_completed(
    php: SwordappPhp, service: Service, one: bytes, two: bytes
) -> None:
    made = php.deposit_entry(collection_of(php, service), entry_of("Parts", "Ada"), in_progress=True)
    assert made.status == 201, made.body
    edit, media, add = (links(made)[rel] for rel in ("edit", "edit-media", SWORD.strip("{}") + "add"))
    assert links(php.get(edit)) == links(made)
    assert php.deposit(media, one, "one.zip", packaging=SIMPLE_ZIP, in_progress=True).status == 201
    assert php.deposit_entry(add, entry_of("More", "Ada"), in_progress=True).status == 201
    assert php.deposit_entry(edit, entry_of("Other", "Ada"), method="PUT", in_progress=True).status == 204
    both = multipart_of(entry_of("Both", "Ada"), two)
    assert php.deposit_multipart(edit, both, method="PUT", in_progress=True).status == 204
    assert (
        php.deposit_multipart(add, multipart_of(entry_of("Third", "Ada"), one), in_progress=True).status
        == 201
    )
    content = php.get(media, SIMPLE_ZIP)
    with zipfile.ZipFile(io.BytesIO(content.body)) as archive:
        assert [archive.read(name) for name in archive.namelist()] == [two, one]
    for kind in ("application/atom+xml;type=feed", "application/rdf+xml"):
        statement = php.get(links(made)[f"{SWORD.strip('{}')}statement {kind}"])
        assert (statement.status, statement.headers["content-type"]) == (200, kind)
    assert php.complete(add).status == 200
    status = service.settled(number_of(made))
    assert (status["deposit_status"], status["deposit_swh_id"]) == ("done", directory_swhid(ONE | TWO))


def test_a_file_is_replaced_at_its_own_address(
    php: SwordappPhp, service: Service, one: bytes, two: bytes
) -> None:
    made = php.deposit(collection_of(php, service), one, "one.zip", packaging=SIMPLE_ZIP, in_progress=True)
    url = links(php.get(links(made)["edit"]))[f"{SWORD.strip('{}')}originalDeposit application/zip"]
    for data in (two, two, one):
        assert php.replace_file(url, data, "new.zip").status == 204
        assert php.get(url).body == data
    assert php.delete(links(made)["edit-media"]).status == 204
    assert php.delete(links(made)["edit"]).status == 204
    assert php.get(links(made)["edit"]).status == 404


def test_a_file_added_without_in_progress_completes_the_deposit(
    php: SwordappPhp, service: Service, one: bytes
) -> None:
    made = php.deposit_entry(collection_of(php, service), entry_of("One file", "Ada"), in_progress=True)
    assert php.add_file(links(made)["edit-media"], one, "one.zip").status == 201
    assert service.settled(number_of(made))["deposit_status"] == "done"


def test_refusals_are_error_documents(php: SwordappPhp, service: Service, one: bytes) -> None:
    body = multipart_of(entry_of("Wrong", "Ada"), one).replace(b"Content-MD5: ", b"Content-MD5: 0", 1)
    refused = php.deposit_multipart(collection_of(php, service), body, in_progress=False)
    assert refused.status == 400
    assert etree.fromstring(refused.body).tag == f"{SWORD}error"
    stranger = SwordappPhp(service.user, "wrong").get(f"{service.base_url}/servicedocument/")
    assert stranger.status == 401
