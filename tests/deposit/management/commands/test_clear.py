"""``manage.py deposit clear``: which deposits, told before and after."""

import json
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from deposit.models import Deposit, PartKind, Status
from tests.support.lifecycle_fixtures import in_status, sent


@pytest.fixture(autouse=True)
def _staging(tmp_path: Path, settings: Any) -> None:
    settings.STAGING_ROOT = str(tmp_path)


def clear(*words: str) -> dict[str, Any]:
    out = StringIO()
    call_command("deposit", "clear", "--json", *words, stdout=out)
    told: dict[str, Any] = json.loads(out.getvalue())
    return told


def old(status: Status, days: float) -> Deposit:
    deposit = in_status(status, sent(complete=False))
    Deposit.objects.filter(pk=deposit.pk).update(status_changed_at=timezone.now() - timedelta(days=days))
    return deposit


def packages(deposit: Deposit) -> int:
    return deposit.parts.filter(kind=PartKind.PACKAGE).count()


@pytest.mark.django_db(transaction=True)
def test_old_rejected_deposits_are_cleared_and_failed_ones_only_when_named() -> None:
    rejected, young, failed = old(Status.REJECTED, 31), old(Status.REJECTED, 29), old(Status.FAILED, 400)
    told = clear("--older-than-days", "30", "--dry-run")
    assert (told["would_clear"], told["deposits"], packages(rejected)) == (1, [rejected.pk], 1)
    assert told["bytes"] == rejected.parts.get(kind=PartKind.PACKAGE).size

    assert clear("--older-than-days", "30")["deposits"] == [rejected.pk]
    assert [packages(each) for each in (rejected, young, failed)] == [0, 1, 1]
    assert clear("--older-than-days", "30")["cleared"] == 0

    assert clear("--older-than-days", "30", "--status", "failed")["deposits"] == [failed.pk]


@pytest.mark.django_db(transaction=True)
def test_another_collection_is_left_alone() -> None:
    rejected = old(Status.REJECTED, 31)
    assert clear("--older-than-days", "30", "--collection", "nowhere")["cleared"] == 0
    assert clear("--older-than-days", "30", "--client", rejected.client.user.username)["cleared"] == 1
