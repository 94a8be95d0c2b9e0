"""Secrets by reference."""

from pathlib import Path

import pytest

from loader.secret_references import SecretMissing, is_reference, read_secret


def test_a_secret_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AM_KEY", " a key\n")

    assert read_secret("env:AM_KEY") == "a key"


def test_a_secret_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("a key\n")

    assert read_secret(f"file:{tmp_path / 'key'}") == "a key"


@pytest.mark.parametrize("reference", ["env:NO_SUCH_VARIABLE", "file:/no/such/file", "a key", "", "file:/"])
def test_no_secret_is_told_by_its_reference(reference: str) -> None:
    with pytest.raises(SecretMissing):
        read_secret(reference)


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("env:KEY", True),
        ("file:/etc/key", True),
        ("file:key", False),
        ("a key", False),
        ("env:", False),
        ("env:A-B", False),
    ],
)
def test_what_a_reference_looks_like(text: str, is_one: bool) -> None:
    assert is_reference(text) is is_one
