"""Commands that make and judge transfer packages, for which no server is needed; and one that gets them back."""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from client.cli.options import json_option, progress_bar, server_options, show
from client.errors import DepositError, ExitCode, UsageError
from client.transfer_package.archivematica import judge as judge_archivematica
from client.transfer_package.building import build, identifying_values, metadata_csv
from client.transfer_package.catalogue import CATALOGUE
from client.transfer_package.contents import Finding
from client.transfer_package.layout import METADATA, RIGHTS
from client.transfer_package.options import Options, OptionsError, columns_of, identifier_columns
from client.transfer_package.reading import UnreadableError, opened
from client.transfer_package.rules import is_valid, judge

if TYPE_CHECKING:
    from client.depositor import Depositor

PATH = click.Path(exists=True, path_type=Path)
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
COLUMNS = click.option(
    "--identifier-columns", default="", metavar="A,B", help="Columns that identify the package."
)
PROFILES = {"transfer-package": judge, "archivematica": judge_archivematica}


class _InvalidError(DepositError):
    exit_code = ExitCode.REJECTED


@click.group("package")
def package_command() -> None:
    """Make and check transfer packages, offline; get stored ones back."""


@package_command.command("validate")
@click.argument("path", type=PATH)
@COLUMNS
@click.option("--rights-required", is_flag=True, help="Ask for metadata/rights.csv.")
@click.option("--schema", type=FILE, help="A JSON table schema for the columns of metadata.csv.")
@click.option("--profile", type=click.Choice(list(PROFILES)), default="transfer-package", show_default=True)
@json_option
def validate_command(
    path: Path,
    identifier_columns: str,
    rights_required: bool,
    schema: Path | None,
    profile: str,
    as_json: bool,
) -> int:
    """Check the zip file or folder PATH as the server will; exit code 7 when it is not valid."""
    found = _findings(path, profile, _options(identifier_columns, rights_required, schema))
    valid = is_valid(found)
    if as_json:
        show({"valid": valid, "findings": [_row_of(each) for each in found]}, as_json=True)
    else:
        _explain(path, found)
    return ExitCode.OK if valid else ExitCode.REJECTED


def _options(columns: str, rights_required: bool, schema: Path | None) -> Options:
    try:
        fields = columns_of(json.loads(schema.read_text("utf-8"))) if schema else ()
        return Options(
            identifier_columns=identifier_columns(columns) if columns else (),
            rights_required=rights_required,
            columns=fields,
        )
    except ValueError as error:
        raise UsageError(
            str(error) if isinstance(error, OptionsError) else f"{schema} is no JSON: {error}"
        ) from error
    except OSError as error:
        raise UsageError(f"{schema} cannot be read: {error.strerror}.") from error


def _findings(path: Path, profile: str, options: Options) -> list[Finding]:
    try:
        with opened(path) as contents:
            return PROFILES[profile](contents, options)
    except UnreadableError as error:
        return [error.finding]
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}") from error


def _row_of(finding: Finding) -> dict[str, Any]:
    fields = asdict(finding)
    return {name: str(fields[name]) for name in ("code", "severity", "subject", "message")}


def _explain(path: Path, found: list[Finding]) -> None:
    """Numbered findings with examples, as the report beside an upload has them."""
    click.echo(f"{path}: {'valid' if is_valid(found) else 'not valid'}")
    shown = set()
    for number, each in enumerate(found, 1):
        click.echo(f"\n{number}. {each.message}  [{each.code}]")
        entry = CATALOGUE.get(each.code)
        if entry and each.code not in shown:
            for word, example in (("WRONG", entry.wrong), ("RIGHT", entry.right)):
                if example:
                    click.echo(f"\n  {word}:\n\n{example}")
        shown.add(each.code)


@package_command.command("build")
@click.argument("folder", type=FOLDER)
@click.option("--identifier", default="", metavar="ID", help="What the package is, such as PP/ABC/1.")
@click.option("--title", default="", help="A title, for the column dc.title.")
@click.option("--rights", type=FILE, help="A rights.csv to put in.")
@COLUMNS
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="Where to write; FOLDER.zip by default."
)
@click.option("--force", is_flag=True, help="Replace a file that is there already.")
@json_option
def build_command(
    folder: Path,
    identifier: str,
    title: str,
    rights: Path | None,
    identifier_columns: str,
    output: Path | None,
    force: bool,
    as_json: bool,
) -> int:
    """Make a transfer package of what FOLDER holds; asks on a terminal for what lacks."""
    target = output or Path(f"{folder.resolve().name}.zip")
    if target.exists() and not force:
        raise UsageError(f"{target} is there already.", "Give another name with --output, or --force.")
    options = _options(identifier_columns, False, None)
    metadata = _metadata(folder, identifier, title, options.identifier_columns)
    build(folder, target, metadata=metadata, rights=rights.read_bytes() if rights else None)
    found = _findings(target, "transfer-package", options)
    if not is_valid(found):
        target.unlink()
        _explain(folder, found)
        raise _InvalidError("No package was made: it would not be valid.")
    show({"package": str(target), "bytes": target.stat().st_size}, as_json=as_json)
    return ExitCode.OK


def _metadata(folder: Path, identifier: str, title: str, columns: tuple[str, ...]) -> bytes:
    """The folder's own metadata.csv unless an identifier is given; else a new one."""
    own = folder / METADATA
    if own.is_file() and not identifier:
        return own.read_bytes()
    if not identifier:
        identifier = _ask(columns)
    values = identifying_values(identifier, columns)
    return metadata_csv(values | ({"dc.title": title} if title else {}))


def _ask(columns: tuple[str, ...]) -> str:
    if not sys.stdin.isatty():
        raise UsageError(
            f"The package needs an identifier: give --identifier, or put {METADATA} into the folder.",
            f"{RIGHTS} is taken from the folder, too, if it is there.",
        )
    names = columns or ("dc.identifier",)
    return "/".join(str(click.prompt(f"Identifier ({name})", err=True)) for name in names)


@package_command.command("get")
@click.argument("identifier")
@click.argument("target", type=click.Path(path_type=Path), default=Path())
@click.option("--version", type=int, metavar="N", help="Which version; the newest that is stored by default.")
@click.option("--file", "inside", default="", metavar="PATH", help="Only this file of the package.")
@server_options
def get_command(
    depositor: "Depositor", identifier: str, target: Path, version: int | None, inside: str, as_json: bool
) -> int:
    """Save the package with this external identifier to TARGET, a new file or a folder; here by default."""
    from client import packages  # noqa: PLC0415  slow import

    with progress_bar("Receiving", hidden=as_json) as bar:
        saved = packages.get(depositor, identifier, target, version=version, path=inside, progress=bar)
    show({"saved": str(saved), "bytes": saved.stat().st_size}, as_json=as_json)
    return ExitCode.OK
