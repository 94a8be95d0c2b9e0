"""``upload`` and ``metadata-only``."""

import functools
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from client.cli.options import exit_code_of, progress_bar, server_options, show, status_fields
from client.errors import UsageError
from client.metadata import Metadata, Person, find_metadata, read_metadata

if TYPE_CHECKING:
    from client.depositor import Depositor

# Option: the field of `Metadata` that it sets, and its help.
FIELDS = {
    "--name": ("name", "What it is called."),
    "--version": ("version", "Its version."),
    "--description": ("description", "What it is."),
    "--license": ("license", "Its licence, preferably as a URL of spdx.org."),
    "--date-created": ("date_created", "When it was made, YYYY-MM-DD."),
    "--date-published": ("date_published", "When it was published, YYYY-MM-DD."),
    "--release-notes": ("release_notes", "What is new in it."),
    "--create-origin": ("create_origin", "The URL of a new origin, below your provider's."),
    "--add-to-origin": ("add_to_origin", "The URL of an origin with earlier deposits."),
    "--provenance-url": ("provenance_url", "Where these metadata come from."),
}


def metadata_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options that describe what is deposited; the command gets ``metadata`` and ``fields``."""

    @functools.wraps(command)
    def wrapped(*, author: tuple[str, ...], **options: Any) -> Any:
        fields: dict[str, Any] = {field: options.pop(field) for field, _ in FIELDS.values()}
        fields["authors"] = tuple(Person.of(text) for text in author)
        return command(fields=fields, **options)

    for option, (field, text) in reversed(FIELDS.items()):
        wrapped = click.option(option, field, default="", help=text)(wrapped)
    wrapped = click.option("--author", multiple=True, metavar="'NAME <ADDRESS>'", help="Repeat for several.")(
        wrapped
    )
    return click.option(
        "-m",
        "--metadata",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="codemeta.json, CITATION.cff, or an Atom entry.",
    )(wrapped)


def described(file: Path | None, fields: dict[str, Any]) -> Metadata | bytes | None:
    """The metadata from a file, with what the options say instead."""
    found = read_metadata(file) if file else None
    given = {name: value for name, value in fields.items() if value}
    if isinstance(found, bytes):
        if given:
            words = "An Atom entry is sent as it is, so options cannot change it."
            raise UsageError(words, "Change the file, or use codemeta.json.")
        return found
    if found is not None:
        return found.updated(**given)
    return Metadata(**{"name": "", **given}) if given else None


def asked(known: Metadata | None) -> Metadata:
    """Ask for what is missing, in the terminal."""
    known = known or Metadata(name="")
    name = click.prompt("Name", default=known.name or None, err=True)
    shown = "; ".join(person.name for person in known.persons)
    authors = click.prompt("Authors, with ; between them", default=shown or None, err=True)
    version = click.prompt("Version", default=known.version, show_default=bool(known.version), err=True)
    text = click.prompt(
        "Description", default=known.description, show_default=bool(known.description), err=True
    )
    persons = known.persons if authors == shown else tuple(Person.of(each) for each in authors.split(";"))
    return known.updated(name=name, authors=persons, version=version, description=text)


@click.command("upload")
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
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
@click.option("--exclude", multiple=True, metavar="NAME", help="Leave files of this name out of folders.")
@click.option("--wait", "wait_for_it", is_flag=True, help="Wait until it is archived.")
@click.option("--timeout", type=float, default=None, help="With --wait: at most so many seconds.")
@click.option("--dry-run", is_flag=True, help="Show what would be sent, and send nothing.")
@click.option("-q", "--quiet", is_flag=True, help="No progress bar.")
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
    exclude: tuple[str, ...],
    wait_for_it: bool,
    timeout: float | None,
    dry_run: bool,
    quiet: bool,
    as_json: bool,
) -> int:
    """Deposit PATHS: packages (zip, tar...), folders, which are packed on the fly, or any files.

    A broken upload goes on when the same command is given again.
    """
    from client.packing import LEFT_OUT, open_package, packed, wrapped  # noqa: PLC0415

    source = metadata or next(
        (found for path in paths if path.is_dir() and (found := find_metadata(path))), None
    )
    if source and not metadata:
        click.echo(f"Metadata from {source}", err=True)
    document = described(source, fields)
    if form and not isinstance(document, bytes):
        document = asked(document)
    if document is None and not partial:
        words = "A deposit needs metadata."
        raise UsageError(
            words, "Give --name and --author, or --metadata FILE, or --form; or leave it --partial."
        )
    with ExitStack() as stack:
        files = [
            stack.enter_context(
                packed(path, exclude=(*LEFT_OUT, *exclude)) if path.is_dir() else wrapped(path)
            )
            for path in paths
        ]
        packages = [open_package(file) for file in files]
        if dry_run:
            return _show_plan(packages, document, as_json=as_json)
        depositor.name_encoding = name_encoding
        progress = stack.enter_context(progress_bar("Sending", hidden=quiet or as_json))
        receipt = depositor.upload(
            *packages,
            metadata=document,
            slug=slug or None,
            in_progress=partial,
            progress=progress,
            resume=True,
        )
    if wait_for_it and not partial:
        status = depositor.wait(receipt.deposit_id, timeout=timeout)
        show(status_fields(status), as_json=as_json)
        return exit_code_of(status)
    show(status_fields(depositor.status(receipt.deposit_id)), as_json=as_json)
    return 0


def _show_plan(packages: list[Any], document: Metadata | bytes | None, *, as_json: bool) -> int:
    entry = document.to_entry() if isinstance(document, Metadata) else document or b""
    known = ("name", "size", "md5", "sha256")
    plan = {
        "packages": [{field: getattr(package, field) for field in known} for package in packages],
        "entry": entry.decode("utf-8", "replace"),
    }
    show(plan, as_json=as_json)
    return 0


@click.command("metadata-only")
@metadata_options
@click.option(
    "--reference", default="", metavar="SWHID|URL", help="What is described: an identifier, or an origin."
)
@server_options
def metadata_only_command(
    depositor: "Depositor", metadata: Path | None, fields: dict[str, Any], reference: str, as_json: bool
) -> int:
    """Describe something that is archived already."""
    document = described(metadata, {**fields, "reference": reference})
    if document is None:
        raise UsageError(
            "There are no metadata.", "Give --metadata FILE, or --name, --author and --reference."
        )
    receipt = depositor.metadata_only(document)
    show(status_fields(depositor.status(receipt.deposit_id)), as_json=as_json)
    return 0
