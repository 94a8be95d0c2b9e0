"""Checker and loader come to the same verdict on every package there is a case for, and touch nothing but their own."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from archive.ingest import Ingest
from archive.tree import Tree
from checker.checking import check
from checker.packages import check_package
from deposit.findings import Severity
from deposit.intake.listing import Listing
from deposit.models import Collection, Finding, Part, Status
from deposit.queue.claims import Claim
from deposit.queue.leases import Lease
from loader.destinations.archive.loading import ingest_package
from loader.workflow import load
from packages import Limits, PackageError, sandbox
from packages.fork_server import TABLES
from packages.limits import MIB
from tests.packages import stream_cases, tar_cases, tar_tool_cases, zip_cases, zip_tool_cases  # noqa: F401  they fill the register
from tests.packages.cases import ACCEPTED, CASES, Case
from tests.support.lifecycle_fixtures import ORIGIN, depositor, in_status, sent
from tests.support.samples import atom_entry, create_origin, make_zip

# None of these takes more, in seconds: the time that a case may need, not one that it should.
pytestmark = pytest.mark.timeout(60)

MOST_MEMORY = 512 * MIB
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_CHANGING = {
    "os.mkdir",
    "os.symlink",
    "os.link",
    "os.rename",
    "os.remove",
    "os.rmdir",
    "os.chmod",
    "os.truncate",
}

_watched: list[str] = []
_watching = False


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if not _watching:
        return
    if (event == "open" and isinstance(arguments[2], int) and arguments[2] & _WRITING) or event in _CHANGING:
        _watched.append(os.fsdecode(arguments[0]) if not isinstance(arguments[0], int) else "")


sys.addaudithook(_watch)


@contextmanager
def watched() -> Iterator[list[str]]:
    """The paths that this process writes to, makes, moves or removes during the block."""
    global _watching
    _watched.clear()
    _watching = True
    try:
        yield _watched
    finally:
        _watching = False


@pytest.fixture(autouse=True)
def _areas(tmp_path: Path, settings: Any) -> None:
    settings.STAGING_ROOT, settings.ARCHIVE_ROOT = str(tmp_path / "staging"), str(tmp_path / "archive")
    (tmp_path / "staging").mkdir()
    (tmp_path / "archive").mkdir()


def memory(what: str) -> int:
    """What this process uses (``VmRSS``), or used at most since that was forgotten (``VmHWM``), in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{what}:"))


def a_lease() -> Lease:
    """A lease that is not renewed, for work that is judged by itself."""
    return Lease(Claim(id=0, kind="check", key="0", token=0, attempt=1, worker="test"))


def checked(name: str, case: Case) -> str:
    with Listing() as listing:
        found = check_package(Part(stored_as=name, name="package"), a_lease(), case.limits, listing)
    return next((one.code for one in found if one.severity is Severity.ERROR), ACCEPTED)


def loaded(name: str, case: Case) -> str:
    try:
        with Ingest() as ingest:
            ingest_package(ingest, Tree(), name, a_lease(), case.limits)
    except PackageError as error:
        return error.code
    return ACCEPTED


@pytest.mark.django_db
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_checker_and_loader_agree(case: Case, tmp_path: Path) -> None:
    (tmp_path / "staging" / "package").write_bytes(case.build())
    server = sandbox._fork_server()
    idle = memory("VmRSS")
    # Or else the peak of an earlier case would hide this one's.
    Path("/proc/self/clear_refs").write_text("5")

    own = (str(tmp_path / "archive"), "/proc/self/", "/dev/null")
    with watched() as touched:
        verdicts = checked("package", case), loaded("package", case)

    assert verdicts == (case.verdict, case.verdict)
    assert [path for path in touched if path and not path.startswith(own)] == []
    assert [path.name for path in (tmp_path / "staging").iterdir()] == ["package"]
    assert memory("VmHWM") - idle < MOST_MEMORY
    assert sandbox._fork_server() is server


def test_the_confined_readers_may_not_use_more() -> None:
    assert Limits().memory + TABLES <= MOST_MEMORY


LIMITED = [("members", 1), ("total", 3), ("member", 1), ("path", 4), ("depth", 1)]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("name", "value"), LIMITED, ids=[name for name, _ in LIMITED])
def test_the_limits_of_a_collection_bind_checker_and_loader(name: str, value: int) -> None:
    client, collection = depositor()
    Collection.objects.filter(pk=collection.pk).update(**{f"max_{name}": value})
    package = make_zip({"pkg/a.txt": b"12", "pkg/b.txt": b"34"})

    rejected = sent(package, who=(client, collection))
    check(rejected.pk, worker="checker")
    failed = in_status(
        Status.VERIFIED, sent(package, who=(client, collection), origin=f"{ORIGIN}/2", complete=False)
    )
    load(failed.pk, worker="loader")

    rejected.refresh_from_db()
    failed.refresh_from_db()
    assert (rejected.status, failed.status) == (Status.REJECTED, Status.FAILED)
    assert Finding.objects.get(deposit=rejected, severity="error").code == f"package.limit.{name}"
    assert Finding.objects.get(deposit=failed).message.startswith(f"package.limit.{name}")


@pytest.mark.django_db(transaction=True)
def test_a_collection_takes_links_that_lead_out_if_it_says_so() -> None:
    client, collection = depositor()
    outside = CASES["tar-symlink-absolute"].build()
    assert CASES["tar-symlink-absolute"].verdict == "package.member.symlink"

    Collection.objects.filter(pk=collection.pk).update(links_outside=True)
    deposit = sent(outside, who=(client, collection), entry=atom_entry(create_origin(ORIGIN)))
    check(deposit.pk, worker="checker")
    load(deposit.pk, worker="loader")

    deposit.refresh_from_db()
    assert deposit.status == Status.DONE
