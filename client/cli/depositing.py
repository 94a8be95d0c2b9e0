"""Options that describe what is deposited, and ``metadata-only``."""

import functools
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from client.cli.options import say, server_options, show, status_fields
from client.errors import UsageError
from client.licences import doubts
from client.metadata import Metadata, Person

if TYPE_CHECKING:
    from client.depositor import Depositor

# Option: the field of `Metadata` that it sets, and its help.
FIELDS = {
    "--name": ("name", "What it is called."),
    "--version": ("version", "Its version."),
    "--description": ("description", "What it is."),
    "--license": ("license", "Its licence, by its SPDX identifier (MIT) or its URL at spdx.org."),
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
        help="codemeta.json, CITATION.cff, another description, or an Atom entry.",
    )(wrapped)


def described(
    file: Path | None, fields: dict[str, Any], paths: Iterable[Path] = ()
) -> Metadata | bytes | None:
    """The metadata from a file, else from what is deposited, with what the options say instead.

    What could not be taken, and doubts about a licence, are told on standard error.
    """
    from client.describing import read_metadata  # noqa: PLC0415  slow import

    found = read_metadata(file) if file else _brought(paths)
    licence = fields.get("license") or (found.license if isinstance(found, Metadata) else "")
    if doubt := doubts(str(licence)):
        say(doubt)
    given = {name: value for name, value in fields.items() if value}
    if isinstance(found, bytes):
        if given:
            words = "An Atom entry is sent as it is, so options cannot change it."
            raise UsageError(words, "Change the file, or use codemeta.json.")
        return found
    if found is not None:
        for note in found.notes:
            say(f"Note: {note}.")
        return found.updated(**given)
    return Metadata(**{"name": "", **given}) if given else None


def _brought(paths: Iterable[Path]) -> Metadata | None:
    """What the first of the folders and packages that describes itself says."""
    from client.describing import find_metadata  # noqa: PLC0415  slow import

    for path in paths:
        found = find_metadata(path)
        if found:
            say(f"Metadata from {found[1]} in {path}")
            return found[0]
    return None


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
