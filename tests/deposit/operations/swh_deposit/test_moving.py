"""Moving in: what comes, under which number, what stays behind and why; again, in parts, and cut off."""

import hashlib
import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection

from archive.identifiers import SWHID, ObjectType, origin_id
from archive.retrieval import metadata_of
from deposit.models import Client, Deposit, Event, Identifier, MovedDeposit, Part, Status, WorkItem
from deposit.operations.doctor import examine
from deposit.staging.files import path_of
from tests.support.buckets import KEYS, bucket_server, s3
from tests.support.describing import describe_all
from tests.support.factories import basic, http_client, new_client, new_collection, new_deposit
from tests.support.swh_deposit_record import ENTRY, PASSWORD, SCHEMA, SwhDepositRecord, database_url

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _folders(tmp_path: Path, settings: Any) -> None:
    settings.STAGING_ROOT = str(tmp_path / "staging")
    settings.ARCHIVE_ROOT = str(tmp_path / "archive")


@pytest.fixture
def other(tmp_path: Path) -> SwhDepositRecord:
    return SwhDepositRecord(tmp_path / "media")


def run(other: SwhDepositRecord, *words: str, uploads: str | None = None) -> dict[str, Any]:
    """The report of one run."""
    other.uploads.mkdir(exist_ok=True)
    out = StringIO()
    place = uploads or str(other.uploads)
    with suppress(SystemExit):
        call_command(
            "swh_deposit_import",
            "--database",
            database_url(),
            "--uploads",
            place,
            "--json",
            *words,
            stdout=out,
            stderr=StringIO(),
        )
    report: dict[str, Any] = json.loads(out.getvalue())
    return report


def reasons(report: dict[str, Any]) -> dict[int | str, str]:
    return {row["id"]: row["reason"] for row in report["rows"] if not row["taken"]}


def remarks(report: dict[str, Any]) -> dict[int | str, str]:
    return {row["id"]: row["reason"] for row in report["rows"] if row["taken"]}


def test_a_deposit_comes_with_all_that_it_is(other: SwhDepositRecord) -> None:
    for _ in range(3):
        other.deposit("expired", package=None)
    number = other.deposit(package=b"PK and more", external_id="one", software_version="1.2", parent_id=2)
    run(other)
    deposit = Deposit.objects.select_related("client__user", "collection").get(pk=number)
    assert (deposit.client.user.username, deposit.collection.name) == ("ada", "hal")
    assert (deposit.status, deposit.external_id, deposit.software_version) == ("done", "one", "1.2")
    assert deposit.reception_date.isoformat() == "2024-02-03T04:05:06.789000+00:00"
    assert deposit.complete_date is not None
    assert deposit.complete_date.isoformat() == "2024-02-03T05:00:00+00:00"
    assert (deposit.parent_id, deposit.title) == (2, f"Number {number}")
    document, package = deposit.parts.order_by("id")
    assert (document.kind, package.name, package.sha256) == (
        "metadata",
        "one.zip",
        hashlib.sha256(b"PK and more").hexdigest(),
    )
    assert path_of(package.stored_as or "").read_bytes() == b"PK and more"
    assert dict(Identifier.objects.filter(deposit=number).values_list("scheme", "value")) == {
        "swhid-directory": "swh:1:dir:" + "a" * 40,
        "swhid-release": "swh:1:rel:" + "c" * 40,
        "swhid-snapshot": "swh:1:snp:" + "b" * 40,
    }
    assert [problem.code for problem in examine(archive=False)] == []


def test_users_log_in_with_the_same_password_which_is_then_hashed_anew(other: SwhDepositRecord) -> None:
    other.user("root", is_superuser=True, client=False)
    other.user("away", is_active=False, password="!unusable")
    run(other)
    ada = User.objects.get(username="ada")
    assert ada.password.startswith("pbkdf2_sha256$")
    http = http_client(Client.objects.get(user=ada))
    answer = http.get("/1/servicedocument/", HTTP_AUTHORIZATION=basic("ada", "wrong"))
    assert answer.status_code == 401
    answer = http.get("/1/servicedocument/", HTTP_AUTHORIZATION=basic("ada", PASSWORD))
    assert answer.status_code == 200
    ada.refresh_from_db()
    assert ada.password.startswith("argon2$")
    assert not User.objects.filter(username="root").exists()
    assert not User.objects.get(username="away").is_active


