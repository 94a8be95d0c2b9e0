"""The destination beside swh.loader.core's deposit loader in one run, and beside the same calls without a loader.

Set ``SOFTWARE_HERITAGE_SPEED`` to a number of files (3,000) and run it with ``-s``; it tells and judges nothing. Each
of ``SOFTWARE_HERITAGE_PASSES`` (3) has a package and storages of its own, and goes all ways one after the other. With
``SOFTWARE_HERITAGE_WORKERS`` the servers are so many processes of gunicorn each, as in production; without,
each is the one process of their command ``swh … rpc-serve``.
"""

import os
from collections import defaultdict
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from checker.checking import check
from deposit.models import Collection, Deposit
from loader.workflow import load
from tests.interop.measuring import Calls, Took, measured
from tests.interop.software_heritage import DepositPeer, SoftwareHeritage
from tests.interop.test_software_heritage import PROVIDER, many_files, package_of
from tests.support.factories import new_client, new_collection
from tests.support.lifecycle_fixtures import sent

FILES = int(os.environ.get("SOFTWARE_HERITAGE_SPEED", "0"))
PASSES = int(os.environ.get("SOFTWARE_HERITAGE_PASSES", "3"))
WORKERS = int(os.environ.get("SOFTWARE_HERITAGE_WORKERS", "0"))
pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not FILES, reason="set SOFTWARE_HERITAGE_SPEED=3000 to measure"),
    pytest.mark.timeout(1800),
]
ALONE, BOTH = ["software_heritage"], ["archive", "software_heritage"]
WAYS = {
    "this service, from the package, bytes directly": (ALONE, True),
    "this service, from the package, bytes through the storage": (ALONE, False),
    "this service, into its archive and from there, bytes directly": (BOTH, True),
    "this service, into its archive and from there, bytes through the storage": (BOTH, False),
}


def theirs(heritage: SoftwareHeritage, peer: DepositPeer, package: Path) -> Took:
    """Their loader's load; the deposit was received and checked before."""
    pk = peer.do(
        "deposit",
        username="loader",
        collection="loader",
        package=str(package),
        origin=f"{PROVIDER}/{package.stem}",
    )
    peer.do("check", id=pk, collection="loader")
    servers = [server.pid for server in heritage.servers]
    with measured(servers=servers, database=heritage.database_pid, loader=peer.process.pid) as took:
        assert peer.do("load", id=pk)["status"] == "eventful"
    return took


def received(package: Path, destinations: list[str]) -> Deposit:
    """A deposit that was received and checked."""
    collection = new_collection()
    Collection.objects.filter(pk=collection.pk).update(destinations=destinations)
    client = new_client(collection, provider_url=f"{PROVIDER}/")
    origin = f"{PROVIDER}/{package.stem}-{collection.name}"
    deposit = sent(package.read_bytes(), who=(client, collection), origin=origin)
    check(deposit.pk, worker="checker")
    return deposit


def ours(storage: SoftwareHeritage, package: Path, destinations: list[str]) -> Took:
    """Our loader's load, to a storage of its own."""
    deposit = received(package, destinations)
    servers = [server.pid for server in storage.servers]
    with measured(servers=servers, database=storage.database_pid, loader=os.getpid()) as took:
        load(deposit.pk, worker="loader")
    deposit.refresh_from_db()
    assert deposit.status == "done"
    return took


def bare(storage: SoftwareHeritage, calls: Calls, places: dict[str, str], at_once: int) -> Took:
    """The same calls, to a storage of their own."""
    servers = [server.pid for server in storage.servers]
    with measured(servers=servers, database=storage.database_pid, loader=os.getpid()) as took:
        calls.again(places, at_once=at_once)
    return took


def test_where_the_time_goes(
    software_heritage: SoftwareHeritage,
    deposit_peer: DepositPeer,
    settings: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings.STAGING_ROOT, settings.ARCHIVE_ROOT = str(tmp_path / "staging"), str(tmp_path / "archive")
    software_heritage.stop()
    software_heritage.workers = WORKERS
    software_heritage.start()
    who = {"provider_url": f"{PROVIDER}/", "domain": "loader.example.org", "last_name": "Loader"}
    deposit_peer.do("user", username="loader", password="loader", collections=["loader"], **who)
    found: dict[str, list[Took]] = defaultdict(list)
    for number in range(PASSES):
        package = package_of(tmp_path / f"pass-{number}.tar", many_files(FILES, 3000))
        found["the deposit loader"].append(theirs(software_heritage, deposit_peer, package))
        for turn, (way, (destinations, directly)) in enumerate(WAYS.items()):
            calls = Calls()
            with (
                software_heritage.another(f"ours-{number}-{turn}") as storage,
                monkeypatch.context() as patch,
            ):
                settings.SOFTWARE_HERITAGE_STORAGE_URL = storage.storage_url
                settings.SOFTWARE_HERITAGE_OBJSTORAGE_URL = storage.objects_url if directly else ""
                calls.record(patch)
                found[way].append(ours(storage, package, destinations))
                addresses = {storage.storage_url: "storage_url", storage.objects_url: "objects_url"}
            if destinations is ALONE:
                with software_heritage.another(f"bare-{number}-{turn}") as storage:
                    places = {url: getattr(storage, name) for url, name in addresses.items()}
                    way = f"the same {len(calls.made)} calls without a loader"
                    found[way].append(bare(storage, calls, places, settings.SOFTWARE_HERITAGE_AT_ONCE))
    print(f"\n{FILES} files of 3 kB, {PASSES} passes, workers of each server: {WORKERS or 'none'}")  # noqa: T201
    for way, took in found.items():
        beside = [one.wall / each.wall for one, each in zip(found["the deposit loader"], took, strict=False)]
        told = f"{median(beside):.1f} x ({', '.join(f'{each:.1f}' for each in beside)})"
        print(f"  {way}: {told}", *took, sep="\n    ")  # noqa: T201
