"""A package that is known as a whole is not read again, and is whenever that could lose anything."""

from typing import Any

import pytest
from django.utils import timezone

from archive.identifiers import SWHID
from archive.models import Object, Pack, Visit
from archive.retrieval import read_object
from deposit.metadata.packaging import Packaging
from deposit.models import Deposit, Part, Status
from loader.destinations.archive import loading
from loader.destinations.archive.known import known_root
from tests.loader.conftest import Loaded
from tests.support.lifecycle_fixtures import depositor
from tests.support.samples import make_zip

ONE = make_zip({"a": b"first", "dir/b": b"second"})
TWO = make_zip({"a": b"laid over", "c": b"third"})


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The deposits whose packages were read, in order; the reading itself goes on as ever."""
    seen: list[int] = []
    ingest_packages = loading.ingest_packages

    def noting(ingest: Any, deposit: Deposit, lease: Any) -> bytes:
        seen.append(deposit.pk)
        return ingest_packages(ingest, deposit, lease)

    monkeypatch.setattr(loading, "ingest_packages", noting)
    return seen


def test_a_package_sent_again_is_not_read_again(loaded: Loaded, read: list[int]) -> None:
    first = loaded(ONE, version="1")
    again = loaded(ONE, version="2")
    assert read == [first.pk]
    assert (again.status, again.swhid) == (Status.DONE, first.swhid)


def test_its_release_snapshot_and_visit_are_its_own(loaded: Loaded) -> None:
    who = depositor()
    first, again = (loaded(ONE, who=who, origin=f"https://hal.example.org/{name}") for name in ("one", "two"))
    assert again.release_swhid != first.release_swhid
    assert again.snapshot_swhid != first.snapshot_swhid
    assert Visit.objects.count() == 2
    for swhid in (again.release_swhid, again.snapshot_swhid):
        assert read_object(SWHID.parse(swhid or ""))


@pytest.mark.parametrize("packages", [(TWO,), (ONE, TWO), (TWO, ONE), (ONE, ONE)])
def test_other_packages_or_another_order_are_read(
    loaded: Loaded, read: list[int], packages: tuple[bytes, ...]
) -> None:
    first = loaded(ONE, version="1")
    other = loaded(*packages, version="2")
    assert read == [first.pk, other.pk]


def test_several_packages_in_the_same_order_are_known(loaded: Loaded, read: list[int]) -> None:
    first = loaded(ONE, TWO, version="1")
    reverse = loaded(TWO, ONE, version="2")
    again = loaded(ONE, TWO, version="3")
    assert read == [first.pk, reverse.pk]
    assert again.swhid == first.swhid != reverse.swhid


def test_a_file_of_its_own_is_known_by_its_name_too(loaded: Loaded) -> None:
    first = loaded(ONE, version="1")
    again = loaded(ONE, version="2")
    Deposit.objects.filter(pk=again.pk).update(status=Status.FAILED)  # else it is its own precedent
    Part.objects.filter(deposit=again).update(packaging=Packaging.BINARY, name="other")
    assert known_root(again) is None
    Part.objects.filter(deposit=first).update(packaging=Packaging.BINARY, name="other")
    assert known_root(again) is not None
    Part.objects.filter(deposit=first).update(name="one")
    assert known_root(again) is None


@pytest.mark.parametrize("which", ["first", "again"])
def test_a_digest_that_nobody_has_compared_proves_nothing(loaded: Loaded, which: str) -> None:
    deposits = {"first": loaded(ONE, version="1"), "again": loaded(ONE, version="2")}
    Deposit.objects.filter(pk=deposits["again"].pk).update(
        status=Status.FAILED
    )  # else it is its own precedent
    assert known_root(deposits["again"]) is not None
    Part.objects.filter(deposit=deposits[which]).update(digest_pending=True)
    assert known_root(deposits["again"]) is None


def test_what_never_was_done_is_not_taken(loaded: Loaded, read: list[int]) -> None:
    first = loaded(ONE, version="1")
    Deposit.objects.filter(pk=first.pk).update(status=Status.FAILED)
    again = loaded(ONE, version="2")
    assert read == [first.pk, again.pk]


def test_what_is_in_a_damaged_pack_is_brought_back(loaded: Loaded, read: list[int]) -> None:
    first = loaded(ONE, version="1")
    broken = Pack.objects.get()
    Pack.objects.update(damaged_at=timezone.now())
    again = loaded(ONE, version="2")
    assert read == [first.pk, again.pk]
    assert again.swhid == first.swhid
    content = Object.objects.get(sha256__isnull=False, length=len(b"second"))
    assert content.pack_id != broken.pk
    assert bytes(read_object(SWHID.parse(str(content)))) == b"second"


@pytest.mark.parametrize("length", [len(b"first"), len(b"second")])
def test_what_is_missing_anywhere_below_is_brought_back(loaded: Loaded, read: list[int], length: int) -> None:
    first = loaded(ONE, version="1")
    Object.objects.filter(kind=0, length=length).delete()
    again = loaded(ONE, version="2")
    assert read == [first.pk, again.pk]
    assert Object.objects.filter(kind=0, length=length).exists()


def test_a_directory_below_that_is_missing_is_brought_back(loaded: Loaded, read: list[int]) -> None:
    first = loaded(ONE, version="1")
    directories = Object.objects.filter(kind=1)
    assert directories.count() == 2
    for swhid in [str(one) for one in directories]:
        Object.objects.filter(sha1_git=SWHID.parse(swhid).hash).delete()
        read.clear()
        again = loaded(ONE, version=swhid)
        assert read == [again.pk]
        assert again.swhid == first.swhid
        assert Object.objects.filter(kind=1).count() == 2