def test_what_is_said_of_a_deposit_is_said_the_same_here(other: SwhDepositRecord) -> None:
    detail = {
        "metadata": [{"summary": "Mandatory fields are missing.", "fields": ["atom:name", "atom:author"]}],
        "archive": [{"summary": "Mandatory archive is invalid (i.e contains only one archive)"}],
        "url": {"summary": "At least one url field must be there", "fields": ["url"]},
        "loading": ["one\n  trace", "two"],
    }
    number = other.deposit("rejected", status_detail=json.dumps(detail))
    run(other)
    http = http_client(Client.objects.get(user__username="ada"))
    answer = http.get(
        f"/1/hal/{number}/status/", HTTP_AUTHORIZATION=basic("ada", PASSWORD), HTTP_ACCEPT="application/json"
    )
    assert answer.json()["deposit_status_detail"] == (
        "- Mandatory fields are missing. (atom:name, atom:author)\n"
        "- Mandatory archive is invalid (i.e contains only one archive)\n"
        "- At least one url field must be there (url)\n"
        "- one\n  trace\n"
        "- two\n"
    )


def test_a_second_run_changes_nothing(other: SwhDepositRecord) -> None:
    other.deposit()
    run(other)
    before = list(Deposit.objects.values()), Part.objects.count(), Event.objects.count()
    assert run(other)["counts"] == {"deposits unchanged": 1}
    assert (list(Deposit.objects.values()), Part.objects.count(), Event.objects.count()) == before


def test_what_changed_there_is_brought_up_to_date(other: SwhDepositRecord) -> None:
    number = other.deposit("failed")
    run(other)
    (old,) = Part.objects.filter(kind="package").values_list("stored_as", flat=True)
    other.change("deposit", number, status="rejected", complete_date="2025-01-01 00:00Z")
    other.package(number, b"another", "two.zip")
    assert run(other)["counts"]["deposits updated"] == 1
    assert Deposit.objects.get(pk=number).status == "rejected"
    assert list(Part.objects.filter(kind="package").order_by("id").values_list("name", flat=True)) == [
        "one.zip",
        "two.zip",
    ]
    assert not path_of(old or "").exists()
    told = list(Event.objects.filter(deposit=number).order_by("id").values_list("from_status", "to_status"))
    assert told == [("", "failed"), ("failed", "rejected")]
    assert [problem.code for problem in examine(archive=False)] == []


def test_what_changed_on_both_stays_as_it_is_here(other: SwhDepositRecord) -> None:
    number = other.deposit()
    run(other)
    Deposit.objects.filter(pk=number).update(revision=7, title="Ours")
    assert run(other)["counts"] == {"deposits unchanged": 1}
    other.change("deposit", number, external_id="theirs")
    assert reasons(run(other)) == {number: "It was changed there and here; it stays as it is here."}
    assert Deposit.objects.get(pk=number).title == "Ours"


def test_what_is_half_done_is_left_until_the_final_run_and_taken_up_then(other: SwhDepositRecord) -> None:
    numbers = {status: other.deposit(status) for status in ("partial", "deposited", "verified", "loading")}
    assert run(other)["counts"] | {"collections created": 1, "clients created": 1} == {
        "collections created": 1,
        "clients created": 1,
        "deposits left until --final": 4,
    }
    run(other, "--final")
    assert dict(Deposit.objects.values_list("pk", "status")) == {pk: status for status, pk in numbers.items()}
    assert set(WorkItem.objects.values_list("kind", "deposit")) == {
        ("check", numbers["deposited"]),
        ("load", numbers["verified"]),
        ("load", numbers["loading"]),
    }


def test_a_package_that_is_gone_is_told_and_taken_when_it_is_back(other: SwhDepositRecord) -> None:
    number = other.deposit(package=None)
    path = other.package(number, b"PK")
    content = path.read_bytes()
    path.unlink()
    report = run(other)
    assert "is not there" in remarks(report)[number]
    assert run(other)["counts"] == {"deposits unchanged": 1}
    assert [problem.code for problem in examine(archive=False)] == []
    path.write_bytes(content)
    assert run(other)["counts"]["deposits updated"] == 1
    assert Part.objects.filter(deposit=number, kind="package").count() == 1
    assert MovedDeposit.objects.get(pk=number).lacking == []


def test_a_half_done_deposit_without_its_package_stays_behind(other: SwhDepositRecord) -> None:
    number = other.deposit("deposited")
    for path in other.uploads.rglob("one.zip"):
        path.unlink()
    assert "is not there" in reasons(run(other, "--final"))[number]
    assert not Deposit.objects.exists()


