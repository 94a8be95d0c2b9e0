"""Commands that look at the server and change nothing."""

import json
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from client.cli.options import (
    STATUSES,
    exit_code_of,
    progress_bar,
    quiet_option,
    server_options,
    show,
    status_fields,
)
from client.cli.upload import waiting
from client.errors import ExitCode, RefusedError

if TYPE_CHECKING:
    from client.depositor import Depositor

COLUMNS = ("id", "status", "reception_date", "title", "page")


@click.command("service")
@server_options
def service_command(depositor: "Depositor", as_json: bool) -> None:
    """Show what the server offers: its collections and limits."""
    service = depositor.service()
    if as_json:
        show(asdict(service), as_json=True)
        return
    show(
        {
            "title": service.title,
            "SWORD": service.version,
            "largest upload": service.max_upload_size,
            "release author": service.release_author,
        },
        as_json=False,
    )
    for each in service.collections:
        click.echo()
        show(
            {**asdict(each), "accepts": ", ".join(each.accepts), "packagings": ", ".join(each.packagings)},
            as_json=False,
        )


@click.command("status")
@click.argument("deposit_id", type=int)
@server_options
def status_command(depositor: "Depositor", deposit_id: int, as_json: bool) -> None:
    """Show where a deposit stands."""
    show(status_fields(depositor.status(deposit_id)), as_json=as_json)


@click.command("wait")
@click.argument("deposit_id", type=int)
@click.option("--timeout", type=float, default=None, help="At most so many seconds.")
@quiet_option
@server_options
def wait_command(depositor: "Depositor", deposit_id: int, timeout: float | None, as_json: bool) -> int:
    """Wait until a deposit is done, rejected, failed or expired, or waits for you; the exit code says which."""
    status = depositor.wait(deposit_id, timeout=timeout, on_change=waiting(timeout))
    show(status_fields(status), as_json=as_json)
    return exit_code_of(status)


@click.command("show")
@click.argument("deposit_id", type=int)
@server_options
def show_command(depositor: "Depositor", deposit_id: int, as_json: bool) -> None:
    """Show all that the server tells of a deposit."""
    fields = status_fields(depositor.status(deposit_id))
    try:
        receipt = depositor.receipt(deposit_id)
    except RefusedError as error:
        # A server of swh-deposit keeps no receipts.
        if error.status not in (405, 406):
            raise
    else:
        links = {rel: list(targets) for rel, targets in receipt.links.items()}
        fields |= {"date": receipt.date, "package": receipt.archive}
        fields["links"] = links if as_json else "\n".join(f"{r}: {t}" for r, ts in links.items() for t in ts)
    show(fields, as_json=as_json)


@click.command("list")
@click.option("--status", type=click.Choice(STATUSES), default=None, help="Only deposits in this status.")
@click.option("--limit", type=int, default=None, help="At most so many.")
@server_options
def list_command(depositor: "Depositor", status: str | None, limit: int | None, as_json: bool) -> None:
    """List the deposits, newest first: number, status, day, title, page; with --json one object per line."""
    from client import api  # noqa: PLC0415  slow import

    for row in islice(api.newest(depositor, status=status), limit):
        if as_json:
            click.echo(json.dumps(row, ensure_ascii=False))
        else:
            told = {**row, "reception_date": str(row.get("reception_date", ""))[:10]}
            click.echo("\t".join(str(told.get(column) or "-") for column in COLUMNS))


@click.command("download")
@click.argument("deposit_id", type=int)
@click.argument("target", type=click.Path(path_type=Path), default=Path())
@click.option(
    "--packaging",
    default="SimpleZip",
    metavar="NAME|IRI",
    show_default=True,
    help="SimpleZip, Binary (a package as it was sent), BagIt, or an IRI.",
)
@server_options
def download_command(
    depositor: "Depositor", deposit_id: int, target: Path, packaging: str, as_json: bool
) -> None:
    """Save what was deposited to TARGET, a new file or a folder; here by default."""
    with progress_bar("Receiving", hidden=as_json) as bar:
        saved = depositor.download(deposit_id, target, packaging=packaging, progress=bar)
    show({"saved": str(saved), "bytes": saved.stat().st_size}, as_json=as_json)


@click.command("fetch")
@click.argument("swhid")
@click.argument("target", type=click.Path(path_type=Path), default=Path())
@server_options
def fetch_command(depositor: "Depositor", swhid: str, target: Path, as_json: bool) -> None:
    """Save an archived object: a file as it is, a folder as tar."""
    with progress_bar("Receiving", hidden=as_json) as bar:
        saved = depositor.fetch(swhid, target, progress=bar)
    show({"saved": str(saved), "bytes": saved.stat().st_size}, as_json=as_json)


@click.command("stored")
@click.argument("names", nargs=-1, required=True, metavar="ID...")
@click.option(
    "--by",
    type=click.Choice(["external-id", "accession", "file-name", "sha256"]),
    default="external-id",
    show_default=True,
    help="What an ID is that is no SWHID.",
)
@click.option("--after", default="", metavar="DATE", help="Stored at this date or later, such as 2026-11-30.")
@server_options
def stored_command(depositor: "Depositor", names: tuple[str, ...], by: str, after: str, as_json: bool) -> int:
    """Ask whether packages or objects are stored, as part of your deposits; exit code 10 when one is not.

    An ID is a SWHID, or the external identifier of a package: the one in its metadata.csv, or the Slug.
    """
    from client import packages  # noqa: PLC0415

    found: dict[str, Any] = {}
    for name in names:
        if name.startswith("swh:"):
            found[name] = depositor.stored(name)
        else:
            asked = {by.replace("-", "_"): name, "stored_after": after}
            found[name] = list(packages.find(depositor, **asked))
    stored = {
        name: told if isinstance(told, bool) else any(v["stored"] for v in told)
        for name, told in found.items()
    }
    if as_json:
        show(
            {
                name: told if isinstance(told, bool) else {"stored": stored[name], "versions": told}
                for name, told in found.items()
            },
            as_json=True,
        )
    else:
        for name, told in found.items():
            click.echo(f"{'stored ' if stored[name] else 'missing'}  {name}")
            for version in [] if isinstance(told, bool) else told:
                number = f"v{version['version']}" if version["version"] else "-"
                click.echo(f"         {number}  deposit {version['deposit']}  {version['status']}")
    return ExitCode.OK if all(stored.values()) else ExitCode.DIFFERS
