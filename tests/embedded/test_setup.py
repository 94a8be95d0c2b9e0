"""Setting up from a plain Python, in a copy of the few files that it takes."""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
OWN = ["__init__.py", "__main__.py", "setup.py", "tools.py"]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout whose requirements name no package, so that nothing has to be fetched."""
    embedded = tmp_path / "embedded"
    embedded.mkdir()
    wheel = next((REPOSITORY / "embedded").glob("pip-*.whl"))
    for name in [*OWN, wheel.name]:
        shutil.copy(REPOSITORY / "embedded" / name, embedded)
    (tmp_path / "requirements-dev.txt").write_text("# none\n")
    return tmp_path


def set_up(checkout: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "PIP_NO_INDEX": "1", **variables}
    return subprocess.run(
        [sys.executable, "-m", "embedded", "setup"],
        cwd=checkout,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
    )


def test_it_makes_a_virtual_environment_without_pip_of_its_own(checkout: Path) -> None:
    done = set_up(checkout)
    assert (done.returncode, done.stderr) == (0, "")
    ask = "import sys, importlib.util as u; print(sys.prefix, u.find_spec('pip'))"
    told = subprocess.run(
        [checkout / ".venv/bin/python", "-c", ask], check=True, capture_output=True, text=True
    )
    assert told.stdout.split() == [str(checkout / ".venv"), "None"]


def test_a_second_time_does_nothing(checkout: Path) -> None:
    set_up(checkout)
    done = set_up(checkout)
    assert (done.returncode, done.stdout) == (0, "")


def test_changed_requirements_are_installed(checkout: Path) -> None:
    set_up(checkout)
    (checkout / "requirements-dev.txt").write_text("# still none\n")
    assert "Installing up to 0 packages, as requirements-dev.txt pins them" in set_up(checkout).stdout


def wheel_as_requirement(checkout: Path) -> str:
    return f"pip @ {next((checkout / 'embedded').glob('pip-*.whl')).as_uri()}"


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("", "Hashes are required in --require-hashes mode"),
        (f" --hash=sha256:{'0' * 64}", "THESE PACKAGES DO NOT MATCH THE HASHES"),
    ],
)
def test_a_package_without_its_own_hash_is_refused(checkout: Path, option: str, words: str) -> None:
    (checkout / "requirements-dev.txt").write_text(wheel_as_requirement(checkout) + option)
    done = set_up(checkout)
    assert (done.returncode, words in done.stderr) == (1, True), done.stderr
    assert "pip could not install requirements-dev.txt" in done.stderr
    assert not list((checkout / ".venv").glob("lib/*/site-packages/pip"))


def test_what_could_not_be_installed_is_tried_again(checkout: Path) -> None:
    (checkout / "requirements-dev.txt").write_text(wheel_as_requirement(checkout))
    set_up(checkout)
    (checkout / "requirements-dev.txt").write_text("# none\n")
    assert set_up(checkout).returncode == 0


def test_a_broken_environment_is_made_anew(checkout: Path) -> None:
    set_up(checkout)
    (checkout / ".venv/bin/python").unlink()
    assert "Making a virtual environment" in set_up(checkout).stdout
    assert (checkout / ".venv/bin/python").exists()


def test_no_new_enough_python_is_told_with_what_to_do(checkout: Path) -> None:
    source = checkout / "embedded" / "setup.py"
    source.write_text(source.read_text().replace("OLDEST = (3, 11)", "OLDEST = (3, 99)"))
    done = set_up(checkout)
    assert done.returncode == 1
    assert "Python 3.99 or newer is needed" in done.stderr
    assert "make run PYTHON=/path/to/python3" in done.stderr
    assert not (checkout / ".venv").exists()


@pytest.mark.parametrize("name", OWN)
def test_an_old_python_can_read_it(name: str) -> None:
    source = (REPOSITORY / "embedded" / name).read_text()
    ast.parse(source, feature_version=(3, 7))


@pytest.mark.parametrize("name", OWN)
def test_it_needs_the_standard_library_alone(name: str) -> None:
    tree = ast.parse((REPOSITORY / "embedded" / name).read_text())
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    roots = {module.partition(".")[0] for module in imported}
    assert roots <= sys.stdlib_module_names | {"embedded"}


def test_an_unknown_command_shows_the_known_ones(checkout: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "embedded", "fly"], cwd=checkout, check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr.splitlines()[0]) == (2, "usage: python3 -m embedded COMMAND")
