"""``check``: would it be accepted? Nothing is deposited."""

from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from client.cli.depositing import described, metadata_options
from client.cli.options import is_quiet, quiet_option, say, server_options, show
from client.cli.packing import Choice, Prepared, packing_options, prepared
from client.errors import DepositError, ExitCode, NotFoundError, RefusedError
from client.metadata import Metadata

if TYPE_CHECKING:
    from client.checks import Finding
    from client.depositor import Depositor


@click.command("check")
@click.argument("paths", nargs=-1, type=click.Path(exists=True, path_type=Path))
@metadata_options
@packing_options
@click.option("--names", "name_encoding", default="", metavar="ENC", help="The encoding of file names.")
@click.option("--offline", is_flag=True, help="Ask no server; less is found.")
@quiet_option
@server_options
def check_command(
    depositor: "Depositor | None",
    paths: tuple[Path, ...],
    metadata: Path | None,
    fields: dict[str, Any],
    choice: Choice,
    name_encoding: str,
    offline: bool,
    as_json: bool,
) -> int:
    """Check PATHS and their metadata as `deposit upload` would send them. Nothing is kept.

    Small packages are checked by the server as a deposit is; of large ones, and with --offline, this program tells
    what it can. Exit code 7 when something would be rejected; warnings reject nothing.
    """
    with ExitStack() as stack:
        ready = stack.enter_context(prepared(paths, choice))
        document = described(metadata, fields, paths)
        findings, swhid = _by_server(depositor, ready, document, name_encoding) if depositor else ([], "")
        if not findings and not swhid:
            findings, swhid = _here(ready, document)
    accepted = not any(each.severity == "error" for each in findings)
    _tell(findings, accepted, swhid, as_json=as_json)
    return ExitCode.OK if accepted else ExitCode.REJECTED


def _by_server(
    depositor: "Depositor", ready: Prepared, document: Metadata | bytes | None, names: str
) -> "tuple[list[Finding], str]":
    """What the server says; nothing where it cannot be asked for this."""
    from client import api, checks  # noqa: PLC0415

    found = checks.of_metadata(document)
    swhid = ""
    try:
        if document is not None and not found:
            found += api.check(depositor, metadata=document).findings
        for file in ready.files:
            verdict = api.check(depositor, package=file, names=names)
            found += verdict.findings
            swhid = verdict.swhid if len(ready.files) == 1 else ""
    except NotFoundError as error:
        if error.is_from_deposit_server:
            raise
        say("The server checks nothing beforehand; this is what can be told here.")
        return [], ""
    except RefusedError as error:
        if error.status != 413:
            raise
        say(f"{error.summary} This is what can be told here.")
        return [], ""
    return found, swhid


def _here(ready: Prepared, document: Metadata | bytes | None) -> "tuple[list[Finding], str]":
    """What this program finds by itself."""
    from client import checks  # noqa: PLC0415
    from client.checks import Finding  # noqa: PLC0415
    from client.trees import members_of, tree_of  # noqa: PLC0415

    found = checks.of_metadata(document)
    swhid = ""
    for file in ready.files:
        try:
            members = list(members_of(file))
            swhid = tree_of(iter(members)).swhid() if len(ready.files) == 1 else ""
        except DepositError as error:
            found.append(
                Finding(severity="error", code="package.unreadable", subject=file.name, message=error.summary)
            )
            continue
        found += checks.warnings_on(members)
    if isinstance(document, Metadata) and not found:
        document.to_entry()
    return found, swhid


def _tell(found: "list[Finding]", accepted: bool, swhid: str, *, as_json: bool) -> None:
    if as_json:
        show(
            {"accepted": accepted, "swhid": swhid, "findings": [asdict(each) for each in found]}, as_json=True
        )
        return
    if is_quiet():
        return
    for each in found:
        place = f" ({each.subject})" if each.subject else ""
        click.echo(f"{each.severity}: {each.message}{place}  [{each.code}]")
    number = sum(each.severity == "warning" for each in found)
    if not accepted:
        click.echo("It would be rejected.")
    elif number:
        click.echo(f"It would be accepted, with {number} warning{'s' if number > 1 else ''}.")
    else:
        click.echo("It would be accepted.")
    if swhid:
        click.echo(swhid)
