"""Is it stored? By identifier, accession, file name, digest and date; versions, and where to get them."""

import io
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client as HttpClient
from django.utils import timezone

from checker.checking import check
from deposit.metadata.entry import read_entry
from deposit.models import Client, Collection, Deposit, Part
from deposit.services import deposits
from deposit.services.parts import Submission
from loader.workflow import load
from tests.support.factories import acting_as, http_client, new_client
from tests.support.lifecycle_fixtures import depositor, package
from tests.support.samples import atom_entry, make_zip

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _places(tmp_path: Path, settings: Any) -> None:
    settings.STAGING_ROOT = str(tmp_path / "staging")
    settings.ARCHIVE_ROOT = str(tmp_path / "archive")


@pytest.fixture
def who() -> tuple[Client, Collection]:
    return depositor()


@pytest.fixture
def http(who: tuple[Client, Collection]) -> HttpClient:
    return http_client(who[0])


@pytest.fixture
def send(who: tuple[Client, Collection]) -> Callable[..., Deposit]:
    """Deposit a package with an identifier, and take it as far as is wanted."""

    def sending(
        identifier: str | None, files: dict[str, bytes], *, stored: bool = True, name: str = "a.zip"
    ) -> Deposit:
        deposit = deposits.create(
            actor=acting_as(who[0]),
            collection=who[1],
            submission=Submission(package=package(make_zip(files), name), entry=read_entry(atom_entry())),
            in_progress=False,
            slug=identifier,
        )
        check(deposit.pk, worker="checker")
        if stored:
            load(deposit.pk, worker="loader")
        deposit.refresh_from_db()
        return deposit

    return sending


def found(http: HttpClient, query: str) -> list[tuple[int, int | None, bool]]:
    rows = http.get(f"/api/packages/?{query}").json()["results"]
    return [(row["deposit"], row["version"], row["stored"]) for row in rows]


def test_versions_are_listed_and_only_the_stored_are_stored(
    http: HttpClient, send: Callable[..., Deposit]
) -> None:
    first = send("PP/A/1", {"a": b"1"})
    second = send("PP/A/1", {"a": b"2"}, stored=False)
    send("PP/A/2", {"a": b"3"})
    assert found(http, "external_id=PP/A/1") == [(second.pk, 2, False), (first.pk, 1, True)]
    assert found(http, "external_id=PP/A/1&stored=true") == [(first.pk, 1, True)]
    assert found(http, "external_id=PP/A/1&version=2") == [(second.pk, 2, False)]
    assert found(http, "external_id=nothing") == []


def test_accession_file_name_and_digest_find_it_too(http: HttpClient, send: Callable[..., Deposit]) -> None:
    one = send("PP/GARDEN/7", {"a": b"1"}, name="garden.zip")
    send("PP/GARDEN/17", {"a": b"2"})
    row = [(one.pk, 1, True)]
    assert found(http, "accession=7") == row
    assert found(http, "file_name=garden.zip") == row
    assert found(http, f"sha256={Part.objects.get(deposit=one, kind='package').sha256.upper()}") == row
    assert found(http, "sha256=none") == []


def test_dates_leave_out_what_is_not_stored(http: HttpClient, send: Callable[..., Deposit]) -> None:
    one = send("A", {"a": b"1"})
    send("A", {"a": b"2"}, stored=False)
    yesterday = (timezone.now() - timedelta(days=1)).date()
    tomorrow = (timezone.now() + timedelta(days=1)).date()
    assert found(http, f"stored_after={yesterday}") == [(one.pk, 1, True)]
    assert found(http, f"stored_after={tomorrow}") == []
    assert found(http, f"stored_before={tomorrow}T00:00:00Z") == [(one.pk, 1, True)]
    assert http.get("/api/packages/?stored_after=soon").status_code == 400


def test_packages_of_others_are_not_found(
    send: Callable[..., Deposit], who: tuple[Client, Collection]
) -> None:
    send("A", {"a": b"1"})
    other = http_client(new_client(who[1]))
    assert found(other, "external_id=A") == []
    assert other.get("/api/packages/download/?external_id=A").status_code == 404


def test_a_shallow_update_comes_with_the_files_of_earlier_versions(
    http: HttpClient, send: Callable[..., Deposit]
) -> None:
    send("A", {"plan.txt": b"plan", "beds/roses.txt": b"roses", "metadata/metadata.csv": b"old"})
    send("A", {"metadata/metadata.csv": b"newer", "metadata/rights.csv": b"r"})
    third = send("A", {"metadata/metadata.csv": b"newest"})

    def files(query: str) -> dict[str, bytes]:
        answer = http.get(f"/api/packages/download/?external_id=A{query}", follow=True)
        data = b"".join(answer.streaming_content)  # type: ignore[attr-defined]
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            return {name: package.read(name) for name in package.namelist() if not name.endswith("/")}

    plan = {"plan.txt": b"plan", "beds/roses.txt": b"roses"}
    assert files("") == plan | {"metadata/metadata.csv": b"newest"}
    assert files("&version=2") == plan | {"metadata/metadata.csv": b"newer", "metadata/rights.csv": b"r"}
    assert files("&version=1") == plan | {"metadata/metadata.csv": b"old"}
    assert files("&as_sent=true") == {"metadata/metadata.csv": b"newest"}
    sent = http.get("/api/packages/download/?external_id=A&as_sent=true")["Location"]
    assert sent == f"/archive/deposit/{third.pk}/sent/"


def test_a_shallow_update_of_nothing_is_what_was_sent(
    http: HttpClient, send: Callable[..., Deposit], who: tuple[Client, Collection]
) -> None:
    only = send("B", {"metadata/metadata.csv": b"new"})
    assert http.get("/api/packages/download/?external_id=B")["Location"].endswith(f"/{only.pk}/sent/")
    other = http_client(new_client(who[1]))
    assert other.get(f"/archive/deposit/{only.pk}/whole/").status_code == 404


def test_versions_and_files_are_downloaded_and_files_come_from_the_newest_that_has_them(
    http: HttpClient, send: Callable[..., Deposit]
) -> None:
    first = send("A", {"pictures/a b.txt": b"first", "more": b"x"})
    second = send("A", {"notes": b"second"})
    assert (
        http.get("/api/packages/download/?external_id=A")["Location"] == f"/archive/deposit/{second.pk}/sent/"
    )
    assert http.get("/api/packages/download/?external_id=A&version=1")["Location"].split("/")[-3] == str(
        first.pk
    )
    assert http.get("/api/packages/download/?external_id=A&version=3").status_code == 404
    assert http.get("/api/packages/download/?external_id=").status_code == 404

    def content(query: str) -> bytes:
        answer = http.get(f"/api/packages/file/?external_id=A&{query}", follow=True)
        return b"".join(answer.streaming_content) if answer.streaming else answer.content  # type: ignore[attr-defined]

    assert content("path=notes") == b"second"
    assert content("path=pictures/a%20b.txt") == b"first"
    assert http.get("/api/packages/file/?external_id=A&version=1&path=notes").status_code == 404
