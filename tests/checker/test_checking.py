"""The verdict on a deposit: every finding of the contract (section 7.1), and faults of ours that reject nothing."""

import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from checker import checking
from checker.checking import check
from deposit import lifecycle
from deposit.metadata.entry import read_entry
from deposit.models import Deposit, Event, EventName, Finding, Part, Status
from deposit.queue.dispatcher import release_passed_leases, round_of_work
from deposit.queue.policies import LOCAL
from deposit.services import deposits
from deposit.services.parts import Submission
from deposit.staging.files import path_of
from tests.support.factories import acting_as
from tests.support.lifecycle_fixtures import (
    ORIGIN,
    depositor,
    fall_silent,
    package,
    pass_lease,
    sent,
    work_of,
)
from tests.support.samples import atom_entry, create_origin, make_tar, make_zip

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _staging(tmp_path: Path, settings: Any) -> None:
    settings.STAGING_ROOT = str(tmp_path)


def checked(deposit: Deposit) -> Deposit:
    check(deposit.pk, worker="checker")
    deposit.refresh_from_db()
    return deposit


def findings(deposit: Deposit, severity: str = "error") -> list[tuple[str, str]]:
    rows = Finding.objects.filter(deposit=deposit, severity=severity)
    return [(finding.code, finding.message.partition(":")[0]) for finding in rows]


def stored(deposit: Deposit) -> Path:
    part = Part.objects.get(deposit=deposit, kind="package")
    assert part.stored_as is not None
    return path_of(part.stored_as)


UNSUPPORTED = "Mandatory archive type is not supported"
UNREADABLE = "At least one of its associated archives is not readable"
NESTED = "Mandatory archive is invalid (i.e contains only one archive)"
INNER = make_zip({"a": b"1"})

GOOD = {
    "zip": make_zip({"a": b"1"}),
    "tar": make_tar({"a": b"1"}, "w"),
    "tar.gz": make_tar({"a": b"1"}),
    "tar.bz2": make_tar({"a": b"1"}, "w:bz2"),
    "tar.xz": make_tar({"a": b"1"}, "w:xz"),
    "an archive beside other members": make_zip({"inner.zip": INNER, "readme": b"x"}),
    "one member that is no archive": make_zip({"data.csv": b"1,2"}),
}


@pytest.mark.parametrize("data", GOOD.values(), ids=GOOD)
def test_a_whole_package_is_verified(data: bytes) -> None:
    deposit = checked(sent(data))
    assert findings(deposit) == []
    assert deposit.status == Status.VERIFIED
    assert deposit.verified_date is not None


def flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :]


def stored_zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("a", b"content that is stored as it is")
    return buffer.getvalue()


BAD = {
    "neither zip nor tar": (b"this is no archive at all" * 100, "package.format", UNSUPPORTED),
    "only a zip": (make_zip({"inner.zip": INNER}), "package.nested", NESTED),
    "only a tar.gz below a folder": (make_tar({"x/inner.tar.gz": b"x"}), "package.nested", NESTED),
    "only a 7z": (make_zip({"inner.7z": b"x"}), "package.nested", NESTED),
    "empty zip": (make_zip({}), "package.empty", UNREADABLE),
    "empty tar": (make_tar({}, "w"), "package.empty", UNREADABLE),
    "truncated zip": (make_zip({"a": b"1" * 999})[:-30], "package.truncated", UNREADABLE),
    "truncated tar.gz": (make_tar({"a": bytes(range(256)) * 999})[:-100], "package.truncated", UNREADABLE),
    "wrong CRC": (flipped(stored_zip(), stored_zip().index(b"content")), "package.checksum", UNREADABLE),
    "path traversal": (make_zip({"../../etc/passwd": b"x"}), "package.member.path", UNREADABLE),
}


@pytest.mark.parametrize(("data", "code", "words"), BAD.values(), ids=BAD)
def test_a_package_that_is_not_acceptable_is_rejected_with_the_reason(
    data: bytes, code: str, words: str
) -> None:
    deposit = checked(sent(data))
    assert findings(deposit) == [(code, words)]
    assert deposit.status == Status.REJECTED


def test_each_package_is_judged() -> None:
    deposit = checked(sent(GOOD["zip"], b"no archive" * 99, make_zip({})))
    assert [code for code, _ in findings(deposit)] == ["package.format", "package.empty"]


def test_a_deposit_without_package_is_rejected() -> None:
    client, collection = depositor()
    entry = sent(who=(client, collection), complete=False)
    deposits.remove_packages(actor=acting_as(client), deposit=entry)
    deposits.complete(actor=acting_as(client), deposit=entry)
    assert findings(checked(entry)) == [("package.missing", "Deposit without archive is rejected")]
    assert entry.status == Status.REJECTED


def test_a_deposit_without_metadata_is_rejected() -> None:
    client, collection = depositor()
    deposit = deposits.create(
        actor=acting_as(client),
        collection=collection,
        submission=Submission(package=package(GOOD["zip"])),
        in_progress=False,
        slug="x",
    )
    assert findings(checked(deposit)) == [("metadata.missing", "Missing Atom document")]
    assert deposit.status == Status.REJECTED


def test_the_newest_entry_alone_counts() -> None:
    client, collection = depositor()
    deposit = sent(
        who=(client, collection),
        complete=False,
        entry=atom_entry("<codemeta:dateCreated>soon</codemeta:dateCreated>"),
    )
    newest = Submission(entry=read_entry(atom_entry(create_origin(ORIGIN))))
    deposits.add(actor=acting_as(client), deposit=deposit, submission=newest, in_progress=False)
    assert findings(checked(deposit)) == []


