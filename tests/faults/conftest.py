"""One service for the tests of a module; the broker is the embedded default, or the one that FAULTS_BROKER names."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.brokers import BROKERS, BrokerMissing
from tests.faults.service import Service


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    """Everything, running. Not below pytest's own folder, which the database's account may not enter."""
    folder = Path(tempfile.mkdtemp(prefix="faults-"))
    folder.chmod(0o711)
    try:
        try:
            broker = BROKERS[os.environ.get("FAULTS_BROKER", "filesystem")](folder)
        except BrokerMissing as missing:
            pytest.skip(str(missing))
        with Service(folder, broker, MAX_ATTEMPTS="3") as running:
            yield running
    finally:
        shutil.rmtree(folder, ignore_errors=True)
