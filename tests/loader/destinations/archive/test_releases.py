"""Release, snapshot, visit and metadata of a load: swh-deposit's rules (contract, section 9), swh.model's sums."""

import threading
from collections.abc import Callable
from datetime import datetime

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from swh.model import model
from swh.model.swhids import CoreSWHID

from archive.identifiers import SWHID
from archive.retrieval import metadata_of, release, snapshot, visits
from checker.checking import check
from deposit import lifecycle
from deposit.metadata.entry import read_entry
from deposit.models import Client, Collection, Deposit, EventName, Status
from deposit.services import deposits
from loader.destinations.archive.releases import branch_name
from loader.workflow import load
from tests.loader.conftest import Loaded
from tests.support.describing import describe_all
from tests.support.factories import acting_as
from tests.support.lifecycle_fixtures import ORIGIN, depositor, sent
from tests.support.samples import atom_entry, create_origin, make_zip

WITH_DATES = (
    "<codemeta:dateCreated>2017-10-07T15:17:08+02:00</codemeta:dateCreated>"
    "<codemeta:datePublished>2020-01-02</codemeta:datePublished>"
    "<codemeta:softwareVersion>v1.2 beta</codemeta:softwareVersion>"
    "<codemeta:releaseNotes>First.</codemeta:releaseNotes>"
)


def branches(deposit: Deposit) -> dict[bytes, str]:
    """The snapshot's branches; an alias as ``-> name``."""
    found = snapshot(SWHID.parse(deposit.snapshot_swhid or "").hash).branches
    return {
        name: str(target) if isinstance(target, SWHID) else f"-> {target[0].decode()}"  # type: ignore[index]
        for name, target in found.items()
    }


@pytest.fixture
def who(transactional_db: None) -> tuple[Client, Collection]:
    return depositor()


@pytest.fixture
def of_version(loaded: Loaded, who: tuple[Client, Collection]) -> Callable[[str | None], Deposit]:
    """A deposit of the same client and origin, loaded."""

    def run(version: str | None) -> Deposit:
        deposit = loaded(make_zip({"version": (version or "").encode()}), who=who, version=version)
        assert deposit.status == Status.DONE
        return deposit

    return run


def test_a_release_is_the_one_swh_model_computes(loaded: Loaded) -> None:
    deposit = loaded(entry=atom_entry(create_origin(ORIGIN) + WITH_DATES))
    author = settings.RELEASE_AUTHOR.encode()
    message = (
        f"{deposit.client}: Deposit {deposit.pk} in collection {deposit.collection}\n\nFirst.\n".encode()
    )
    expected = model.Release(
        name=b"v1.2 beta",
        message=message,
        target=CoreSWHID.from_string(deposit.swhid or "").object_id,
        target_type=model.ReleaseTargetType.DIRECTORY,
        synthetic=True,
        author=model.Person.from_fullname(author),
        date=model.TimestampWithTimezone.from_datetime(datetime.fromisoformat("2017-10-07T15:17:08+02:00")),
    )
    assert deposit.release_swhid == str(expected.swhid())


def test_without_a_date_the_release_is_of_the_completion(loaded: Loaded) -> None:
    deposit = loaded()
    assert deposit.complete_date is not None
    expected = model.TimestampWithTimezone.from_datetime(deposit.complete_date)
    found = release(SWHID.parse(deposit.release_swhid or "").hash)
    assert found.date is not None
    assert (found.date.seconds, found.date.microseconds) == (
        expected.timestamp.seconds,
        expected.timestamp.microseconds,
    )


def test_the_context_names_origin_visit_anchor_and_path(loaded: Loaded) -> None:
    deposit = loaded()
    assert deposit.swhid_context == (
        f"{deposit.swhid};origin={ORIGIN};visit={deposit.snapshot_swhid};anchor={deposit.release_swhid};path=/"
    )


