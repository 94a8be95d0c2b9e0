"""Commands that need no server."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from client.cli.depositing import described, metadata_options
from client.cli.options import json_option, say, show
from client.cli.packing import Choice, packing_options, planned
from client.configuration import account
from client.errors import DepositError, ExitCode, UsageError
from client.metadata import Metadata

if TYPE_CHECKING:
    from client.identity import Release

PATH = click.Path(exists=True, path_type=Path)


def _identify(path: Path, exclude: tuple[str, ...], everything: bool) -> str:
    from client.packing import LEFT_OUT  # noqa: PLC0415
    from client.swhid import swhid_of  # noqa: PLC0415

    try:
        return swhid_of(path, exclude=(*(() if everything else LEFT_OUT), *exclude))
    except (OSError, ValueError) as error:
        raise UsageError(str(error)) from error


EXCLUDE = click.option("--exclude", multiple=True, metavar="NAME", help="Leave files of this name out.")
ALL = click.option("--all", "everything", is_flag=True, help="Do not leave out .git and the like.")


@click.command("identify")
@click.argument("path", type=PATH, default=Path())
@packing_options
@click.option("--file", "as_file", is_flag=True, help="Of a package the file itself, not what it holds.")
@metadata_options
@click.option(
    "--deposit", "deposit_id", type=int, default=None, help="The number of the deposit: the anchor."
)
@click.option(
    "--release-author",
    default="",
    metavar="'NAME <ADDRESS>'",
    help="Who signs the server's releases; as logged in, or Software Heritage's.",
)
@click.option("-u", "--username", default="", metavar="NAME", help="Who deposits; as logged in by default.")
@click.option("-c", "--collection", default="", metavar="NAME", help="Where; as logged in by default.")
@json_option
def identify_command(
    path: Path,
    choice: Choice,
    as_file: bool,
    metadata: Path | None,
    fields: dict[str, Any],
    deposit_id: int | None,
    release_author: str,
    username: str,
    collection: str,
    as_json: bool,
) -> None:
    """Compute the identifier of PATH, as `deposit upload` would send it: of a package, that of what it holds.

    With an origin (--create-origin or --add-to-origin) the identifier is qualified. The anchor is the release, which
    names the number of the deposit: open one with `upload --partial`, and give its number with --deposit.
    """
    directory = _directory(path, choice, as_file=as_file)
    document = described(metadata, fields)
    origin = (document.create_origin or document.add_to_origin) if isinstance(document, Metadata) else ""
    release = None
    if deposit_id is not None:
        release = _release(document, deposit_id, username, collection, release_author)
    elif origin:
        say("The anchor is not known before the deposit has a number: --deposit N.")
    from client.identity import qualified  # noqa: PLC0415

    is_new = isinstance(document, Metadata) and bool(document.create_origin)
    whole = qualified(directory, origin=origin, release=release, is_new=is_new)
    if as_json:
        show({"path": str(path), "swhid": directory, "qualified": whole}, as_json=True)
    else:
        click.echo(whole)


def _directory(path: Path, choice: Choice, *, as_file: bool) -> str:
    """What is computed: of a commit its tree, of a package what it holds, else the file or folder itself."""
    from client.trees import is_package, members_of, tree_of, tree_of_plan  # noqa: PLC0415

    if choice.ref:
        from client.git import commit_of  # noqa: PLC0415

        return commit_of(path, choice.ref).swhid
    if path.is_dir():
        [(_, plan)] = planned([path], choice)
        assert plan is not None
        return tree_of_plan(plan).swhid()
    if not as_file and is_package(path):
        return tree_of(members_of(path)).swhid()
    return _identify(path, choice.exclude, choice.everything)


def _release(
    document: Metadata | bytes | None, deposit_id: int, username: str, collection: str, author: str
) -> "Release":
    from client.identity import AUTHOR, Release, release_date  # noqa: PLC0415

    if not isinstance(document, Metadata):
        raise UsageError(
            "The anchor needs the metadata.", "Give --metadata codemeta.json, or the options of upload."
        )
    date = release_date(document)
    if date is None or not document.version:
        raise UsageError(
            "The anchor is not known beforehand: the metadata name no "
            + ("date" if date is None else "version")
            + ", so the server puts in its own.",
            "Give --date-created and --version, there and here.",
        )
    try:
        known = account(username=username, collection=collection)
        username, collection = known.username, known.collection or known.collections.partition(",")[0]
        author = author or known.release_author
    except DepositError:
        pass
    if not (username and collection):
        raise UsageError("The anchor names who deposits where.", "Give --username and --collection.")
    return Release(
        deposit_id=deposit_id,
        client=username,
        collection=collection,
        version=document.version,
        date=date,
        notes=document.release_notes,
        author=author or AUTHOR,
    )


@click.command("verify")
@click.argument("path", type=PATH)
@click.argument("swhid")
@EXCLUDE
@ALL
@json_option
def verify_command(path: Path, swhid: str, exclude: tuple[str, ...], everything: bool, as_json: bool) -> int:
    """Compare the file or folder PATH with SWHID; of a package, what it holds. Exit code 10 when they differ."""
    wanted = swhid.partition(";")[0].strip()
    if not wanted.startswith(("swh:1:cnt:", "swh:1:dir:")) or len(wanted) != 50:
        raise UsageError(
            f"{swhid!r} is no identifier of a file or folder.", "It looks like swh:1:dir:94a9ed02..."
        )
    choice = Choice(exclude=exclude, everything=everything)
    found = _directory(path, choice, as_file=wanted.startswith("swh:1:cnt:"))
    same = found == wanted
    if as_json:
        show({"path": str(path), "swhid": found, "expected": wanted, "same": same}, as_json=True)
    else:
        click.echo(f"{path} is {found}" if same else f"{path} is {found}, not {wanted}")
    return ExitCode.OK if same else ExitCode.DIFFERS
