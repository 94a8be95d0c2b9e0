"""``POST /api/check/``: the checks without a deposit; bounded, for members only, and nothing is kept."""

import tempfile
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client as HttpClient

from deposit.models import Client, Collection, Deposit, Part
from deposit.services import dry_run
from tests.packages.building import ZipEntry, zip_archive
from tests.packages.trees import directory_id
from tests.support.factories import PASSWORD, basic, new_collection
from tests.support.samples import atom_entry, create_origin, make_tar, make_zip

pytestmark = pytest.mark.django_db
PLAIN = make_zip({"p/a": b"x", "p/run": b"y"})


def check(http: HttpClient, data: bytes, query: str = "", **headers: str) -> Any:
    return http.post(
        f"/api/check/{query}", data, content_type="application/octet-stream", headers=headers or None
    )


def told(answer: Any) -> tuple[bool, list[str]]:
    assert answer.status_code == 200, answer.content
    body = answer.json()
    return body["accepted"], [each["code"] for each in body["findings"]]


def test_a_package_is_judged_and_named(http: HttpClient, tmp_path: Path) -> None:
    (tmp_path / "p").write_bytes(PLAIN)
    answer = check(http, PLAIN)
    assert told(answer) == (True, [])
    assert answer.json()["swhid"] == directory_id(tmp_path / "p")


def test_warnings_and_errors_are_told(http: HttpClient) -> None:
    doubtful = check(http, make_tar({"p/a": b"x", "p/.DS_Store": b"y"}))
    assert told(doubtful) == (True, ["package.warning.system-files"])
    broken = check(http, PLAIN[:-30])
    assert told(broken) == (False, ["package.truncated"])
    assert broken.json()["findings"][0]["severity"] == "error"
    assert told(check(http, b"no archive at all")) == (False, ["package.format"])


def test_the_rules_are_those_of_the_collection(http: HttpClient, collection: Collection) -> None:
    Collection.objects.filter(pk=collection.pk).update(top_folder="none", max_members=1)
    assert told(check(http, PLAIN, f"?collection={collection.name}")) == (False, ["package.limit.members"])
    Collection.objects.filter(pk=collection.pk).update(max_members=None)
    assert told(check(http, PLAIN)) == (True, ["package.warning.top-folder"])


def test_names_are_read_as_the_header_says(http: HttpClient) -> None:
    data = zip_archive(ZipEntry(name="日本".encode("shift_jis"), data=b"x"))
    assert told(check(http, data)) == (True, ["package.warning.encoding"])
    assert told(check(http, data, **{"X-Name-Encoding": "shift_jis"})) == (True, [])
    assert check(http, PLAIN, **{"X-Name-Encoding": "klingon"}).status_code == 400


def test_metadata_are_judged(http: HttpClient) -> None:
    def answer(document: bytes) -> Any:
        return http.post("/api/check/", document, content_type="application/atom+xml;type=entry")

    accepted, codes = told(answer(atom_entry(create_origin("https://hal.example.org/x"))))
    assert accepted
    assert all(code.startswith("metadata.") for code in codes)
    accepted, codes = told(answer(b"<entry xmlns='http://www.w3.org/2005/Atom'/>"))
    assert not accepted
    assert told(answer(b"<entry"))[0] is False


def test_nothing_is_kept(http: HttpClient, tmp_path: Path, settings: Any, monkeypatch: Any) -> None:
    settings.STAGING_ROOT = str(tmp_path / "staging")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    told(check(http, PLAIN))
    told(check(http, b"no archive"))
    assert (Deposit.objects.count(), Part.objects.count(), list(tmp_path.rglob("*"))) == (0, 0, [])


def test_it_is_bounded(http: HttpClient, settings: Any) -> None:
    settings.CHECK_MAX_SIZE = 100
    answer = check(http, PLAIN)
    assert (answer.status_code, answer.json()["code"]) == (413, "check.too_large")
    assert (check(http, b"").status_code, check(http, b"").json()["code"]) == (400, "check.empty")


def test_one_at_a_time(http: HttpClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dry_run, "_PATIENCE", 0.01)
    with dry_run._FREE:
        answer = check(http, PLAIN)
    assert (answer.status_code, answer.json()["code"], answer["Retry-After"]) == (503, "check.busy", "3")
    assert told(check(http, PLAIN)) == (True, [])


def test_only_members_are_answered(http: HttpClient, depositor: Client) -> None:
    new_collection("theirs")
    assert check(HttpClient(), PLAIN).status_code == 401
    assert check(http, PLAIN, "?collection=theirs").status_code in (403, 404)
    User.objects.create_user("olga", password=PASSWORD)
    assert check(HttpClient(headers={"Authorization": basic("olga")}), PLAIN).status_code == 403


def test_what_the_package_says_of_itself_is_told(http: HttpClient) -> None:
    package = {
        "p/CITATION.cff": b"title: A tool\nversion: 1.10\nauthors:\n- {family-names: F, given-names: G}\n- name: Lab\n",
        "p/package.json": b'{"name": "other", "license": "MIT"}',
    }
    answer = check(http, make_zip(package))
    assert told(answer)[0]
    described = {
        each["term"]: (each["name"], each["values"], each["file"]) for each in answer.json()["described"]
    }
    assert described["name"] == ("title", ["A tool"], "CITATION.cff")
    assert described["author"] == ("authors", ["G F", "Lab"], "CITATION.cff")
    assert described["softwareVersion"] == ("version", ["1.10"], "CITATION.cff")
    assert described["license"][2] == "package.json"
    assert check(http, PLAIN).json()["described"] == []
    assert "metadata.package_note" in told(check(http, make_zip({"CITATION.cff": b"a: [\n", "x": b"y"})))[1]
