"""Other people's clients against a running server, each in a virtual environment of its own.

They take a minute and fetch packages, so they run only where ``TEST_CLIENTS`` is set, as in ``.ci/run``.
"""

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interop import software_heritage as heritage
from tests.interop import software_heritage_databases as databases
from tests.interop.service import REPOSITORY, Service, running
from tests.interop.swh_commands import Commands, commands
from tests.interop.swh_deposit import SwhDeposit

HERE = Path(__file__).resolve().parent
ENVIRONMENTS = REPOSITORY / ".cache" / "clients"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip the tests of this folder unless they are asked for."""
    if os.environ.get("TEST_CLIENTS"):
        return
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.skip(reason="set TEST_CLIENTS=1 to run other people's clients"))


def environment_of(client: str) -> Path:
    """The folder with the programs of a client's environment, made when its pinned requirements are new."""
    requirements, folder = HERE / f"{client}.txt", ENVIRONMENTS / client
    ENVIRONMENTS.mkdir(parents=True, exist_ok=True)
    with (ENVIRONMENTS / f"{client}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made_from = folder / "made-from.txt"
        if not made_from.exists() or made_from.read_text() != requirements.read_text():
            uv = [sys.executable, "-m", "uv"]
            subprocess.run([*uv, "venv", "-q", "--clear", "--python", sys.executable, folder], check=True)
            install = [
                *uv,
                "pip",
                "install",
                "-q",
                "--require-hashes",
                "--python",
                str(folder / "bin" / "python"),
            ]
            subprocess.run([*install, "-r", str(requirements)], check=True)
            made_from.write_text(requirements.read_text())
    return folder / "bin"


@pytest.fixture(scope="session")
def service() -> Iterator[Service]:
    """A server with its workers and an empty data folder."""
    with tempfile.TemporaryDirectory(prefix="clients-", dir="/tmp") as folder:
        # As root the database runs under an unprivileged account, which must get through.
        Path(folder).chmod(0o711)
        with running(Path(folder)) as service:
            yield service


@pytest.fixture(scope="session")
def swh_deposit_commands() -> Iterator[Commands]:
    """The program ``swh`` with the client of swh-deposit."""
    with commands(environment_of("swh-deposit"), "swh.deposit.client") as loaded:
        yield loaded


@pytest.fixture(scope="session")
def swh_deposit(service: Service, swh_deposit_commands: Commands) -> SwhDeposit:
    """The command ``swh deposit`` of Software Heritage, as the demo client."""
    return SwhDeposit(swh_deposit_commands, service)


@pytest.fixture(scope="session")
def sword2_python() -> Path:
    """A Python that has the sword2 library."""
    return environment_of("sword2") / "python"


def _for_thousands_of_files() -> str:
    """Memory, where there is enough: each content is a file that is synced. What is measured is measured on a disk."""
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and shutil.disk_usage(memory).free > 2 * 1024**3
    return str(memory) if roomy and not os.environ.get("SOFTWARE_HERITAGE_SPEED") else "/tmp"


@pytest.fixture(scope="session")
def software_heritage() -> Iterator[heritage.SoftwareHeritage]:
    """Software Heritage's storage and objstorage, empty, over a PostgreSQL of their own."""
    if databases.debian_postgres() is None:
        pytest.skip(
            "needs Debian's postgresql and postgresql-contrib: their schemas use btree_gist and pgcrypto"
        )
    folder = Path(tempfile.mkdtemp(prefix="heritage-", dir=_for_thousands_of_files()))
    modules = ("swh.objstorage.api.server", "swh.storage.api.server")
    with (
        commands(environment_of("swh-server"), *modules) as programs,
        heritage.running(folder, programs) as servers,
    ):
        yield servers


@pytest.fixture(scope="module")
def deposit_peer(
    software_heritage: heritage.SoftwareHeritage, request: pytest.FixtureRequest
) -> Iterator[heritage.DepositPeer]:
    """A swh-deposit 3.0.1 without clients and deposits, which loads into that storage; a file's own."""
    with heritage.deposit_peer(software_heritage, request.module.__name__.rpartition(".")[2]) as peer:
        yield peer
