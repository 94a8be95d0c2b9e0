"""The destination beside swh.loader.core's deposit loader in one run, and beside the same calls without a loader.

Set ``SOFTWARE_HERITAGE_SPEED`` to a number of files (3,000) and run it with ``-s``; it tells and judges nothing.
"""

import os
from pathlib import Path
from typing import Any

import pytest

from checker.checking import check
from deposit.models import Collection
from loader.workflow import load
from tests.interop.measuring import Calls, measured
from tests.interop.software_heritage import DepositPeer, SoftwareHeritage
from tests.interop.test_software_heritage import PROVIDER, many_files, package_of
from tests.support.factories import new_client, new_collection
from tests.support.lifecycle_fixtures import sent

FILES = int(os.environ.get("SOFTWARE_HERITAGE_SPEED", "0"))
pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not FILES, reason="set SOFTWARE_HERITAGE_SPEED=3000 to measure"),
]


def test_where_the_time_goes(
    software_heritage: SoftwareHeritage,
    deposit_peer: DepositPeer,
    settings: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings.STAGING_ROOT, settings.ARCHIVE_ROOT = str(tmp_path / "staging"), str(tmp_path / "archive")
    package = package_of(tmp_path / "same.tar", many_files(FILES, 3000))
    database, *servers = [process.pid for process in software_heritage.processes[:3]]
    deposit_peer.do(
        "user",
        username="loader",
        password="loader",
        collections=["loader"],
        provider_url=f"{PROVIDER}/",
        domain="loader.example.org",
        last_name="Loader",
    )
    pk = deposit_peer.do(
        "deposit", username="loader", collection="loader", package=str(package), origin=f"{PROVIDER}/same"
    )
    deposit_peer.do("check", id=pk, collection="loader")
    with measured(servers=servers, database=database, loader=deposit_peer.process.pid) as took:
        assert deposit_peer.do("load", id=pk)["status"] == "eventful"
    told = [f"their loader: {took}"]
    for number, way in enumerate(("directly", "through storage")):
        calls = Calls()
        with software_heritage.another(f"ours-{number}") as ours:
            settings.SOFTWARE_HERITAGE_STORAGE_URL = ours.storage_url
            settings.SOFTWARE_HERITAGE_OBJSTORAGE_URL = ours.objects_url if way == "directly" else ""
            collection = new_collection()
            names = ["archive", "software_heritage"]
            Collection.objects.filter(pk=collection.pk).update(destinations=names)
            client = new_client(collection, provider_url=f"{PROVIDER}/")
            deposit = sent(package.read_bytes(), who=(client, collection), origin=f"{PROVIDER}/{number}")
            check(deposit.pk, worker="checker")
            servers = [process.pid for process in ours.processes]
            with monkeypatch.context() as patch:
                calls.record(patch)
                with measured(servers=servers, database=database, loader=os.getpid()) as took:
                    load(deposit.pk, worker="loader")
            deposit.refresh_from_db()
            assert deposit.status == "done"
            told.append(f"ours, bytes {way}, our own archive included: {took}")
            addresses = {ours.storage_url: "storage", ours.objects_url: "objects"}
        with software_heritage.another(f"bare-{number}") as bare:
            places = {"storage": bare.storage_url, "objects": bare.objects_url}
            servers = [process.pid for process in bare.processes]
            with measured(servers=servers, database=database, loader=os.getpid()) as took:
                calls.again(
                    {url: places[name] for url, name in addresses.items()},
                    at_once=settings.SOFTWARE_HERITAGE_AT_ONCE,
                )
            told.append(f"the same {len(calls.made)} calls without a loader: {took}")
    print(f"\n{FILES} files of 3 kB", *told, sep="\n  ")  # noqa: T201
