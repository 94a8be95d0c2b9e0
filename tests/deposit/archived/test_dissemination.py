"""What leaves the archive under trouble: lost and damaged packs, odd names, several packages, large contents."""

import io
import random
import tarfile
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast
from urllib.parse import unquote_to_bytes

import bagit
import pytest
from django.http import StreamingHttpResponse
from django.test import Client as HttpClient
from django.test import override_settings

from archive.identifiers import SWHID, ObjectType, content_id
from archive.models import Pack
from archive.packs import LARGE
from archive.storage import FileStorage, default_storage
from checker.checking import check
from deposit.actors import Channel, system_actor
from deposit.models import Client, Collection, Deposit
from deposit.services import tokens
from deposit.staging.files import path_of
from loader.workflow import load
from settings.wsgi import application
from tests.deposit.archived.test_archive_view import FILES, deposit_package
from tests.deposit.archived.test_bags import unpack
from tests.support.lifecycle_fixtures import sent
from tests.support.samples import make_tar, make_zip

pytestmark = pytest.mark.django_db(transaction=True)


def content(data: bytes) -> str:
    return str(SWHID(ObjectType.CONTENT, content_id(data)))


def the_pack() -> Path:
    storage = default_storage()
    assert isinstance(storage, FileStorage)
    return storage.path(Pack.objects.latest("id").name)