def test_a_first_snapshot_has_one_branch_and_the_head(of_version: Callable[[str], Deposit]) -> None:
    deposit = of_version("1.0")
    assert branches(deposit) == {b"deposit/1.0": deposit.release_swhid, b"HEAD": "-> deposit/1.0"}


def test_a_snapshot_is_the_one_swh_model_computes(of_version: Callable[[str], Deposit]) -> None:
    releases = [of_version(version) for version in ("1.9", "1.10")]
    expected = model.Snapshot(
        branches={
            f"deposit/{version}".encode(): model.SnapshotBranch(
                target=CoreSWHID.from_string(deposit.release_swhid or "").object_id,
                target_type=model.SnapshotTargetType.RELEASE,
            )
            for version, deposit in zip(("1.9", "1.10"), releases, strict=True)
        }
        | {b"HEAD": model.SnapshotBranch(target=b"deposit/1.10", target_type=model.SnapshotTargetType.ALIAS)}
    )
    assert releases[-1].snapshot_swhid == str(expected.swhid())


def test_the_head_is_the_highest_version_and_the_identifiers_are_the_deposits_own(
    of_version: Callable[[str], Deposit],
) -> None:
    """swh-deposit reports for version 9 the identifier of version 10, when that one came before."""
    ten, nine = of_version("10"), of_version("9")
    assert nine.swhid != ten.swhid
    assert branches(nine) == {
        b"deposit/9": nine.release_swhid,
        b"deposit/10": ten.release_swhid,
        b"HEAD": "-> deposit/10",
    }


def test_of_one_version_the_newest_counts(of_version: Callable[[str], Deposit]) -> None:
    of_version("1")
    again = of_version("1")
    assert branches(again) == {b"deposit/1": again.release_swhid, b"HEAD": "-> deposit/1"}


def test_versions_are_numbered_where_none_is_given(of_version: Callable[[str | None], Deposit]) -> None:
    assert [of_version(None).software_version for _ in range(3)] == ["1", "2", "3"]


def test_only_loaded_deposits_are_branches(
    of_version: Callable[[str], Deposit], who: tuple[Client, Collection]
) -> None:
    rejected = sent(make_zip({}), who=who, version="2")
    check(rejected.pk, worker="checker")
    sent(who=who, version="3")
    first = of_version("1")
    assert sorted(branches(first)) == [b"HEAD", b"deposit/1"]


NAMES = ("status", "swhid", "swhid_context", "release_swhid", "snapshot_swhid")


def known_by(deposit: Deposit) -> dict[str, str]:
    deposit.refresh_from_db()
    return {name: getattr(deposit, name) for name in NAMES}


def reload(deposit: Deposit) -> None:
    lifecycle.fire(EventName.RESCHEDULE, deposit.pk, actor="operator")
    load(deposit.pk, worker="loader")


def test_an_older_version_that_is_loaded_again_keeps_all_that_it_was_known_by(
    of_version: Callable[[str], Deposit],
) -> None:
    first, second = of_version("1"), of_version("2")
    before, visited = known_by(first), len(visits(ORIGIN))
    reload(first)
    assert known_by(first) == before
    # The newest look at the origin is still that with both versions.
    assert len(visits(ORIGIN)) == visited
    third = of_version("3")
    assert sorted(branches(third)) == [b"HEAD", b"deposit/1", b"deposit/2", b"deposit/3"]
    assert known_by(second)["status"] == Status.DONE


def test_a_deposit_whose_metadata_were_updated_keeps_its_release(loaded: Loaded) -> None:
    deposit = loaded(entry=atom_entry(create_origin(ORIGIN) + WITH_DATES))
    before = known_by(deposit)
    updated = atom_entry(create_origin(ORIGIN) + WITH_DATES.replace("2017", "2001").replace("First", "Other"))
    deposits.update_metadata(
        actor=acting_as(deposit.client),
        deposit=deposit,
        entry=read_entry(updated),
        check_swhid=deposit.swhid or "",
    )
    assert describe_all() == 1
    reload(deposit)
    assert known_by(deposit) == before


