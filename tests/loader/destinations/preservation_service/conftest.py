"""What tests of SIPs need: test data, a validator, a signer."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.certificates_of_signers import write_signer
from tests.support.mets_rules import MetsRules


@pytest.fixture(scope="session")
def test_data() -> Path:
    folder = os.environ.get("DEPOSIT_TEST_DATA")
    if not folder:
        pytest.skip("DEPOSIT_TEST_DATA does not name the folder of test data")
    return Path(folder)


@pytest.fixture(scope="session")
def rules(test_data: Path) -> Iterator[MetsRules]:
    with MetsRules(test_data / "dpres-schemas") as rules:
        yield rules


@pytest.fixture(scope="session")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_signer(tmp_path_factory.mktemp("signer") / "signer.pem")
