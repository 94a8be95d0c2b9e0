"""What is told of packs that were merged, and of what is still to be done."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from archive import erasure
from archive.storage import FileStorage
from deposit.monitoring.snapshot import replaced
from deposit.monitoring.statistics import growth, stored
from tests.archive.rewriting.archives import content, deposits, mark, merge, retire

pytestmark = pytest.mark.django_db


def figures(client: Client) -> dict[str, float]:
    replaced.forget()
    lines = re.findall(
        r"^(deposit_archive_\w*pack\w*) (\S+)$", client.get("/metrics").text, flags=re.MULTILINE
    )
    return {name.removeprefix("deposit_archive_"): float(value) for name, value in lines}


def test_merging_and_erasing_are_told(client: Client, tmp_path: Path, settings: Any) -> None:
    settings.ARCHIVE_ROOT = str(tmp_path / "archive")
    storage = FileStorage(tmp_path / "archive")
    client.get("/healthz")
    deposits(storage, 3)
    grown = growth()[-1]
    merge(storage)
    mark(content(0))
    told = {"packs": 1, "damaged_packs": 0, "replaced_packs": 3, "packs_to_remove": 3, "packs_to_erase": 1}
    assert figures(client) == told
    list(erasure.erase(storage))
    assert retire(storage) == []
    assert figures(client) == told | {"replaced_packs": 4, "packs_to_remove": 0, "packs_to_erase": 0}
    # What came in stays what came in.
    assert growth()[-1] == grown
    assert (grown.packs, stored()[1]) == (3, 1)
