"""From a deposit over SWORD, through checker and loader, and back out of the archive."""

import subprocess
from pathlib import Path

import pytest
from django.test import Client as HttpClient
from swh.model.from_disk import Directory

from checker.checking import check
from deposit.models import Client, Collection, Deposit, Finding
from loader.workflow import load
from tests.deposit.sword.test_views import multipart
from tests.support.factories import http_client, new_client
from tests.support.samples import atom_entry, create_origin, make_tar, make_zip

FILES = {"pkg/readme.txt": b"hello\n", "pkg/src/main.py": b"print('hello')\n", "pkg/empty": b""}


def deposit_package(
    http: HttpClient, package: bytes, origin: str = "https://hal.example.org/soft"
) -> Deposit:
    body, kind = multipart(atom_entry(create_origin(origin)), package)
    response = http.post("/1/hal/", body, content_type=kind)
    assert response.status_code == 201, response.content
    deposit = Deposit.objects.latest("id")
    check(deposit.pk, worker="test")
    load(deposit.pk, worker="test")
    deposit.refresh_from_db()
    return deposit


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("package", [make_zip(FILES), make_tar(FILES), make_tar(FILES, "w:xz")])
def test_a_deposit_comes_back_byte_for_byte(http: HttpClient, tmp_path: Path, package: bytes) -> None:
    deposit = deposit_package(http, package)
    assert list(Finding.objects.filter(severity="error").values_list("message", flat=True)) == []
    assert deposit.status == "done"
    answer = http.get(f"/archive/{deposit.swhid}/")
    assert answer.status_code == 200
    subprocess.run(["tar", "-xf", "-", "-C", tmp_path], check=True, input=answer.getvalue())
    assert {name: (tmp_path / name).read_bytes() for name in FILES} == FILES
    assert str(Directory.from_disk(path=bytes(tmp_path), max_content_length=None).swhid()) == deposit.swhid


@pytest.mark.django_db(transaction=True)
def test_only_the_depositor_reads_its_objects(
    http: HttpClient, collection: Collection, depositor: Client
) -> None:
    deposit = deposit_package(http, make_zip(FILES))
    with_content = "swh:1:cnt:ce013625030ba8dba906f756967f9e9ca394464a"
    assert http.get(f"/archive/{with_content}/").getvalue() == b"hello\n"
    assert http.get(f"/archive/{deposit.snapshot_swhid}/").status_code == 200
    neighbour = http_client(new_client(collection, username="neighbour"))
    foreign = neighbour.get(f"/archive/{deposit.swhid}/")
    missing = neighbour.get("/archive/swh:1:dir:" + "0" * 40 + "/")
    assert (foreign.status_code, missing.status_code) == (404, 404)
    assert neighbour.get(f"/archive/{with_content}/").status_code == 404
