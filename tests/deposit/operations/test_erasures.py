"""An older record, restored, is told what was erased since; `tests/client/test_erased_backup.py` does the whole."""

import json
import socket
from pathlib import Path

import pytest
from django.db import transaction

from archive import erasure
from archive.identifiers import SWHID
from archive.retrieval import known
from deposit.erasure import work
from deposit.models import DeletionRequest, Part, TakenBackup, Withdrawal
from deposit.operations import erasures
from tests.support.erasing import FILES, REASON, Institution

pytestmark = pytest.mark.django_db


def erased_in_vain(institution: Institution, folder: Path, *named: str) -> DeletionRequest:
    """An erasure that is written down in a folder, and that the record, as restored, knows nothing of."""
    deposit = institution.collection.deposits.get()
    asked = institution.ask(deposit, *named)
    with transaction.atomic():
        institution.approve(asked)
        assert erasures.write_down(folder) == 1
        transaction.set_rollback(True)
    return asked


def test_what_was_erased_since_is_erased_again(tmp_path: Path) -> None:
    institution = Institution()
    deposit = institution.archived(FILES)
    asked = erased_in_vain(institution, tmp_path)
    # It was asked for after the backup: the restored record does not have the request either.
    DeletionRequest.objects.all().delete()
    assert known([SWHID.parse(str(deposit.swhid))])
    lines: list[str] = []
    assert erasures.apply_again(tmp_path, {}, say=lines.append) == 1
    assert lines == ["erased again: 1 (they were erased after this backup was made)"]
    again = DeletionRequest.objects.get()
    assert (again.pk, again.state, again.reason, again.reviewer and again.reviewer.username) == (
        asked.pk,
        "approved",
        REASON,
        "adam",
    )
    assert (Withdrawal.objects.get().erased, Part.objects.count()) == (True, 0)
    assert (known([SWHID.parse(str(deposit.swhid))]), erasure.packs_to_erase()) == (set(), 0)
    # The files as they were sent are for the worker, as after any approval.
    work.erase(again.pk, worker="eraser@test")
    again.refresh_from_db()
    assert again.erased_at is not None
    # Twice does no harm, and the next request has a number of its own.
    assert erasures.apply_again(tmp_path, {}, say=lines.append) == 0
    assert institution.ask(institution.archived({"x": b"x"}, origin="other")).pk > asked.pk


def test_a_deposit_that_came_after_the_backup_is_refused_when_it_comes_again(tmp_path: Path) -> None:
    institution = Institution()
    deposit = institution.archived(FILES)
    erased_in_vain(institution, tmp_path)
    told = json.loads(next(tmp_path.glob("erasures/*.json")).read_text())
    told["deposit"] += 1000
    next(tmp_path.glob("erasures/*.json")).write_text(json.dumps(told))
    erasures.apply_again(tmp_path, {}, say=print)
    assert erasure.erased_among([SWHID.parse(str(deposit.swhid))])


def test_workers_tell_the_folders_that_they_reach(tmp_path: Path) -> None:
    institution = Institution()
    asked = institution.approve(institution.ask(institution.archived(FILES)))
    erasures.note_taken(tmp_path, "2026-11-30T120000Z")
    erasures.note_taken(tmp_path, "2026-11-30T120000Z")
    TakenBackup.objects.create(place=f"{socket.gethostname()}:/nowhere", instant="2026-11-29T120000Z")
    TakenBackup.objects.create(place=f"elsewhere:{tmp_path}", instant="2026-11-28T120000Z")
    erasures.tell_known_folders()
    assert [path.name for path in (tmp_path / "erasures").iterdir()] == [f"{asked.pk}.json"]
    assert TakenBackup.objects.count() == 3