def test_a_digest_that_differs_is_damage(other: SwhDepositRecord, tmp_path: Path) -> None:
    good, bad = other.deposit(), other.deposit(package=b"damaged")
    digests = tmp_path / "SHA256SUMS"
    lines = [
        f"{hashlib.sha256(b'PK').hexdigest()}  ./{path.relative_to(other.uploads)}\n"
        for path in sorted(other.uploads.rglob("one.zip"))
    ]
    digests.write_text("".join(lines))
    report = run(other, "--digests", str(digests))
    assert list(remarks(report)) == [bad]
    assert "is damaged" in remarks(report)[bad]
    assert list(Part.objects.filter(kind="package").values_list("deposit", flat=True)) == [good]


@pytest.mark.parametrize("name", ["../../secret.zip", "/etc/passwd", "link/secret.zip"])
def test_only_files_below_the_uploads_are_read(other: SwhDepositRecord, tmp_path: Path, name: str) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "secret.zip").write_bytes(b"secret")
    other.uploads.mkdir()
    (other.uploads / "link").symlink_to(tmp_path / "secrets")
    number = other.deposit(package=None)
    other.request(number, archive=name)
    assert "below the uploads" in remarks(run(other))[number]
    assert not Part.objects.filter(kind="package").exists()


def test_rows_that_cannot_be_ours_are_told_one_by_one(other: SwhDepositRecord) -> None:
    fine = other.deposit()
    odd = other.add_collection("no/segment")
    nowhere = other.deposit(collection_id=odd)
    strange = other.deposit("injecting")
    unknown = other.deposit(swhid=None)
    broken = other.deposit(swhid="swh:1:dir:zz")
    lost = other.user("lost", provider_url="ftp://nowhere", domain="")
    lone = other.deposit(client_id=lost)
    told = reasons(run(other))
    assert set(told) == {"no/segment", "lost", nowhere, strange, unknown, broken, lone}
    assert "deposit_swhid_is_a_core_swhid" in told[broken]
    assert list(Deposit.objects.values_list("pk", flat=True)) == [fine]


def test_what_has_the_number_or_the_name_here_is_not_touched(other: SwhDepositRecord) -> None:
    client = new_client(
        new_collection("other"), username="ada", provider_url="https://elsewhere.example.org/"
    )
    number = other.deposit()
    mine = new_deposit(client, client.collections.get(), pk=number)
    bob = other.user("bob")
    theirs = other.deposit(client_id=bob)
    told = reasons(run(other))
    assert told["ada"] == "There is another user of that name here; rename one of the two."
    assert told[number] == "Another deposit has this number here."
    assert Deposit.objects.get(pk=number).client == mine.client
    assert Deposit.objects.get(pk=theirs).client.user.username == "bob"


def test_parts_of_it_can_be_moved(other: SwhDepositRecord) -> None:
    soft = other.add_collection("soft")
    old, new = other.deposit(), other.deposit(reception_date="2025-06-01 00:00Z")
    elsewhere = other.deposit(collection_id=soft)
    run(other, "--collection", "hal", "--since", "2025-01-01")
    # Their requests are of today.
    assert set(Deposit.objects.values_list("pk", flat=True)) == {old, new}
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {SCHEMA}.deposit_request SET date = '2024-01-01'")  # noqa: S608
    assert run(other, "--since", "2025-01-01", "--collection", "hal")["counts"] == {"deposits unchanged": 1}
    with pytest.raises(CommandError, match="no collection nothing"):
        run(other, "--collection", "nothing")
    assert not Deposit.objects.filter(pk=elsewhere).exists()


def test_a_dry_run_writes_nothing_and_tells_the_same(other: SwhDepositRecord) -> None:
    other.deposit()
    missing = other.deposit()
    next((other.uploads).rglob(f"{missing}/one.zip")).unlink()
    foretold = run(other, "--dry-run")
    assert (User.objects.count(), Deposit.objects.count(), Part.objects.count()) == (0, 0, 0)
    assert not list(Path(path_of("")).rglob("*"))
    told = run(other)
    assert foretold["rows"] == told["rows"]
    assert foretold["counts"] == told["counts"]
    assert (told["counts"]["deposits created"], told["counts"]["packages"]) == (2, 1)


