"""Which server, which account: from options, the environment, and the configuration file, in this order.

The file is ``$XDG_CONFIG_HOME/deposit/config.toml`` (``~/.config/deposit/config.toml``), readable by its owner
alone. Passwords go to the system's keyring where there is one, else to the file.
"""

import json
import os
import stat
import tomllib
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

from client.errors import UsageError

# The variables that the server's demo.env sets, too.
VARIABLES = {
    "url": "DEPOSIT_BASE_URL",
    "username": "DEPOSIT_USER",
    "password": "DEPOSIT_PASSWORD",
    "token": "DEPOSIT_TOKEN",
    "collection": "DEPOSIT_COLLECTION",
}
KEYRING = "deposit-client"


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """Where to deposit, and as whom. ``secret_in_keyring``: password or token is fetched when needed."""

    url: str = ""
    username: str = ""
    password: str = ""
    token: str = ""
    collection: str = ""
    collections: str = ""
    """The names of all that the account had when it logged in, with commas; for the shell's completion."""
    release_author: str = ""
    """Who signs the releases of the server: `deposit identify` needs it."""
    secret_in_keyring: bool = False


def config_file() -> Path:
    """The configuration file; it need not exist."""
    home = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(os.environ.get("DEPOSIT_CONFIG") or Path(home) / "deposit" / "config.toml")


def _read() -> dict[str, Any]:
    file = config_file()
    try:
        with file.open("rb") as opened:
            mode = os.fstat(opened.fileno()).st_mode
            data = tomllib.load(opened)
    except FileNotFoundError:
        return {}
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{file} cannot be read: {error}", "Correct it, or make it anew: deposit login"
        ) from error
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise UsageError(f"{file} can be read by others, and may hold a password.", f"chmod 600 {file}")
    return data


def account(server: str = "", **options: str) -> Account:
    """The account to use. Raises `UsageError` when no server is known."""
    data = _read()
    name = server or os.environ.get("DEPOSIT_SERVER") or data.get("default", "")
    known = data.get("servers", {}).get(name, {})
    if server and not known:
        raise UsageError(
            f"There is no server {server!r} in {config_file()}.", f"deposit login --server {server}"
        )
    fields = {key: str(known.get(key, "")) for key in VARIABLES}
    given = {key: os.environ.get(variable, "") for key, variable in VARIABLES.items()}
    given |= {key: value for key, value in options.items() if value}
    if given["url"] and given["url"].rstrip("/") != fields["url"].rstrip("/"):
        # Secrets belong to their server and are never sent to another.
        fields = dict.fromkeys(VARIABLES, "")
        known = {}
    if given["username"] and given["username"] != fields["username"]:
        fields |= {"username": "", "password": "", "token": ""}
        known = {}
    fields |= {key: value for key, value in given.items() if value}
    if given["password"] and not given["token"]:
        fields["token"] = ""
    if not fields["url"]:
        raise UsageError("No server is known.", "deposit login, or set DEPOSIT_BASE_URL, or give --url.")
    remembered = {name: str(known.get(name, "")) for name in ("collections", "release_author")}
    return Account(**fields, **remembered, secret_in_keyring=known.get("secret") == "keyring")


def with_secret(found: Account) -> Account:
    """The account with its password or token, from the keyring if it lies there."""
    if found.password or found.token or not found.secret_in_keyring:
        return found
    keyring = _keyring()
    secret = keyring.get_password(KEYRING, _keyring_name(found)) if keyring else None
    if not secret:
        raise UsageError("The keyring does not give the password.", "Unlock it, or: deposit login")
    kind, _, value = secret.partition(":")
    return replace(found, **{kind: value})


def servers() -> dict[str, dict[str, str]]:
    """What the configuration file knows, by the names of servers; empty where it cannot be read."""
    try:
        known: dict[str, dict[str, str]] = _read().get("servers", {})
    except UsageError:
        return {}
    return known


def save(server: str, found: Account, *, keyring: bool = True) -> str:
    """Write an account down and make it the default. Returns where the secret went, in words."""
    data = _read()
    servers = data.setdefault("servers", {})
    entry = {
        name: getattr(found, name)
        for name in ("url", "username", "collection", "collections", "release_author")
    }
    kind = "token" if found.token else "password"
    secret = found.token or found.password
    where = "keyring"
    if keyring and _store(found, f"{kind}:{secret}"):
        entry["secret"] = "keyring"  # noqa: S105
    else:
        entry[kind] = secret
        where = str(config_file())
    servers[server] = {key: value for key, value in entry.items() if value}
    data["default"] = server
    _write(data)
    return where


def forget(server: str) -> bool:
    """Remove a server and its secret; False when it was not known."""
    data = _read()
    entry = data.get("servers", {}).pop(server, None)
    if entry is None:
        return False
    if entry.get("secret") == "keyring" and (keyring := _keyring()):
        name = _keyring_name(Account(url=entry["url"], username=entry.get("username", "")))
        if keyring.get_password(KEYRING, name) is not None:
            keyring.delete_password(KEYRING, name)
    if data.get("default") == server:
        data["default"] = next(iter(data["servers"]), "")
    _write(data)
    return True


def _write(data: dict[str, Any]) -> None:
    file = config_file()
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    lines = [f"default = {_toml(data.get('default', ''))}", ""]
    for name, entry in data.get("servers", {}).items():
        lines += [
            f"[servers.{_toml(name)}]",
            *(f"{key} = {_toml(value)}" for key, value in entry.items()),
            "",
        ]
    half = file.with_name(file.name + ".new")
    half.unlink(missing_ok=True)
    with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
        opened.write("\n".join(lines))
    half.replace(file)


def _toml(text: str) -> str:
    """A basic string of TOML, which escapes as JSON does, and DEL."""
    return json.dumps(str(text), ensure_ascii=False).replace("\x7f", "\\u007f")


def _keyring_name(found: Account) -> str:
    return f"{found.username}@{found.url}"


def _keyring() -> Any:
    """The keyring module, if it is installed and has somewhere to keep things."""
    try:
        keyring = import_module("keyring")
        nowhere = import_module("keyring.backends.fail").Keyring
    except ImportError:
        return None
    return None if isinstance(keyring.get_keyring(), nowhere) else keyring


def _store(found: Account, secret: str) -> bool:
    keyring = _keyring()
    if keyring is None:
        return False
    keyring.set_password(KEYRING, _keyring_name(found), secret)
    return True
