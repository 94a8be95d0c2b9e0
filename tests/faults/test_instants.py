"""One deposit's life, from its bytes to the archive, ended or failed at every instant, is always lived to its end.

In the short form some instants are tried, spread over the life; ``TEST_FAULTS=1`` tries all.
"""

import contextlib
import io
import os
import tarfile
import traceback
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from archive.identifiers import SWHID
from archive.models import Visit
from archive.tar import stream_tar
from checker.checking import check
from deposit.metadata.entry import read_entry
from deposit.models import Deposit, Event, Status
from deposit.operations.doctor import examine, mend
from deposit.services import deposits
from deposit.services.parts import Package, Submission
from deposit.staging.storage import staging_file
from loader.workflow import load
from tests.faults.instants import Nth, die, fail, watched
from tests.support.factories import acting_as
from tests.support.lifecycle_fixtures import ORIGIN, depositor, fall_silent
from tests.support.samples import atom_entry, create_origin, make_tar

pytestmark = pytest.mark.django_db(transaction=True)

FILES = {"pkg/a": b"content", "pkg/b": b"more content"}
_NO_AGE = timedelta(0)
TRIED = None if "TEST_FAULTS" in os.environ else 12


@pytest.fixture(autouse=True)
def _folders(tmp_path: Path, settings: Any) -> None:
    settings.STAGING_ROOT = str(tmp_path / "staging")
    settings.ARCHIVE_ROOT = str(tmp_path / "archive")
    settings.MAX_ATTEMPTS = 1000


def live(who: Any, answer: Callable[[int], object]) -> None:
    """What web, checker and loader do in turn for one deposit; errors end where the framework would catch them."""
    client, collection = who
    try:
        with staging_file(limit=10**6) as file:
            file.write(make_tar(FILES))
            package = Package(staged=file.finish(), name="p.tar.gz", content_type="application/x-tar")
            deposit = deposits.create(
                actor=acting_as(client),
                collection=collection,
                submission=Submission(package=package, entry=read_entry(atom_entry(create_origin(ORIGIN)))),
                in_progress=False,
                slug=None,
            )
    except Exception:  # noqa: BLE001 - the client is told that it failed
        return
    answer(deposit.pk)
    # Celery logs what fails; the dispatcher sends the deposit again.
    with contextlib.suppress(Exception):
        check(deposit.pk, worker="c")
    connection.close()
    with contextlib.suppress(Exception):
        load(deposit.pk, worker="l")


def in_child(who: Any, happen: Nth) -> tuple[int | None, list[str]]:
    """Live in a process of its own; returns the deposit that was answered with 201, if any, and the instants seen."""
    connection.close()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            connection.ensure_connection()
            with watched(happen):
                live(who, lambda number: os.write(writing, f"{number}\n".encode()))
            os.write(writing, f"seen {' '.join(happen.seen)}\n".encode())
        except BaseException:  # noqa: BLE001  the child dies here, and says why
            traceback.print_exc()
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as answers:
        lines = answers.read().splitlines()
    os.waitpid(child, 0)
    accepted = [int(line) for line in lines if not line.startswith("seen")]
    seen = [line.split()[1:] for line in lines if line.startswith("seen")]
    return next(iter(accepted), None), next(iter(seen), [])


def finish() -> None:
    """The dispatcher and other workers take over whatever is left."""
    for deposit in Deposit.objects.exclude(status=Status.DONE):
        fall_silent(deposit)
        check(deposit.pk, worker="c2")
        load(deposit.pk, worker="l2")


def assert_whole(accepted: int | None, who: Any) -> None:
    finish()
    numbers = list(Deposit.objects.values_list("pk", flat=True))
    assert len(numbers) <= 1
    assert accepted is None or numbers == [accepted]
    mend(age=_NO_AGE)
    assert list(examine(deep=True, age=_NO_AGE)) == []
    for number in numbers:
        deposit = Deposit.objects.get(pk=number)
        assert deposit.status == Status.DONE
        told = list(Event.objects.filter(deposit=number).values_list("name", flat=True))
        assert (told.count("verify"), told.count("finish"), Visit.objects.count()) == (1, 1, 1)
        root = SWHID.parse(deposit.swhid or "").hash
        with tarfile.open(fileobj=io.BytesIO(b"".join(stream_tar(root)))) as tar:
            assert {name: tar.extractfile(name).read() for name in tar.getnames() if name in FILES} == FILES  # type: ignore[union-attr]


def spread(count: int) -> list[int]:
    if TRIED is None:
        return list(range(1, count + 1))
    return sorted({1 + round(n * (count - 1) / (TRIED - 1)) for n in range(TRIED)})


@pytest.mark.timeout(900)
@pytest.mark.parametrize("harm", [die, fail])
def test_a_life_that_is_ended_at_any_instant_is_lived_to_its_end(
    harm: Callable[[str], None], tmp_path: Path, settings: Any
) -> None:
    accepted, seen = in_child(depositor(), Nth(0, harm))
    count = len(seen)
    assert accepted is not None
    assert count > 50
    # Shown with -rP; docs/explanation/nothing-lost.md has the figures.
    print(f"{harm.__name__} at {len(spread(count))} of {count} instants: {dict(Counter(seen))}")
    for number in spread(count):
        _forget_everything()
        settings.STAGING_ROOT = str(tmp_path / str(number) / "staging")
        settings.ARCHIVE_ROOT = str(tmp_path / str(number) / "archive")
        who = depositor()
        accepted, _ = in_child(who, Nth(number, harm))
        try:
            assert_whole(accepted, who)
        except BaseException as error:
            error.add_note(f"after {harm.__name__} at instant {number} of {count}")
            raise


def _forget_everything() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "TRUNCATE deposit_deposit, deposit_event, deposit_workitem, archive_object, archive_visit, archive_origin, "
            "archive_pack CASCADE"
        )
