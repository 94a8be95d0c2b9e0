"""Which account is used, and that secrets stay with their server."""

from pathlib import Path

import pytest

from client.configuration import Account, account, config_file, forget, save
from client.errors import UsageError


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A configuration of our own, with one server in it."""
    for name in ("BASE_URL", "USER", "PASSWORD", "TOKEN", "COLLECTION", "SERVER"):
        monkeypatch.delenv(f"DEPOSIT_{name}", raising=False)
    monkeypatch.setenv("DEPOSIT_CONFIG", str(tmp_path / "deposit" / "config.toml"))
    save(
        "here",
        Account(url="https://here.example.org/1/", username="ada", password='a "secret"\x7f'),
        keyring=False,
    )


def test_saved_account_is_the_default() -> None:
    found = account()
    assert (found.url, found.username, found.password) == (
        "https://here.example.org/1/",
        "ada",
        'a "secret"\x7f',
    )


def test_password_of_one_server_is_never_sent_to_another(monkeypatch: pytest.MonkeyPatch) -> None:
    assert account(url="https://elsewhere.example.org/1/").password == ""
    monkeypatch.setenv("DEPOSIT_BASE_URL", "https://elsewhere.example.org/1/")
    assert account().password == ""


def test_password_of_one_user_is_never_sent_for_another() -> None:
    assert account(username="charles").password == ""


def test_options_win_over_the_environment_and_that_over_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEPOSIT_COLLECTION", "of-the-environment")
    assert account().collection == "of-the-environment"
    assert account(collection="of-the-option").collection == "of-the-option"


def test_several_servers_are_told_apart_and_forgotten() -> None:
    save("there", Account(url="https://there.example.org/1/", token="t"), keyring=False)
    assert (account().token, account("here").username) == ("t", "ada")
    assert forget("there") is True
    assert forget("there") is False
    assert account().username == "ada"
    with pytest.raises(UsageError, match="no server 'there'"):
        account("there")


def test_file_that_others_can_read_is_refused() -> None:
    config_file().chmod(0o640)
    with pytest.raises(UsageError, match="can be read by others"):
        account()


def test_file_is_never_open_to_others() -> None:
    assert config_file().stat().st_mode & 0o777 == 0o600
