"""The options of a profile on the command line, for collections and sources."""

import json
from argparse import ArgumentParser, BooleanOptionalAction
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from client.transfer_package.options import OptionsError, identifier_columns

_NAMES = ("identifier_columns", "rights_required", "columns", "testing_prefix", "testing_collection")


def add_profile_options(parser: ArgumentParser) -> None:
    """Give a verb the options that say how strict a profile is."""
    parser.add_argument("--identifier-columns", metavar="A,B", help="columns that identify a package")
    parser.add_argument("--rights-required", action=BooleanOptionalAction, help="ask for metadata/rights.csv")
    parser.add_argument("--columns", metavar="FILE", help="a JSON table schema for metadata.csv")
    parser.add_argument(
        "--testing-prefix", metavar="PREFIX", help="identifiers that begin so are for testing"
    )
    parser.add_argument("--testing-collection", metavar="NAME", help="the collection that these go to")


def take_profile_options(fields: dict[str, Any]) -> dict[str, Any] | None:
    """Take these options out of a verb's arguments; None when none of them was given."""
    given = {name: fields.pop(name) for name in _NAMES if name in fields}
    given = {name: value for name, value in given.items() if value is not None}
    try:
        if "identifier_columns" in given:
            given["identifier_columns"] = list(identifier_columns(given["identifier_columns"]))
        if "columns" in given:
            given["columns"] = json.loads(Path(given["columns"]).read_text("utf-8"))
    except OptionsError as error:
        raise CommandError(str(error)) from error
    except (OSError, ValueError) as error:
        raise CommandError(f"--columns: {error}") from error
    return given or None
