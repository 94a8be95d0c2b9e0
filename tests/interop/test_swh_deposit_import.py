"""Moving in from a real swh-deposit 3.0.1 that its own client has filled, while both serve."""

import dataclasses
import json
import os
import re
import shlex
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.interop.packages import tarred, zipped
from tests.interop.service import REPOSITORY, Service, running
from tests.interop.software_heritage import DepositPeer
from tests.interop.swh_commands import Commands
from tests.interop.swh_deposit import SwhDeposit
from tests.interop.swh_deposit_filling import ENTRY, PROVIDER, Filler
from tests.interop.watched_run import watched
from tests.support.factories import basic

# A machine that is busy with other work takes minutes to fill the peer.
pytestmark = pytest.mark.timeout(1200)

PASSWORD = "what ada types"
# What a status says that has no details is in each server's own words; clients look at nothing in it.
OWN_WORDS = {
    "Deposit is partially received. To finalize it, In-Progress header should be false": "partial",
    "Deposit has been there too long and is now deemed ready to be garbage collected": "expired",
    "Deposit failed the checks": "rejected",
    "The deposit loading into the Software Heritage archive failed": "failed",
    "The deposit has been successfully loaded into the Software Heritage archive": "done",
}
OURS = {
    "The deposit is not complete yet: more requests are expected.": "partial",
    "The deposit was never completed and has expired.": "expired",
    "The deposit failed its checks.": "rejected",
    "The deposit could not be taken into the archive; the operators have to look at it.": "failed",
    "The deposit is in the archive.": "done",
}


@dataclasses.dataclass(kw_only=True)
class Filled:
    """The peer's deposits by what became of them, and its client."""

    client: SwhDeposit
    numbers: dict[str, str]

    def numbers_of(self, *names: str) -> list[str]:
        return [self.numbers[name] for name in names]


@pytest.fixture(scope="module")
def moved_to() -> Iterator[Service]:
    """A server without deposits, so that every number of the other one is free here."""
    with tempfile.TemporaryDirectory(prefix="moved-to-", dir="/tmp") as folder:
        # As root the database runs under an unprivileged account, which must get through.
        Path(folder).chmod(0o711)
        with running(Path(folder)) as service:
            yield service


@pytest.fixture(scope="module")
def filled(
    deposit_peer: DepositPeer,
    moved_to: Service,
    swh_deposit_commands: Commands,
    tmp_path_factory: pytest.TempPathFactory,
) -> Filled:
    who: dict[str, Any] = {"provider_url": f"{PROVIDER}/", "domain": "hal.example.org"}
    deposit_peer.do("user", username="ada", password=PASSWORD, collections=["hal", "soft"], **who)
    deposit_peer.do("user", username="gone", password="x", collections=["hal"], is_active=False, **who)
    at = dataclasses.replace(moved_to, base_url=deposit_peer.base_url, user="ada", password=PASSWORD)
    client = SwhDeposit(swh_deposit_commands, at)
    numbers = Filler(deposit_peer, client, tmp_path_factory.mktemp("filling")).fill()
    became = {row["id"]: row["status"] for row in deposit_peer.do("rows")}
    expected = {
        name: name
        for name in ("partial", "deposited", "verified", "rejected", "failed", "expired", "loading")
    }
    assert {name: became[int(number)] for name, number in numbers.items()} == {
        name: expected.get(name, "done") for name in numbers
    }
    return Filled(client=client, numbers=numbers)