def status(http: HttpClient, path: str, **headers: str) -> int:
    """How a request ends whose answer nobody reads."""
    answer = http.get(path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    answer.close()
    return answer.status_code


@contextmanager
def pack_away() -> Iterator[None]:
    path = the_pack()
    aside = path.rename(path.with_suffix(".aside"))
    try:
        yield
    finally:
        aside.rename(path)


def test_what_cannot_be_read_is_a_503_and_comes_back(http: HttpClient) -> None:
    large = random.Random(1).randbytes(3 * LARGE)
    deposit = deposit_package(http, make_zip(FILES | {"large": large}))
    paths = [content(b"hello\n"), content(large), str(deposit.release_swhid)]
    paths = [f"/archive/{one}/" for one in paths]
    paths += [f"/archive/{deposit.swhid}/?format={form}" for form in ("tar", "tar.gz", "zip")]
    whole = {path: http.get(path).getvalue() for path in paths}
    with pack_away():
        for path in paths:
            answer = http.get(path)
            assert answer.status_code == 503, path
            assert answer.json()["code"].startswith("archive."), path
    assert {path: http.get(path).getvalue() for path in paths} == whole


def test_a_flipped_bit_is_a_503_and_never_given_out(http: HttpClient) -> None:
    deposit_package(http, make_zip(FILES))
    path = the_pack()
    sound = path.read_bytes()
    for at in range(0, len(sound), 13):
        path.write_bytes(sound[:at] + bytes([sound[at] ^ 1]) + sound[at + 1 :])
        answer = http.get(f"/archive/{content(b'hello' + bytes([10]))}/")
        assert answer.status_code == 503 or answer.getvalue() == b"hello\n", at


def test_every_range_of_a_large_content_is_that_range(http: HttpClient) -> None:
    source = random.Random(2)
    data = source.randbytes(3 * LARGE + 17)
    deposit_package(http, make_zip({"data": data, "small": b"small"}))
    path = f"/archive/{content(data)}/"
    edges = [0, 1, LARGE - 513, LARGE - 512, LARGE - 511, LARGE, 2 * LARGE, len(data) - 1]
    edges += [source.randrange(len(data)) for _ in range(10)]
    for start in edges:
        for length in (1, 513, LARGE + 1):
            answer = http.get(path, headers={"Range": f"bytes={start}-{start + length - 1}"})
            expected = data[start : start + length]
            assert (answer.status_code, answer.getvalue()) == (206, expected)
            told = f"bytes {start}-{start + len(expected) - 1}/{len(data)}"
            assert (answer["Content-Range"], answer["Content-Length"]) == (told, str(len(expected)))
    for odd in ("bytes=5-3", "bytes=a-b", "lines=1-2", "bytes=0-1,4-5"):
        assert status(http, path, Range=odd) == 200, odd
    for beyond in (f"bytes={len(data)}-", "bytes=-0"):
        assert status(http, path, Range=beyond) == 416, beyond
    assert status(http, path, Range="bytes=0-1", If_Range='"other"') == 200


def served(http: HttpClient, path: str) -> tuple[str, str, bytes]:
    """Status, disposition and body, from the application as servers call it: the test client's own is Django's."""
    environ = dict(http.request().wsgi_request.META)
    environ |= {"HTTP_HOST": "testserver"}
    environ |= {"PATH_INFO": unquote_to_bytes(path).decode("iso-8859-1"), "wsgi.input": io.BytesIO()}
    told: list[tuple[str, str]] = []

    def start(status: str, headers: list[tuple[str, str]], _: object = None, /) -> Callable[[bytes], object]:
        told.append((status, dict(headers).get("Content-Disposition", "")))
        return told.append  # type: ignore[return-value]  # nobody writes that way

    content = b"".join(application(environ, start))
    ((status, disposition),) = told
    return status, disposition, content


def latin_tar(*names: str) -> bytes:
    """A tar whose names are written in ISO-8859-1; each file holds its name."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", encoding="latin-1", format=tarfile.GNU_FORMAT) as tar:
        for name in names:
            info = tarfile.TarInfo(name)
            info.size = len(name)
            tar.addfile(info, io.BytesIO(name.encode("latin-1")))
    return buffer.getvalue()


def test_names_that_are_not_utf_8_are_reached_and_kept(http: HttpClient) -> None:
    root = deposit_package(http, latin_tar("caf\xe9/na\xefve.txt", "caf\xe9/100%")).swhid
    assert served(http, f"/archive/{root}/caf%E9/na%EFve.txt") == (
        "200 OK",
        "attachment; filename*=UTF-8''na%EFve.txt",
        b"caf\xe9/na\xefve.txt",
    )
    assert served(http, f"/archive/{root}/caf%E9/100%25")[2] == b"caf\xe9/100%"
    _, _, folder = served(http, f"/archive/{root}/caf%E9/")
    with tarfile.open(fileobj=io.BytesIO(folder), encoding="latin-1") as tar:
        assert sorted(tar.getnames()) == ["100%", "na\xefve.txt"]


def test_bytes_that_are_not_utf_8_are_told_from_percent_signs_of_a_name(http: HttpClient) -> None:
    written = {"\xe9": "%E9", "%E9": "%25E9", "\xe9-%E9": "%E9-%25E9", "%E9-\xe9": "%25E9-%E9"}
    paths = [(folder, name) for folder in written for name in written]
    root = deposit_package(http, latin_tar(*("/".join(path) for path in paths))).swhid
    for folder, name in paths:
        status, disposition, content = served(http, f"/archive/{root}/{written[folder]}/{written[name]}")
        assert (status, content) == ("200 OK", f"{folder}/{name}".encode("latin-1"))
        assert disposition.endswith(f"filename*=UTF-8''{written[name]}")
    assert served(http, f"/archive/{root}/%E9/%25e9")[0] == "404 Not Found"


def loaded(*packages: bytes, who: tuple[Client, Collection]) -> Deposit:
    deposit = sent(*packages, who=who)
    check(deposit.pk, worker="test")
    load(deposit.pk, worker="test")
    deposit.refresh_from_db()
    assert deposit.status == "done"
    return deposit


def test_several_packages_come_back_together_and_their_bag_is_valid(
    http: HttpClient, depositor: Client, collection: Collection, tmp_path: Path
) -> None:
    large = random.Random(3).randbytes(8 * LARGE)
    packages = [make_zip({"a": b"a"}), make_tar({"b": b"b"}), make_zip({"large": large})]
    deposit = loaded(*packages, who=(depositor, collection))
    answer = http.get(f"/archive/deposit/{deposit.pk}/sent/")
    body = answer.getvalue()
    assert int(answer["Content-Length"]) == len(body)
    with zipfile.ZipFile(io.BytesIO(body)) as together:
        assert sorted(together.read(name) for name in together.namelist()) == sorted(packages)
    for form in ("zip", "tar"):
        folder = unpack(http, deposit, form, tmp_path / form)
        bag = bagit.Bag(str(folder))
        bag.validate()
        kept = sorted(one.read_bytes() for one in folder.glob("data/packages/*/*"))
        assert kept == sorted(packages)
        assert bag.info["Payload-Oxum"].partition(".")[2] == "4"


def test_packages_that_are_no_longer_kept_are_told_as_such(
    http: HttpClient, depositor: Client, collection: Collection
) -> None:
    deposit = loaded(make_zip({"a": b"a"}), make_zip({"b": b"b"}), who=(depositor, collection))
    part = deposit.parts.filter(kind="package").order_by("id")[1]
    path_of(str(part.stored_as)).unlink()
    for path in (f"/archive/deposit/{deposit.pk}/sent/", f"/archive/deposit/{deposit.pk}/bag/"):
        answer = http.get(path)
        assert (answer.status_code, answer.json()["code"]) == (404, "deposit.package_removed"), path
    assert status(http, f"/archive/{deposit.swhid}/") == 200


def test_a_token_reads_only_with_the_scope_to_read(http: HttpClient, depositor: Client) -> None:
    deposit = deposit_package(http, make_zip(FILES))
    paths = [f"/archive/{one}/" for one in (deposit.swhid, deposit.release_swhid, content(b"hello\n"))]
    paths += [f"/archive/deposit/{deposit.pk}/{form}/" for form in ("sent", "bag")]
    paths += [f"/archive/origin/?url={deposit.origin_url}"]
    for scope, told in (("read", 200), ("deposit", 403)):
        _, text = tokens.issue(
            actor=system_actor(Channel.COMMAND), user=depositor.user, name=scope, scopes=[scope]
        )
        bearer = HttpClient(headers={"Authorization": f"Bearer {text}"})
        assert {path: status(bearer, path) for path in paths} == dict.fromkeys(paths, told)


def test_many_identifiers_are_answered_at_once_and_too_many_are_refused(http: HttpClient) -> None:
    deposit = deposit_package(http, make_zip(FILES))
    missing = [f"swh:1:cnt:{number:040x}" for number in range(998)]
    asked = [str(deposit.swhid), *missing, content(b"hello\n")]
    answer = http.post("/archive/known/", {"swhids": asked}, content_type="application/json")
    told = answer.json()
    assert (answer.status_code, len(told)) == (200, 1000)
    assert [one for one, what in told.items() if what["known"]] == [asked[0], asked[-1]]
    for wrong in ([*asked, missing[0]], ["swh:1:cnt:12"], "swh:1:cnt:12"):
        refused = http.post("/archive/known/", {"swhids": wrong}, content_type="application/json")
        assert (refused.status_code, bool(refused.json()["code"])) == (400, True)


@override_settings(DATA_UPLOAD_MAX_MEMORY_SIZE=None)
def test_whatever_is_streamed_takes_little_memory(http: HttpClient) -> None:
    block = random.Random(4).randbytes(LARGE)
    files = {f"{number}": bytes([number]) + block * 12 for number in range(4)}
    deposit = deposit_package(http, make_tar(files, "w"))
    paths = [f"/archive/{deposit.swhid}/?format={form}" for form in ("tar", "tar.gz", "zip")]
    paths += [
        f"/archive/deposit/{deposit.pk}/{form}" for form in ("sent/", "bag/?format=zip", "bag/?format=tar")
    ]
    paths += [f"/archive/{content(files['0'])}/"]
    for path in paths:
        tracemalloc.start()
        answer = cast(StreamingHttpResponse, http.get(path))
        length = sum(map(len, cast(Iterator[bytes], answer.streaming_content)))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert (answer.status_code, length > 12 * LARGE) == (200, True), path
        assert peak < 10 * LARGE, (path, peak)
