"""Reading over HTTP: ranges, forms, paths, origins, what is known, and who may."""

import io
import json
import tarfile
import zipfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from urllib.parse import quote

import pytest
from django.test import Client as HttpClient

from archive.identifiers import SWHID, ObjectType, content_id
from deposit.models import Client, Collection, Curatorship
from tests.deposit.archived.test_archive_view import FILES, deposit_package
from tests.support.factories import basic, http_client, new_client
from tests.support.samples import make_tar, make_zip

pytestmark = pytest.mark.django_db(transaction=True)
HELLO = f"swh:1:cnt:{content_id(b'hello' + bytes([10])).hex()}"
ORIGIN = "https://hal.example.org/soft"


def known(http: HttpClient, swhids: list[str]) -> list[str]:
    answer = http.post("/archive/known/", {"swhids": swhids}, content_type="application/json")
    assert answer.status_code == 200, answer.content
    return [swhid for swhid, told in answer.json().items() if told["known"]]


def test_a_content_comes_whole_in_ranges_or_not_again(http: HttpClient) -> None:
    deposit_package(http, make_zip(FILES))
    path = f"/archive/{HELLO}/"
    whole = http.get(path)
    assert (whole.status_code, whole.getvalue(), whole["Content-Length"]) == (200, b"hello\n", "6")
    assert whole["ETag"] == f'"{HELLO[-40:]}"'
    assert whole["X-Content-Type-Options"] == "nosniff"
    assert whole["Content-Security-Policy"] == "sandbox; default-src 'none'; frame-ancestors 'none'"
    assert whole["Content-Disposition"].startswith("attachment; ")
    part = http.get(path, headers={"Range": "bytes=1-3"})
    assert (part.status_code, part.getvalue(), part["Content-Range"]) == (206, b"ell", "bytes 1-3/6")
    assert http.get(path, headers={"Range": "bytes=6-"}).status_code == 416
    assert http.get(path, headers={"If-None-Match": whole["ETag"]}).status_code == 304
    head = http.head(path)
    assert (head.status_code, head["Content-Length"], head.getvalue()) == (200, "6", b"")


def test_a_directory_comes_as_tar_tar_gz_or_zip(http: HttpClient) -> None:
    path = f"/archive/{deposit_package(http, make_zip(FILES)).swhid}/"
    for query, accept, mode in [
        ("", "*/*", "r:"),
        ("?format=tar.gz", "", "r:gz"),
        ("", "application/gzip", "r:gz"),
    ]:
        answer = http.get(path + query, headers={"Accept": accept})
        with tarfile.open(fileobj=io.BytesIO(answer.getvalue()), mode=mode) as tar:  # type: ignore[call-overload]
            assert sorted(one.name for one in tar if one.isfile()) == sorted(FILES)
    for query, accept in [("?format=zip", ""), ("", "application/zip")]:
        answer = http.get(path + query, headers={"Accept": accept})
        with zipfile.ZipFile(io.BytesIO(answer.getvalue())) as archive:
            assert {name: archive.read(name) for name in FILES} == FILES
    assert http.get(path, headers={"If-None-Match": http.head(path)["ETag"]}).status_code == 304
    refused = http.get(path + "?format=rar")
    assert (refused.status_code, refused.json()["code"]) == (406, "archive.format")


def test_a_path_below_a_directory_is_followed_byte_by_byte(http: HttpClient) -> None:
    names = ["a/ü %41.txt", "a/b/c"]
    root = deposit_package(http, make_tar({name: name.encode() for name in names})).swhid
    for name in names:
        answer = http.get(f"/archive/{root}/{quote(name)}")
        assert answer.getvalue() == name.encode()
    folder = http.get(f"/archive/{root}/a/b/")
    with tarfile.open(fileobj=io.BytesIO(folder.getvalue())) as tar:
        assert tar.getnames() == ["c"]
    missing = http.get(f"/archive/{root}/a/none")
    assert (missing.status_code, missing.json()["code"]) == (404, "archive.unknown")


def test_releases_snapshots_and_origins_are_told_as_json(http: HttpClient) -> None:
    deposit = deposit_package(http, make_zip(FILES))
    release = http.get(f"/archive/{deposit.release_swhid}/").json()
    assert release["target"] == deposit.swhid
    assert (
        deposit.release_swhid in http.get(f"/archive/{deposit.snapshot_swhid}/").json()["branches"].values()
    )
    origin = http.get("/archive/origin/", {"url": ORIGIN}).json()
    assert origin["url"] == ORIGIN
    assert [one["snapshot"] for one in origin["visits"]] == [deposit.snapshot_swhid]
    assert http.get(f"/archive/{origin['swhid']}/").json() == origin


def test_nothing_is_readable_or_known_to_a_neighbour(
    http: HttpClient, collection: Collection, depositor: Client
) -> None:
    deposit = deposit_package(http, make_zip(FILES))
    neighbour = http_client(new_client(collection, username="neighbour"))
    mine = [HELLO, *map(str, (deposit.swhid, deposit.release_swhid, deposit.snapshot_swhid))]
    assert known(http, [*mine, HELLO[:-1] + "0"]) == mine
    assert known(neighbour, mine) == []
    paths = [*mine, f"{deposit.swhid}/pkg/readme.txt", f"origin/?url={ORIGIN}"]
    paths += [f"deposit/{deposit.pk}/sent", f"deposit/{deposit.pk}/bag"]
    for path in paths:
        path = path if "?" in path or "readme" in path else path + "/"
        assert neighbour.get(f"/archive/{path}").status_code == 404, path
        assert HttpClient().get(f"/archive/{path}").status_code == 401, path
        answer = http.get(f"/archive/{path}")
        assert (answer.status_code, answer.getvalue() != b"") == (200, True), path


def test_the_same_404_for_foreign_and_for_missing(http: HttpClient, collection: Collection) -> None:
    deposit = deposit_package(http, make_zip(FILES))
    neighbour = http_client(new_client(collection, username="neighbour"))
    missing = "swh:1:dir:" + "0" * 40
    foreign = neighbour.get(f"/archive/{deposit.swhid}/").json()
    nothing = neighbour.get(f"/archive/{missing}/").json()
    assert json.loads(json.dumps(foreign).replace(str(deposit.swhid), missing)) == nothing


def test_a_curator_who_deposits_nothing_reads_what_is_curated(
    http: HttpClient, collection: Collection
) -> None:
    deposit = deposit_package(http, make_zip(FILES))
    user = new_client(username="curator").user
    user.client.delete()
    curator = HttpClient(headers={"Authorization": basic(user.username)})
    assert curator.get(f"/archive/{deposit.swhid}/").status_code == 404
    Curatorship.objects.create(user=user, collection=collection)
    assert curator.get(f"/archive/{HELLO}/").getvalue() == b"hello\n"
    assert known(curator, [HELLO]) == [HELLO]


def test_many_identifiers_cost_as_many_queries_as_one(
    http: HttpClient, django_assert_max_num_queries: Callable[[int], AbstractContextManager[object]]
) -> None:
    files = {f"{n}/file": b"%d" % n for n in range(100)}
    deposit_package(http, make_zip(files))
    swhids = [str(SWHID(ObjectType.CONTENT, content_id(data))) for data in files.values()]
    with django_assert_max_num_queries(25):
        assert known(http, swhids) == swhids
