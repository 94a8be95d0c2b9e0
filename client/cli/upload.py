"""``upload``."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from client.cli.depositing import asked, described, metadata_options
from client.cli.options import (
    exit_code_of,
    progress_bar,
    quiet_option,
    say,
    server_options,
    show,
    somebody_looks_on,
    status_fields,
)
from client.cli.packing import Choice, Prepared, left_out, packing_options, prepared
from client.documents import Status
from client.errors import UsageError, WaitTimedOutError
from client.metadata import Metadata

if TYPE_CHECKING:
    from client.depositor import Depositor
    from client.git import Commit
    from client.packing import Package

# How long whoever deposits on a terminal waits for the checks before being asked, in seconds.
_PATIENCE = 60.0


@click.command("upload")
@click.argument("paths", nargs=-1, type=click.Path(exists=True, path_type=Path))
@metadata_options
@click.option("--slug", default="", help="An identifier of your own for it.")
@click.option("--partial", is_flag=True, help="Leave it open for more; `deposit complete` ends that.")
@click.option("--form", is_flag=True, help="Ask for the metadata in the terminal.")
@click.option(
    "--names",
    "name_encoding",
    default="",
    metavar="ENC",
    help="The encoding of file names, such as shift_jis.",
)
@packing_options
@click.option("-y", "--yes", is_flag=True, help="Do not ask about warnings.")
@click.option("--wait", "wait_for_it", is_flag=True, help="Wait until it is archived.")
@click.option("--timeout", type=float, default=None, help="With --wait: at most so many seconds.")
@click.option("--dry-run", is_flag=True, help="Show what would be sent, and send nothing.")
@quiet_option
@server_options
def upload_command(
    depositor: "Depositor",
    paths: tuple[Path, ...],
    metadata: Path | None,
    fields: dict[str, Any],
    slug: str,
    partial: bool,
    form: bool,
    name_encoding: str,
    choice: Choice,
    yes: bool,
    wait_for_it: bool,
    timeout: float | None,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Deposit PATHS: packages (zip, tar...), folders, which are packed on the fly, or any files.

    The bytes decide what a file is: a package is sent as it is, whatever its name. A broken upload goes on when the
    same command is given again.
    """
    from client.packing import open_package  # noqa: PLC0415

    with prepared(paths, choice, silent=dry_run) as ready:
        document = _document(paths, metadata, fields, ready.commit, form=form)
        if not partial and (document is None or (isinstance(document, Metadata) and document.lacking)):
            lacking = f" What there is lacks {document.lacking}." if isinstance(document, Metadata) else ""
            raise UsageError(
                f"A deposit needs metadata.{lacking}",
                "Give --name and --author, or --metadata FILE, or --form; or leave it --partial.",
            )
        if partial and isinstance(document, Metadata) and not document.name:
            document = None
        packages = [open_package(file) for file in ready.files]
        if dry_run:
            return _show_plan(depositor, ready, packages, document, as_json=as_json)
        depositor.name_encoding = name_encoding
        depositor.confirm_warnings = asks = somebody_looks_on() and not (yes or partial or as_json)
        with progress_bar("Sending", hidden=as_json) as progress:
            receipt = depositor.upload(
                *packages,
                metadata=document,
                slug=slug or None,
                in_progress=partial,
                progress=progress,
                resume=True,
            )
    status = depositor.status(receipt.deposit_id)
    if asks:
        status = _ask(depositor, status)
    if wait_for_it and not partial and not status.waits_for:
        status = depositor.wait(receipt.deposit_id, timeout=timeout, on_change=waiting(timeout))
    show(status_fields(status), as_json=as_json)
    return exit_code_of(status) if wait_for_it or status.waits_for else 0


def _document(
    paths: tuple[Path, ...],
    metadata: Path | None,
    fields: dict[str, Any],
    commit: "Commit | None",
    *,
    form: bool,
) -> Metadata | bytes | None:
    """The metadata: of the file that is named, or of a folder or package, with what the options say instead."""
    document = described(metadata, fields, paths or ([Path()] if commit else []))
    if form and not isinstance(document, bytes):
        document = asked(document)
    return with_commit(document, commit) if commit and isinstance(document, Metadata) else document


