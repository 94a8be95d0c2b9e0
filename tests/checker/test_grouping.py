"""Small deposits that wait together are checked together; what is not plainly accepted is judged by itself."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from checker import checking, grouping
from checker.checking import check
from checker.grouping import check_together
from deposit.lifecycle import Work
from deposit.models import Collection, Deposit, Finding, PackageVersion, Status, WorkItem
from deposit.queue import items
from deposit.queue.leases import Lease
from deposit.queue.messages import SMALL_BYTES
from tests.support.lifecycle_fixtures import depositor, sent
from tests.support.samples import atom_entry, create_origin, make_zip

pytestmark = pytest.mark.django_db(transaction=True)

Waiting = Callable[..., list[Deposit]]


def waiting(number: int, **files: bytes) -> list[Deposit]:
    """So many deposits of one client that wait for their check."""
    who = depositor()
    return [
        sent(
            make_zip({f"p/{n}": b"%d" % n, **files}),
            entry=atom_entry(create_origin(f"https://hal.example.org/group/{n}")),
            who=who,
        )
        for n in range(number)
    ]


def check_all(deposits: list[Deposit]) -> None:
    check_together([str(deposit.pk) for deposit in deposits], worker="checker")


def statuses(deposits: list[Deposit]) -> list[str]:
    return [Deposit.objects.get(pk=deposit.pk).status for deposit in deposits]


def history(deposit: Deposit) -> list[tuple[str, str, str, str, Any]]:
    rows = deposit.events.order_by("id")
    return list(rows.values_list("name", "from_status", "to_status", "actor", "detail"))


def test_they_get_what_they_would_get_alone() -> None:
    *deposits, alone = waiting(4)
    check_all(deposits)
    check(alone.pk, worker="checker")
    assert statuses([*deposits, alone]) == [Status.VERIFIED] * 4
    alone.refresh_from_db()
    for deposit in deposits:
        deposit.refresh_from_db()
        assert (deposit.directory_swhid or "").startswith("swh:1:dir:")
        assert deposit.directory_swhid != alone.directory_swhid
        assert deposit.verified_date == deposit.status_changed_at
        assert deposit.revision == alone.revision
        assert history(deposit) == history(alone)
        found = Finding.objects.filter(deposit=deposit).values_list("code", "message")
        assert list(found) == list(Finding.objects.filter(deposit=alone).values_list("code", "message"))
        (item,) = WorkItem.objects.filter(deposit=deposit)
        (other,) = WorkItem.objects.filter(deposit=alone)
        for name in ("kind", "queue", "share", "heavy", "attempts", "lease_token", "sent_at", "arguments"):
            assert getattr(item, name) == getattr(other, name), name


def test_a_bad_one_is_rejected_alone(settings: Any) -> None:
    deposits = waiting(3)
    bad = deposits[1].parts.get(kind="package")
    Path(settings.STAGING_ROOT, bad.stored_as or "").write_bytes(b"no package")
    check_all(deposits)
    assert statuses(deposits) == [Status.VERIFIED, Status.REJECTED, Status.VERIFIED]
    assert set(WorkItem.objects.values_list("kind", flat=True)) == {"load"}


def test_a_fault_of_ours_leaves_one_to_its_next_attempt(settings: Any) -> None:
    deposits = waiting(3)
    lost = deposits[0].parts.get(kind="package")
    place = Path(settings.STAGING_ROOT, lost.stored_as or "")
    data = place.read_bytes()
    place.unlink()
    check_all(deposits)
    assert statuses(deposits) == [Status.DEPOSITED, Status.VERIFIED, Status.VERIFIED]
    item = WorkItem.objects.get(deposit=deposits[0])
    assert (item.attempts, item.lease_expires_at, item.sent_at) == (1, None, None)
    place.write_bytes(data)
    check(deposits[0].pk, worker="checker")
    assert statuses(deposits[:1]) == [Status.VERIFIED]


def test_versions_of_packages_are_numbered_one_by_one() -> None:
    deposits = waiting(2)
    Deposit.objects.update(external_id="the same")
    check_all(deposits)
    assert statuses(deposits) == [Status.VERIFIED] * 2
    assert sorted(PackageVersion.objects.values_list("number", flat=True)) == [1, 2]


def test_what_is_large_or_has_a_profile_is_left_to_a_message_of_its_own(settings: Any) -> None:
    deposits = waiting(3)
    deposits[0].parts.filter(kind="package").update(size=SMALL_BYTES + 1)
    check_all(deposits)
    assert statuses(deposits) == [Status.DEPOSITED, Status.VERIFIED, Status.VERIFIED]
    item = WorkItem.objects.get(deposit=deposits[0])
    assert (item.attempts, item.sent_at) == (0, None)
    assert item.lease_token > 0
    others = waiting(2)
    Collection.objects.update(profile="museum")
    check_all(others)
    assert statuses(others) == [Status.DEPOSITED] * 2


def test_twice_late_or_in_vain_does_no_harm() -> None:
    deposits = waiting(3)
    check(deposits[0].pk, worker="checker")
    claim = items.claim(Work.CHECK, deposits[1].pk, worker="another")
    assert claim is not None
    check_all([*deposits, deposits[2]])
    check_all(deposits)
    assert statuses(deposits) == [Status.VERIFIED, Status.DEPOSITED, Status.VERIFIED]
    assert items.renew(claim)


def test_a_group_that_lost_its_leases_writes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    deposits = waiting(3)
    examine = checking.examine

    def lose(deposit: Deposit, lease: Lease, *arguments: Any, **named: Any) -> Any:
        WorkItem.objects.filter(deposit=deposits[2]).update(lease_token=10**9)
        return examine(deposit, lease, *arguments, **named)

    monkeypatch.setattr(grouping, "examine", lose)
    check_all(deposits)
    assert statuses(deposits) == [Status.DEPOSITED] * 3
    assert Finding.objects.count() == 0
    open_again = WorkItem.objects.filter(lease_expires_at=None).values_list("deposit_id", flat=True)
    assert sorted(open_again) == [deposit.pk for deposit in deposits[:2]]


def test_what_a_slow_group_has_not_begun_goes_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    deposits = waiting(3)
    monkeypatch.setattr(grouping, "LIGHT_SECONDS", 0)
    # One is examined before the clock is looked at again.
    monkeypatch.setattr("checker.grouping.time.monotonic", iter(range(100)).__next__)
    check_all(deposits)
    assert Status.VERIFIED not in statuses(deposits)[1:]
    assert set(WorkItem.objects.filter(kind="check").values_list("attempts", flat=True)) == {1}