def test_what_is_damaged_is_made_again_by_the_rules(of_version: Callable[[str], Deposit]) -> None:
    deposit = of_version("1")
    before = known_by(deposit)
    for name in ("release_swhid", "snapshot_swhid"):
        lost = SWHID.parse(before[name]).hash
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM archive_object WHERE sha1_git = %s", [lost])
    reload(deposit)
    assert known_by(deposit) == before
    assert release(SWHID.parse(before["release_swhid"]).hash).name == b"1"


def test_versions_are_branches_of_others_while_they_are_loaded_again(
    of_version: Callable[[str], Deposit],
) -> None:
    first = of_version("1")
    lifecycle.fire(EventName.RESCHEDULE, first.pk, actor="operator")
    assert sorted(branches(of_version("2"))) == [b"HEAD", b"deposit/1", b"deposit/2"]


def test_versions_that_look_alike_in_a_branch_name_get_a_number(of_version: Callable[[str], Deposit]) -> None:
    of_version("v1 beta")
    second = of_version("v1-beta")
    assert sorted(branches(second)) == [b"HEAD", b"deposit/v1-beta", b"deposit/v1-beta/1"]


@pytest.mark.parametrize(
    ("version", "name"),
    [
        ("1.2.3", "1.2.3"),
        ("V1.0 RC 1", "v1.0-rc-1"),
        ("a/b..c@{", "ab..c"),
        ("-_.x.-_", "x"),
        ("ü", "ü"),
        ("日本", "日本"),
    ],
)
def test_a_branch_is_named_by_the_version_in_plain_letters(version: str, name: str) -> None:
    assert branch_name(version) == f"deposit/{name}".encode()


def test_each_load_is_a_visit_of_its_origin(of_version: Callable[[str], Deposit]) -> None:
    deposits = [of_version("1"), of_version("2")]
    found = visits(ORIGIN)
    assert sorted(bytes(visit.snapshot).hex() for visit in found) == sorted(
        (deposit.snapshot_swhid or "")[-40:] for deposit in deposits
    )


def test_the_metadata_is_archived_on_the_directory(loaded: Loaded) -> None:
    entry = atom_entry(create_origin(ORIGIN))
    deposit = loaded(entry=entry)
    (found,) = metadata_of(SWHID.parse(deposit.swhid or ""))
    assert (found.format, found.document, found.origin) == ("sword-v2-atom-codemeta-v2", entry, ORIGIN)
    assert (str(found.release), str(found.snapshot)) == (deposit.release_swhid, deposit.snapshot_swhid)


def test_version_n_costs_version_n(of_version: Callable[[str], Deposit]) -> None:
    """Earlier versions are taken from the record: neither their packages are read again nor queries asked for each."""
    counts = []
    for number in range(1, 8):
        with CaptureQueriesContext(connection) as captured:
            of_version(str(number))
        counts.append(len(captured))
    assert counts[-1] == counts[1]


def test_two_loads_of_one_origin_at_once_are_both_in_the_last_snapshot(
    who: tuple[Client, Collection],
) -> None:
    deposits = [sent(make_zip({"n": str(n).encode()}), who=who, version=str(n)) for n in range(4)]
    for deposit in deposits:
        check(deposit.pk, worker="checker")
    barrier = threading.Barrier(4)

    def run(number: int) -> None:
        barrier.wait()
        load(number, worker=f"loader-{number}")
        connection.close()

    threads = [threading.Thread(target=run, args=(deposit.pk,)) for deposit in deposits]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for deposit in deposits:
        deposit.refresh_from_db()
        assert deposit.status == Status.DONE
    newest = visits(ORIGIN)
    latest = max(newest, key=lambda visit: visit.date)
    found = snapshot(bytes(latest.snapshot)).branches
    assert sorted(found) == [b"HEAD", b"deposit/0", b"deposit/1", b"deposit/2", b"deposit/3"]
