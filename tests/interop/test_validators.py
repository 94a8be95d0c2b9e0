"""The compose file and the Kubernetes example, judged by other people's validators and the schemas that they bring."""

import subprocess

import pytest

from tests.interop.conftest import environment_of
from tests.interop.service import REPOSITORY

# The oldest and the newest version whose schemas the validator brings that an institution may run today.
KUBERNETES = ("1.29", "1.33")


def test_compose_file_is_valid_by_the_compose_specification() -> None:
    compose = REPOSITORY / "deploy" / "container" / "compose.yaml"
    check = environment_of("validators") / "check-jsonschema"
    said = subprocess.run(
        [check, "--builtin-schema", "vendor.compose-spec", compose],
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 0, said.stdout + said.stderr


@pytest.mark.parametrize("version", KUBERNETES)
def test_kubernetes_takes_the_example(version: str) -> None:
    manifests = REPOSITORY / "deploy" / "kubernetes" / "deposit.yaml"
    validate = environment_of("validators") / "kubernetes-validate"
    said = subprocess.run(
        [validate, "--strict", "--kubernetes-version", version, manifests],
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 0, said.stdout + said.stderr
