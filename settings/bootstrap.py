"""The first half of ``manage.py bootstrap``: the settings without which Django does not start.

Run before Django. What neither the environment nor the environment file says is taken from ``--set``, from the table
``[settings]`` of ``--file``, made up (``SECRET_KEY``) or asked for, and written into the environment file, which is
left as it is otherwise. What ``--set`` and ``[settings]`` say replaces what the file says; the environment wins.
``python -m settings.bootstrap bootstrap …`` does this half alone, for whoever may write the file when the user of the
service may not.
"""

import argparse
import json
import os
import re
import secrets
import sys
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import environ

from settings.env import env_file

# What a production start needs, and how to ask for it.
QUESTIONS = {
    "DATABASE_URL": "the database, as postgres://user:password@host:port/name",
    "CELERY_BROKER_URL": "the broker, as amqp://user:password@host:5672//",
    "ALLOWED_HOSTS": "the names under which clients reach the service, with commas",
    "AUTHORITY_URL": "the web address of this service, which the archive's own records name for ever",
    "RELEASE_AUTHOR": "who signs the releases of the archive, as Name <mail address>",
}


class BootstrapError(Exception):
    """Why the settings cannot be completed, and what to do."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options that both halves of the command know."""
    parser.add_argument("--file", type=Path, help="what the service is to have, as TOML or JSON")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a setting, written into the environment file; may be repeated",
    )
    parser.add_argument("--check", action="store_true", help="change nothing; exit code 1 if something lacks")
    parser.add_argument("--no-input", action="store_true", help="ask nothing")


def read_plan_file(path: Path | None) -> dict[str, Any]:
    """The plan as it is written, TOML or (``.json``) JSON; empty without a path. Raises `BootstrapError`."""
    if path is None:
        return {}
    try:
        text = path.read_text("utf-8")
        found = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except OSError as error:
        raise BootstrapError(f"{path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise BootstrapError(
            f"{path} is not {path.suffix.lstrip('.').upper() or 'TOML'}: {error}."
        ) from error
    if not isinstance(found, dict):
        raise BootstrapError(f"{path} is no table at its top.")
    return found


def complete(arguments: Sequence[str]) -> list[str]:
    """Complete the settings for these arguments of the command; the names that were written.

    Raises `BootstrapError` for what is missing (with ``--check`` also for what would be written), and
    `ImproperlyConfigured` when it is not known where the data are.
    """
    parser = argparse.ArgumentParser(prog="manage.py bootstrap", add_help=False, allow_abbrev=False)
    add_options(parser)
    options, _ = parser.parse_known_args(arguments)
    file = env_file()
    wanted = wanted_settings(options.set, read_plan_file(options.file))
    in_file = _read_file(file)
    known = in_file | os.environ
    added = {n: v for n, v in wanted.items() if n not in os.environ and in_file.get(n) != v}
    if _needed(known | added, "SECRET_KEY"):
        added["SECRET_KEY"] = secrets.token_urlsafe(50)
    missing = [name for name in QUESTIONS if _needed(known | added, name)]
    if missing and not (options.no_input or options.check) and sys.stdin.isatty():
        added |= _ask(missing)
        missing = [name for name in missing if name not in added]
    if missing and (known | added).get("DEPOSIT_EMBEDDED") != "true":
        raise BootstrapError(_say_missing(missing, file))
    if options.check:
        _stop_if_settings_lack(added, file)
    elif added:
        _write(file, added)
        for name in added:
            sys.stderr.write(f"setting {name}: written to {file}\n")
    return list(added)


def _stop_if_settings_lack(added: Mapping[str, str], file: Path) -> None:
    if added:
        raise BootstrapError("\n".join(f"setting {name}: would be written to {file}" for name in added))


def wanted_settings(given: Sequence[str], plan: Mapping[str, Any]) -> dict[str, str]:
    """The settings that are asked for, as the environment has them. Raises `BootstrapError`."""
    table = plan.get("settings", {})
    if not isinstance(table, dict):
        raise BootstrapError("settings: a table of names and values is needed.")
    wanted = {name: _text(name, value) for name, value in table.items()}
    for one in given:
        name, is_pair, value = one.partition("=")
        if not is_pair:
            raise BootstrapError(f"--set {one}: NAME=VALUE is needed.")
        wanted[name] = value
    for name, value in wanted.items():
        if not name.isidentifier() or not name.isupper() or "\n" in value or "\0" in value:
            raise BootstrapError(f"{name}: a setting is NAME in capitals, and its value is one line.")
    return wanted


def _text(name: str, value: Any) -> str:
    """A value of the plan as the environment has it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ",".join(_text(name, one) for one in value)
    if isinstance(value, str | int | float):
        return str(value)
    raise BootstrapError(f"settings.{name}: text, a number, true or false, or a list is needed.")


def _read_file(file: Path) -> dict[str, str]:
    """What the environment file says, read as the settings read it."""
    if not file.is_file():
        return {}
    before = dict(os.environ)
    try:
        os.environ.clear()
        environ.FileAwareEnv.read_env(file)
        return dict(os.environ)
    finally:
        os.environ.clear()
        os.environ.update(before)


def _needed(known: Mapping[str, str], name: str) -> bool:
    return not known.get(name) and not known.get(f"{name}_FILE")


def _ask(names: Sequence[str]) -> dict[str, str]:
    given = {}
    for name in names:
        answer = input(f"{name}: {QUESTIONS[name]}\n  > ").strip()
        if answer:
            given[name] = answer
    return given


def _say_missing(names: Sequence[str], file: Path) -> str:
    lines = [f"- {name}: {QUESTIONS[name]}" for name in names]
    return (
        "These settings are missing:\n"
        + "\n".join(lines)
        + f"\nGive each with --set NAME=VALUE or in [settings] of --file, or write it into {file} or the environment."
    )


def _write(file: Path, added: Mapping[str, str]) -> None:
    """Write the file anew, with these lines in the place of old ones or at its end.

    All else in it stays, its owner and mode too; a new file is its owner's alone.
    """
    old = file.read_text("utf-8") if file.exists() else ""
    replaced = re.compile(rf"\s*(export\s+)?({'|'.join(map(re.escape, added))})\s*=")
    lines = [line for line in old.splitlines() if not replaced.match(line)]
    lines += [f"{name}={_quoted(value)}" for name, value in added.items()]
    half = file.with_name(file.name + ".new")
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        half.unlink(missing_ok=True)
        with os.fdopen(
            os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
        ) as new:
            new.write("\n".join(lines) + "\n")
            new.flush()
            if old or file.exists():
                kept = file.stat()
                os.fchown(new.fileno(), kept.st_uid, kept.st_gid)
                os.fchmod(new.fileno(), kept.st_mode & 0o7777)
            os.fsync(new.fileno())
        half.replace(file)
    except OSError as error:
        names = ", ".join(added)
        raise BootstrapError(
            f"{file} cannot be written ({error.strerror}). Write {names} into it by hand, or set them in the "
            "environment."
        ) from error


def _quoted(value: str) -> str:
    """As systemd, a shell and django-environ read it alike."""
    plain = all(sign.isalnum() or sign in "-_./:@%+,=?&[]~" for sign in value)
    if plain:
        return value
    if "'" in value:
        raise BootstrapError(f"{value!r}: a value with a single quote must be written into the file by hand.")
    return f"'{value}'"


if __name__ == "__main__":
    try:
        complete(sys.argv[2:])
    except BootstrapError as error:
        sys.exit(f"bootstrap: {error}")