def with_commit(document: Metadata, commit: "Commit") -> Metadata:
    """The metadata with where a commit comes from, and its tag as version, unless they say so themselves."""
    known = dict(document.codemeta)
    if commit.origin:
        known.setdefault("codeRepository", commit.origin)
    notes = document.release_notes or known.get("releaseNotes") or f"Commit {commit.revision}"
    return document.updated(
        version=document.version or commit.version, codemeta=known, release_notes=str(notes)
    )


def _ask(depositor: "Depositor", status: Status) -> Status:
    """Wait for the checks; show what they warn of, and ask before it is permanent."""
    if status.page is None:
        # A server that knows no such question.
        return status
    say("Checking it before it becomes permanent; Ctrl-C leaves it to the server.")
    try:
        status = depositor.wait(
            status.deposit_id, timeout=_PATIENCE, until=lambda status: status.status != "deposited"
        )
    except WaitTimedOutError:
        say(f"The checks have not begun yet. Later: deposit wait {status.deposit_id}")
        return depositor.status(status.deposit_id)
    if not status.waits_for:
        return status
    say(status.detail)
    if click.confirm("It is meant so: archive it?", default=False, err=True):
        return depositor.confirm(status.deposit_id)
    number = status.deposit_id
    say(
        f"It waits. Confirm it: deposit confirm {number}; replace it: deposit replace {number} --package PATH; "
    )
    say(f"or delete it: deposit cancel {number}")
    return status


_FOR = {
    "deposited": "waits for its checks",
    "verified": "passed its checks and waits to be archived",
    "loading": "is being archived",
}


def waiting(timeout: float | None) -> Any:
    """A function that tells, at each new status, for what is waited and until when."""
    until = ""
    if timeout is not None:
        end = datetime.now().astimezone() + timedelta(seconds=timeout)
        until = (
            f" Waiting until {end:%H:%M:%S};" if timeout < 86400 else f" Waiting until {end:%Y-%m-%d %H:%M};"
        )
    bound = until or " Waiting without end (--timeout sets one);"
    told: list[str] = []

    def tell(status: Status) -> None:
        words = _FOR.get(status.status, f"is {status.status}")
        tail = "" if told or status.is_final else f"{bound} Ctrl-C ends the waiting, not the deposit."
        told.append(status.status)
        say(f"Deposit {status.deposit_id} {words}.{tail}")

    return tell


def _show_plan(
    depositor: "Depositor",
    ready: Prepared,
    packages: "list[Package]",
    document: Metadata | bytes | None,
    *,
    as_json: bool,
) -> int:
    entry = document.to_entry() if isinstance(document, Metadata) else document or b""
    if as_json:
        known = ("name", "size", "md5", "sha256")
        left = [dict(plan.left_out) if plan else {} for plan in ready.plans]
        told = [
            {field: getattr(package, field) for field in known} | {"left_out": out}
            for package, out in zip(packages, left, strict=True)
        ]
        show({"packages": told, "entry": entry.decode("utf-8", "replace")}, as_json=True)
        return 0
    for line in _plan_lines(ready, packages, document):
        click.echo(line)
    click.echo(f"It would go to {depositor.url}. Nothing was sent.")
    return 0


def _plan_lines(ready: Prepared, packages: "list[Package]", document: Metadata | bytes | None) -> list[str]:
    from client.packing import size_in_words  # noqa: PLC0415

    lines = []
    for how, plan, package in zip(ready.how, ready.plans, packages, strict=True):
        lines += [f"{how} ({size_in_words(package.size)}).", *(left_out(plan) if plan else [])]
    if isinstance(document, Metadata):
        names = ", ".join(person.name for person in document.persons) or "nobody"
        lines.append(f"{document.name}{f' {document.version}' if document.version else ''}, by {names}.")
        lines += [f"{term}: {value}" for term, value in document.codemeta.items() if isinstance(value, str)]
    elif document:
        lines.append(f"An Atom entry of {len(document)} bytes, as it is.")
    else:
        lines.append("No metadata yet.")
    return lines
