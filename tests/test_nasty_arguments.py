"""Commands of operators take nasty strings in every argument: they do what they say, or refuse it in a sentence."""

import os
from argparse import ArgumentParser, _SubParsersAction
from collections.abc import Iterator
from importlib import import_module
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.core.management import get_commands as all_commands
from django.db import transaction

from deposit.management.actions import ActionsCommand
from tests.support.nasty_fields import Doors
from tests.support.nasty_strings import NASTY

pytestmark = pytest.mark.django_db

# No argument of a program has a NUL in it; bytes that are no character come as halves of surrogate pairs.
TEXTS = tuple(text for text in NASTY if "\0" not in text)
# These wait for somebody, or begin work that goes on.
NOT_TRIED = {("batch", "run"), ("user", "set-password")}


def commands() -> Iterator[tuple[str, ActionsCommand]]:
    for name, app in sorted(all_commands().items()):
        if not str(app).startswith("django."):
            command = import_module(f"{app}.management.commands.{name}").Command()
            if isinstance(command, ActionsCommand):
                yield name, command


def verbs() -> Iterator[tuple[str, str, ArgumentParser]]:
    for name, command in commands():
        parser = command.create_parser("manage.py", name)
        (actions,) = [one for one in parser._actions if isinstance(one, _SubParsersAction)]
        for verb, sub in actions.choices.items():
            if (name, verb) not in NOT_TRIED:
                yield name, verb, sub


CASES = {f"{name} {verb}": (name, verb, parser) for name, verb, parser in verbs()}


def words_of(parser: ArgumentParser, text: str) -> list[str]:
    """A command line with the text in every argument that takes one, and a number where one is asked for."""
    words: list[str] = []
    for action in parser._actions:
        takes = action.nargs in (None, "+", "*", "?", 1, 2) and action.const is None
        if not takes or action.dest in ("settings", "pythonpath", "help", "file", "data_dir"):
            continue
        value = str(next(iter(action.choices))) if action.choices else text if action.type is None else "1"
        value = text if action.type is Path else value
        if action.option_strings:
            words.append(f"{action.option_strings[-1]}={value}")
        else:
            words.append(value)
    return [word for word in words if word.startswith("--")] + [
        "--",
        *(word for word in words if not word.startswith("--")),
    ]


@pytest.mark.parametrize("case", CASES)
def test_arguments_take_nasty_strings(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name, verb, parser = CASES[case]
    monkeypatch.chdir(tmp_path)
    Doors()
    number = list(CASES).index(case)
    texts = TEXTS if "NASTY_EVERYWHERE" in os.environ else TEXTS[number % 6 :: 6]
    failed: dict[str, str] = {}
    for text in texts:
        with transaction.atomic():
            if problem := outcome(name, [verb, *words_of(parser, text)]):
                failed[text[:40]] = problem
            transaction.set_rollback(True)
    assert failed == {}


def outcome(name: str, words: list[str]) -> str:
    """What is wrong with how a command ended; "" when it did what it says, or refused it."""
    said: Any = StringIO()
    try:
        call_command(name, *words, stdout=said, stderr=said)
    except (CommandError, SystemExit):
        return ""
    except Exception as error:  # noqa: BLE001  (that is what is looked for)
        return f"{type(error).__name__}: {error}"[:200]
    return ""


def test_every_command_with_verbs_is_tried() -> None:
    assert {"user", "collection", "deposit", "token", "role"} <= {name for name, _ in commands()}
    assert len(CASES) > 30