def test_wrong_metadata_and_a_wrong_package_are_told_together() -> None:
    deposit = checked(
        sent(make_zip({}), entry=atom_entry("<codemeta:dateCreated>soon</codemeta:dateCreated>"))
    )
    assert sorted(Finding.objects.filter(severity="error").values_list("area", flat=True).distinct()) == [
        "archive",
        "metadata",
    ]
    assert deposit.status == Status.REJECTED


def test_a_warning_rejects_nothing_and_stays() -> None:
    deposit = checked(sent())
    assert deposit.status == Status.VERIFIED
    assert [code for code, _ in findings(deposit, "warning")] != []


def test_a_check_leaves_the_findings_of_the_newest_alone() -> None:
    deposit = checked(sent(make_zip({})))
    stored(deposit).write_bytes(GOOD["zip"])
    lifecycle.fire(EventName.RECHECK, deposit.pk, actor="operator")
    assert findings(checked(deposit)) == []


# --- Faults of ours ------------------------------------------------------------------------------------
def lose_file(deposit: Deposit) -> None:
    stored(deposit).unlink()


def make_it_a_folder(deposit: Deposit) -> None:
    stored(deposit).unlink()
    stored(deposit).mkdir()


@pytest.mark.parametrize(
    ("harm", "reason"), [(lose_file, "FileNotFoundError: "), (make_it_a_folder, "OSError: ")]
)
def test_a_fault_of_ours_rejects_nothing(harm: Callable[[Deposit], None], reason: str) -> None:
    deposit = sent()
    harm(deposit)
    with pytest.raises(OSError):
        check(deposit.pk, worker="checker")
    deposit.refresh_from_db()
    assert (deposit.status, work_of(deposit).attempts) == (Status.DEPOSITED, 1)
    assert not deposit.findings.exists()
    told = Event.objects.latest("id")
    assert (told.name, told.detail["wait_seconds"]) == ("give-back", LOCAL.first_wait_seconds)
    assert told.detail["reason"].startswith(reason)


def test_after_a_fault_the_deposit_is_checked_again_when_its_time_has_come() -> None:
    deposit = sent()
    file = stored(deposit)
    away = file.rename(file.with_name("away"))
    with pytest.raises(FileNotFoundError):
        check(deposit.pk, worker="checker")
    away.rename(file)
    check(deposit.pk, worker="checker")
    deposit.refresh_from_db()
    assert deposit.status == Status.DEPOSITED
    pass_lease(deposit)
    sent_again: list[tuple[str, str]] = []
    round_of_work(lambda kind, key: sent_again.append((kind.name, key)))
    assert sent_again == [("check", str(deposit.pk))]
    assert checked(deposit).status == Status.VERIFIED


def test_a_package_that_is_lost_for_good_ends_as_failed_with_the_reason(settings: Any) -> None:
    settings.MAX_ATTEMPTS = 2
    deposit = sent()
    lose_file(deposit)
    for _ in range(2):
        with pytest.raises(FileNotFoundError):
            check(deposit.pk, worker="checker")
        pass_lease(deposit)
    round_of_work(lambda work, number: None)
    deposit.refresh_from_db()
    assert deposit.status == Status.FAILED
    assert "FileNotFoundError" in Event.objects.latest("id").detail["reason"]
    assert [code for code, _ in findings(deposit)] == ["loading.quarantined"]


# --- Twice, late, in vain ------------------------------------------------------------------------------
def test_a_task_that_comes_twice_checks_once() -> None:
    deposit = sent()
    for _ in range(3):
        check(deposit.pk, worker="checker")
    assert Event.objects.filter(deposit=deposit, name="verify").count() == 1
    assert Event.objects.filter(deposit=deposit, name="check").count() == 1


@pytest.mark.parametrize("number", [0, 10**9])
def test_a_task_for_no_deposit_does_nothing(number: int) -> None:
    check(number, worker="checker")
    assert not Event.objects.exists()


def test_a_checker_that_slept_past_its_lease_writes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """While it sleeps another takes over and finishes; the sleeper's verdict would be another."""
    deposit = sent(make_zip({}))
    real = checking.examine

    def slow(*args: Any) -> Any:
        found = real(*args)
        fall_silent(deposit)
        monkeypatch.setattr(checking, "examine", real)
        stored(deposit).write_bytes(GOOD["zip"])
        check(deposit.pk, worker="quick")
        return found

    monkeypatch.setattr(checking, "examine", slow)
    check(deposit.pk, worker="slow")
    deposit.refresh_from_db()
    assert deposit.status == Status.VERIFIED
    assert findings(deposit) == []
    assert Event.objects.get(name="verify").actor == "quick"
    assert release_passed_leases() == 0


def test_a_tar_with_a_hard_link_and_a_symlink_is_fine() -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        info = tarfile.TarInfo("a")
        info.size = 1
        archive.addfile(info, io.BytesIO(b"1"))
        for name, kind in (("hard", tarfile.LNKTYPE), ("soft", tarfile.SYMTYPE)):
            link = tarfile.TarInfo(name)
            link.type, link.linkname = kind, "a"
            archive.addfile(link)
    assert checked(sent(buffer.getvalue())).status == Status.VERIFIED
