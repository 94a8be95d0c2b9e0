"""Commands that change a deposit."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from client.cli.depositing import described, metadata_options
from client.cli.options import (
    exit_code_of,
    progress_bar,
    quiet_option,
    server_options,
    show,
    status_fields,
)
from client.cli.packing import Choice, prepared
from client.cli.upload import waiting
from client.errors import UsageError

if TYPE_CHECKING:
    from client.depositor import Depositor
    from client.metadata import Metadata

PACKAGE = click.Path(exists=True, path_type=Path)


@click.command("add")
@click.argument("deposit_id", type=int)
@click.argument("path", type=PACKAGE)
@quiet_option
@server_options
def add_command(depositor: "Depositor", deposit_id: int, path: Path, as_json: bool) -> None:
    """Add the package or folder PATH to a partial deposit."""
    with prepared([path], Choice()) as ready, progress_bar("Sending", hidden=as_json) as bar:
        depositor.add(deposit_id, ready.files[0], progress=bar)
    show(status_fields(depositor.status(deposit_id)), as_json=as_json)


@click.command("replace")
@click.argument("deposit_id", type=int)
@click.option("--package", type=PACKAGE, help="Takes the place of all packages.")
@metadata_options
@click.option(
    "--replace-all", is_flag=True, help="Drop metadata that you do not say again, instead of keeping them."
)
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@quiet_option
@server_options
def replace_command(
    depositor: "Depositor",
    deposit_id: int,
    package: Path | None,
    metadata: Path | None,
    fields: dict[str, Any],
    replace_all: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Replace packages, metadata or both of a partial deposit; metadata that you do not say again stay as they are."""
    document = described(metadata, fields)
    if document is not None:
        document = _laid_over(depositor, deposit_id, document, replace_all=replace_all)
        if not yes and sys.stdin.isatty():
            click.confirm("Replace the metadata?", default=True, abort=True, err=True)
    if package is None:
        status = depositor.replace(deposit_id, metadata=document)
    else:
        with prepared([package], Choice()) as ready:
            status = depositor.replace(deposit_id, package=ready.files[0], metadata=document)
    show(status_fields(status), as_json=as_json)


@click.command("update")
@click.argument("deposit_id", type=int)
@click.option("--swhid", required=True, help="The identifier of the deposit: a guard against mix-ups.")
@metadata_options
@click.option("--replace-all", is_flag=True, help="Drop what you do not say again, instead of keeping it.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@server_options
def update_command(
    depositor: "Depositor",
    deposit_id: int,
    swhid: str,
    metadata: Path | None,
    fields: dict[str, Any],
    replace_all: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Give an archived deposit new metadata; what you do not say again stays as it is."""
    document = described(metadata, fields)
    if document is None:
        raise UsageError("There are no metadata.", "Give --metadata FILE, or --name and --author.")
    document = _laid_over(depositor, deposit_id, document, replace_all=replace_all)
    if not yes and sys.stdin.isatty():
        click.confirm("Update the deposit?", default=True, abort=True, err=True)
    show(status_fields(depositor.update(deposit_id, swhid=swhid, metadata=document)), as_json=as_json)


def _laid_over(
    depositor: "Depositor", deposit_id: int, document: "Metadata | bytes", *, replace_all: bool
) -> "Metadata | bytes":
    """The new metadata with the present ones below them; what that changes is told on standard error."""
    from client.merging import merge  # noqa: PLC0415

    present = depositor.entry(deposit_id)
    if present is None:
        click.echo("The server does not tell the present metadata: the new ones replace them all.", err=True)
        return document
    merged = merge(present, document)
    for field, before, after in merged.changed:
        click.echo(f"{field}: {before or '(nothing)'} -> {after}", err=True)
    if replace_all:
        click.echo(f"Dropped: {', '.join(merged.kept) or 'nothing'}", err=True)
        return document
    click.echo(f"Kept: {', '.join(merged.kept) or 'nothing else'}", err=True)
    return merged.entry


@click.command("confirm")
@click.argument("deposit_id", type=int)
@click.option("--wait", "wait_for_it", is_flag=True, help="Wait until it is archived.")
@click.option("--timeout", type=float, default=None, help="With --wait: at most so many seconds.")
@quiet_option
@server_options
def confirm_command(
    depositor: "Depositor", deposit_id: int, wait_for_it: bool, timeout: float | None, as_json: bool
) -> int:
    """Say that the warnings on a deposit that waits for you are known: it goes on as it is."""
    status = depositor.confirm(deposit_id)
    if wait_for_it:
        status = depositor.wait(deposit_id, timeout=timeout, on_change=waiting(timeout))
    show(status_fields(status), as_json=as_json)
    return exit_code_of(status)


@click.command("complete")
@click.argument("deposit_id", type=int)
@quiet_option
@server_options
def complete_command(depositor: "Depositor", deposit_id: int, as_json: bool) -> None:
    """Say that a partial deposit is complete: it is checked and archived."""
    depositor.complete(deposit_id)
    show(status_fields(depositor.status(deposit_id)), as_json=as_json)


@click.command("cancel")
@click.argument("deposit_id", type=int)
@server_options
def cancel_command(depositor: "Depositor", deposit_id: int, as_json: bool) -> None:
    """Delete a partial deposit."""
    depositor.cancel(deposit_id)
    show({"deposit_id": deposit_id, "status": "deleted"}, as_json=as_json)