def test_numbers_that_are_still_to_come_there_are_not_given_here(other: SwhDepositRecord) -> None:
    number = other.deposit(id=5_000_000)
    run(other, "--headroom", "500")
    client = Client.objects.get(user__username="ada")
    ours = new_deposit(client, client.collections.get())
    assert ours.pk == number + 501
    other.deposit(id=number + 1)
    assert run(other)["counts"]["deposits created"] == 1


def test_another_version_of_the_tables_is_not_read(other: SwhDepositRecord) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {SCHEMA}.django_migrations VALUES ('deposit', '0026_newer')")  # noqa: S608
    with pytest.raises(CommandError, match=r"not of swh-deposit 3\.0\.1"):
        run(other)


def test_uploads_come_from_a_bucket_and_are_compared(
    other: SwhDepositRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = other.deposit(package=b"PK in a bucket")
    for name, value in KEYS.items():
        monkeypatch.setenv({"region_name": "AWS_DEFAULT_REGION"}.get(name, name.upper()), value)
    with bucket_server() as endpoint:
        client = s3(endpoint)
        client.create_bucket(Bucket="uploads")
        (path,) = other.uploads.rglob("one.zip")
        client.put_object(
            Bucket="uploads", Key=f"media/{path.relative_to(other.uploads)}", Body=path.read_bytes()
        )
        place = f"s3://uploads/media?endpoint={endpoint}"
        assert run(other, uploads=place)["rows"] == []
        part = Part.objects.get(deposit=number, kind="package")
        assert path_of(part.stored_as or "").read_bytes() == b"PK in a bucket"
        gone = other.deposit(package=b"never uploaded")
        assert "NoSuchKey" in remarks(run(other, uploads=place))[gone]


def test_a_run_that_is_killed_is_taken_up_by_the_next(other: SwhDepositRecord, settings: Any) -> None:
    numbers = [other.deposit(package=os.urandom(100)) for _ in range(600)]
    environment = {
        **os.environ,
        "STAGING_ROOT": settings.STAGING_ROOT,
        "DATABASE_URL": database_url().partition("&options")[0],
        "DEPOSIT_TEST_KILLED": "1",
    }
    command = [sys.executable, "manage.py", "swh_deposit_import", "--uploads", str(other.uploads)]
    command += ["--database", database_url()]
    process = subprocess.Popen(
        command,
        env=environment,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("up to deposit"):
            break
    process.send_signal(signal.SIGKILL)
    process.communicate()
    begun = Deposit.objects.count()
    assert 0 < begun < len(numbers)
    counts = run(other)["counts"]
    assert (counts["deposits unchanged"], counts["deposits created"]) == (begun, len(numbers) - begun)
    assert Deposit.objects.filter(status=Status.DONE).count() == len(numbers)
    assert Part.objects.filter(kind="package").count() == len(numbers)
    assert [problem.code for problem in examine(archive=False)] == []


def test_metadata_only_deposits_come_into_the_archive_where_done_is_loaded(other: SwhDepositRecord) -> None:
    url = "https://hal.example.org/one"
    entry = ENTRY.format("meta").replace(
        "<author>",
        '<swh:deposit xmlns:swh="https://www.softwareheritage.org/schema/2018/deposit"><swh:reference>'
        f'<swh:origin url="{url}"/></swh:reference></swh:deposit><author>',
    )
    meta: dict[str, Any] = {"type": "meta", "swhid": None, "swhid_context": None, "origin_url": None}
    number = other.deposit(package=None, **meta)
    other.request(number, raw_metadata=entry)
    broken = other.deposit(package=None, **meta)
    other.request(broken, raw_metadata="<no entry")
    run(other)
    # Recorded only.
    assert (describe_all(), Deposit.objects.get(pk=number).status) == (0, "done")
    report = run(other, "--done", "load")
    # The first document of each refers to nothing.
    assert [line["id"] for line in report["rows"]] == [number, broken, broken]
    assert (describe_all(), report["counts"]["metadata documents on their way to the archive"]) == (1, 1)
    origin = SWHID(ObjectType.ORIGIN, origin_id(url))
    (document,) = [each for each in metadata_of(origin) if each.format == "sword-v2-atom-codemeta"]
    part = Part.objects.get(deposit=number, document=entry.encode())
    assert document.document == entry.encode()
    assert int(document.discovery_date.timestamp()) == int(part.created_at.timestamp())
    # Once.
    run(other, "--done", "load")
    assert describe_all() == 0
