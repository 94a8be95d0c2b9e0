"""Commands that need no server."""

from pathlib import Path

import click

from client.cli.options import json_option, show
from client.errors import ExitCode, UsageError

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
@click.argument("path", type=PATH)
@EXCLUDE
@ALL
@json_option
def identify_command(path: Path, exclude: tuple[str, ...], everything: bool, as_json: bool) -> None:
    """Compute the identifier of a file or folder, as `deposit upload` would send it."""
    swhid = _identify(path, exclude, everything)
    if as_json:
        show({"path": str(path), "swhid": swhid}, as_json=True)
    else:
        click.echo(swhid)


@click.command("verify")
@click.argument("path", type=PATH)
@click.argument("swhid")
@EXCLUDE
@ALL
@json_option
def verify_command(path: Path, swhid: str, exclude: tuple[str, ...], everything: bool, as_json: bool) -> int:
    """Compare the file or folder PATH with SWHID; exit code 10 when they differ."""
    wanted = swhid.partition(";")[0].strip()
    if not wanted.startswith(("swh:1:cnt:", "swh:1:dir:")) or len(wanted) != 50:
        raise UsageError(
            f"{swhid!r} is no identifier of a file or folder.", "It looks like swh:1:dir:94a9ed02..."
        )
    found = _identify(path, exclude, everything)
    same = found == wanted
    if as_json:
        show({"path": str(path), "swhid": found, "expected": wanted, "same": same}, as_json=True)
    else:
        click.echo(f"{path} is {found}" if same else f"{path} is {found}, not {wanted}")
    return ExitCode.OK if same else ExitCode.DIFFERS