class Mover:
    """Runs the command, and asks the same client of both servers."""

    def __init__(self, service: Service, peer: DepositPeer, filled: Filled) -> None:
        self.service, self.peer, self.filled = service, peer, filled
        here = dataclasses.replace(service, user="ada", password=PASSWORD)
        self.here = SwhDeposit(filled.client.commands, here)

    def run(self, *words: str, code: int = 0) -> dict[str, Any]:
        source = ("--database", self.peer.database, "--uploads", self.peer.media, "--json")
        done = self.service.manage("swh_deposit_import", *source, *words)
        assert done.returncode == code, done.stdout + done.stderr
        report: dict[str, Any] = json.loads(done.stdout)
        return report

    def as_ada(self) -> dict[str, str]:
        return {"Authorization": basic("ada", PASSWORD)}

    def both(self, *numbers: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
        for number in numbers:
            there = self.filled.client.json("status", "--deposit-id", number)
            yield _told(there, OWN_WORDS), _told(self.here.json("status", "--deposit-id", number), OURS)

    def listed(self, client: SwhDeposit) -> dict[str, dict[str, Any]]:
        rows = client.json("list", "--page-size", "1000")["deposits"]
        return {row["id"]: row for row in rows}


def _told(status: dict[str, Any], words: dict[str, str]) -> dict[str, Any]:
    detail = status.get("deposit_status_detail", "")
    return {**status, "deposit_status_detail": words.get(detail, detail)}


@pytest.fixture(scope="module")
def mover(moved_to: Service, deposit_peer: DepositPeer, filled: Filled) -> Mover:
    return Mover(moved_to, deposit_peer, filled)


SETTLED = ("done", "slugged", "second", "two", "rejected", "failed", "expired", "metadata", "updated")
OPEN = ("partial", "deposited", "verified", "loading")


def test_a_dry_run_tells_what_would_come_and_writes_nothing(mover: Mover) -> None:
    report = mover.run("--dry-run")
    assert report["counts"]["deposits created"] == len(SETTLED)
    assert report["counts"]["deposits left until --final"] == len(OPEN)
    assert report["counts"]["clients created"] == 2
    assert (
        "There is no client ada"
        in mover.service.manage("user", "revoke", "--username", "ada", "--collection", "x").stderr
    )


def test_settled_deposits_answer_the_same_on_both(mover: Mover) -> None:
    report = mover.run()
    assert report["rows"] == []
    assert report["counts"]["deposits created"] == len(SETTLED)
    for there, here in mover.both(*mover.filled.numbers_of(*SETTLED)):
        assert here == there
    there, here = mover.listed(mover.filled.client), mover.listed(mover.here)
    assert here == {number: there[number] for number in mover.filled.numbers_of(*SETTLED)}


def answered(base_url: str, path: str, headers: dict[str, str]) -> int:
    """The status of a GET."""
    request = urllib.request.Request(f"{base_url}/{path}", headers=headers)  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_every_address_that_answered_there_answers_here(mover: Mover) -> None:
    headers = mover.as_ada()
    paths = ["servicedocument/", "hal/", "hal/?page_size=2", "deposits/"]
    for number in mover.filled.numbers_of("done", "rejected", "metadata"):
        paths += [f"hal/{number}/{name}/" for name in ("status", "content", "metadata", "media", "atom")]
    there, here = (
        {path: answered(base_url, path, headers) for path in paths}
        for base_url in (mover.peer.base_url, mover.service.base_url)
    )
    answering = {path: status for path, status in there.items() if status == 200}
    assert len(answering) > 5
    assert {path: here[path] for path in answering} == answering


def test_a_second_run_takes_only_what_has_changed_there(mover: Mover, tmp_path: Path) -> None:
    number, swhid = (
        mover.filled.numbers["updated"],
        mover.listed(mover.here)[mover.filled.numbers["updated"]]["swhid"],
    )
    entry = tmp_path / "newest.xml"
    entry.write_text(ENTRY.format(title="The newest", deposit="", more=""))
    words = ("--collection", "hal", "--deposit-id", number, "--swhid", swhid, "--metadata", entry)
    before = datetime.now(UTC).isoformat()
    mover.filled.client.json("upload", *words)
    # Only this one is looked at; without it, all are.
    assert mover.run("--since", before)["counts"]["deposits updated"] == 1
    assert mover.run("--collection", "hal")["counts"]["deposits unchanged"] == len(SETTLED)
    assert ">The newest<" in dataclasses.replace(
        mover.service, user="ada", password=PASSWORD, collection="hal"
    ).receipt(number)


def test_the_final_run_takes_up_what_was_half_done(mover: Mover) -> None:
    filled, peer = mover.filled, mover.peer
    counts = mover.run("--final")["counts"]
    assert counts["deposits created"] == len(OPEN)
    for there, here in mover.both(filled.numbers["partial"]):
        assert here == there
    # Both go on from where it stands.
    filled.client.json(
        "upload", "--collection", "hal", "--deposit-id", filled.numbers["partial"], "--archive", _more(mover)
    )
    mover.here.json(
        "upload", "--collection", "hal", "--deposit-id", filled.numbers["partial"], "--archive", _more(mover)
    )
    for name in OPEN:
        number = int(filled.numbers[name])
        if name in ("partial", "deposited"):
            peer.do("check", id=number, collection="hal")
        peer.do("load", id=number)
    for name, deposit in zip(OPEN, filled.numbers_of(*OPEN), strict=True):
        ((there, here),) = mover.both(deposit)
        deadline = time.monotonic() + 60
        while here["deposit_status"] != "done" and time.monotonic() < deadline:
            time.sleep(0.2)
            ((_, here),) = mover.both(deposit)
        assert _without_dates(here) == _without_dates(there), name


def _more(mover: Mover) -> Path:
    return tarred(mover.service.data.parent / "rest.tar.gz", {"partial/REST": b"the rest\n"})


def _without_dates(told: dict[str, Any]) -> dict[str, Any]:
    """A release of a deposit that was completed on each server at another moment has another date."""
    (name,) = told.keys() & {"deposit_swh_id_context", "swhid_context"}
    return {**told, name: re.sub("(snp|rel):[0-9a-f]{40}", r"\1:", told[name])}


def test_done_deposits_are_loaded_into_our_archive(mover: Mover) -> None:
    names = ("done", "slugged", "second", "two", "updated")
    before = mover.listed(mover.here)
    # What both servers went on with stays as it is here.
    report = mover.run("--done", "load", code=1)
    assert {str(row["id"]) for row in report["rows"]} == set(mover.filled.numbers_of(*OPEN))
    assert report["counts"]["deposits loaded"] >= len(names)
    assert report["counts"]["metadata documents on their way to the archive"] == 1
    after = mover.listed(mover.here)
    for number in mover.filled.numbers_of(*names):
        # Releases and snapshots: see the table of differences in the reference.
        assert _without_dates(after[number]) == _without_dates(before[number])


def test_the_record_keeps_all_that_the_doctor_looks_for(mover: Mover) -> None:
    done = mover.service.manage("doctor", "--json")
    assert done.returncode == 0, done.stdout + done.stderr


def test_new_deposits_take_no_number_that_the_other_server_gave(mover: Mover, tmp_path: Path) -> None:
    package = zipped(tmp_path / "new.zip", {"new/README": b"new\n"})
    url = f"{PROVIDER}/new"
    words = (
        "--archive",
        package,
        "--name",
        "New",
        "--author",
        "Ada",
        "--create-origin",
        url,
        "--collection",
        "hal",
    )
    assert int(mover.here.json("upload", *words)["deposit_id"]) > max(map(int, mover.filled.numbers.values()))


def test_passwords_are_the_same_and_wrong_ones_are_not(mover: Mover) -> None:
    refused = mover.here.run("list", password="not what ada types")
    assert "Invalid username/password" in refused.stdout + refused.stderr
    listed = mover.service.manage("user", "list", "--json")
    users = {row["username"]: row for row in json.loads(listed.stdout)}
    assert (users["ada"]["collections"], users["gone"]["active"]) == (["hal", "soft"], False)


def test_the_commands_of_the_page_run(mover: Mover, tmp_path: Path) -> None:
    page = (REPOSITORY / "docs" / "how-to" / "move-deposits-from-swh-deposit.md").read_text()
    lines = re.findall(r"^ *\$ deposit-admin (swh_deposit_import .*(?:\n> .*)*)$", page, re.MULTILINE)
    assert len(lines) >= 5
    find = ["find", ".", "-type", "f", "-exec", "sha256sum", "{}", "+"]
    sums = subprocess.run(find, cwd=mover.peer.media, capture_output=True, check=True)
    (tmp_path / "SHA256SUMS").write_bytes(sums.stdout)
    places = {
        "$OLD_DATABASE": mover.peer.database,
        "$OLD_UPLOADS": str(mover.peer.media),
        "SHA256SUMS": str(tmp_path / "SHA256SUMS"),
        "moved.json": str(tmp_path / "moved.json"),
    }
    for line in lines:
        words = shlex.split(line.replace("\n> ", " ").replace("\\", "").partition(" > ")[0])
        done = mover.service.manage(*(places.get(word, word) for word in words))
        # What both servers went on with is told in every run here.
        assert done.returncode in (0, 1), done.stderr
        assert "deposits unchanged" in done.stdout, line


def generated(mover: Mover, number: int) -> list[int]:
    """So many done deposits more there, with their packages."""
    first = mover.peer.do("generate", number=number)
    package = zipped(mover.service.data.parent / "each.zip", {"a/README": b"generated\n"}).read_bytes()
    numbers = range(first, first + number)
    for pk in numbers:
        folder = mover.peer.media / "client_1" / str(pk % 1000)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{pk}.zip").write_bytes(package)
    return list(numbers)


@pytest.mark.timeout(7200)
def test_many_deposits_come_in_bounded_memory_and_the_last_of_them_soon(mover: Mover) -> None:
    """``MOVING_DEPOSITS=100000 MOVING_LAST=1000`` for the figures on the page."""
    number, last = int(os.environ.get("MOVING_DEPOSITS", "1000")), int(os.environ.get("MOVING_LAST", "100"))
    words = ["--database", mover.peer.database, "--uploads", str(mover.peer.media), "--json"]
    known = mover.filled.numbers["done"]

    def run(name: str, *more: str) -> dict[str, int]:
        found = watched(
            name,
            lambda: mover.service.managing("swh_deposit_import", *words, *more),
            lambda: mover.service.get(f"hal/{known}/status/", **mover.as_ada()),
        )
        assert found.memory < 300 * 1024
        counts: dict[str, int] = json.loads(found.out)["counts"]
        return counts

    # What else there is is here already.
    mover.service.manage("swh_deposit_import", *words, "--final")
    generated(mover, number)
    assert run(f"{number} deposits")["deposits created"] == number
    assert run("nothing new")["deposits unchanged"] >= number
    newest = generated(mover, last)
    # The switch: nobody writes there any more, and this run reads all the same.
    servers = mover.peer.servers
    servers.databases.make_read_only(mover.peer.name)
    counts = run(f"{last} new ones, the other server read-only", "--final")
    assert (counts["deposits created"], counts["deposits unchanged"] >= number) == (last, True)
    listed = mover.service.get(f"hal/{newest[-1]}/status/", **mover.as_ada()).decode()
    assert f"swh:1:dir:{newest[-1]:040x}" in listed
