"""The page ``docs/reference/client.md``: ``python -m client.cli.reference > docs/reference/client.md``."""

from collections.abc import Iterator
from inspect import cleandoc

import click

from client.cli import COMMANDS, group
from client.configuration import VARIABLES
from client.errors import ExitCode

_EXITS = {
    ExitCode.OK: "It went well; a deposit that was waited for is done.",
    ExitCode.FAULT: "A fault of the program itself.",
    ExitCode.USAGE: "The command line, or what was asked for, makes no sense. Nothing was sent.",
    ExitCode.REFUSED: "The server refuses the request, and says why.",
    ExitCode.UNAUTHORIZED: "Name, password or token are wrong, or the account may not do this.",
    ExitCode.NOT_FOUND: "There is no such deposit or collection, or it is somebody else's.",
    ExitCode.UNAVAILABLE: "The server is away or not well. The same command may work later.",
    ExitCode.REJECTED: "The deposit was rejected; the detail says what to mend.",
    ExitCode.FAILED: "The deposit failed for a reason of the server's, or expired.",
    ExitCode.TIMED_OUT: "The deposit goes on, but not within the time that was given.",
    ExitCode.DIFFERS: "The contents differ, or are not stored.",
    ExitCode.UNCONFIRMED: "The deposit has warnings, and waits until you confirm them.",
}

_HEAD = """# The command `deposit`

`pip install ./client` (extras `cff` and `keyring`), or the Debian package `deposit-client`. Works with this
project's server and with swh-deposit. Every command takes `--help`; those that answer take `--json`.

Shell completion: `eval "$(_DEPOSIT_COMPLETE=bash_source deposit)"`, and the same with `zsh_source` or `fish_source`.
It knows commands, options, servers, statuses, and the collections that you had when you logged in.

## What is sent

The bytes decide what a file is, as on the server; its name is of no account. A zip or tar archive, compressed or not,
is sent as it is, be it called `x.crate`, `x.tar.gz.1`, `x.gem`, `x.whl` or `x.jar`. Archives that no server takes
(7-Zip, RAR, `.deb`, `.tar.Z` and others) are refused by their name before anything is sent. An archive is never
packed into another. A folder is packed without a level of its own; all other files are packed together into one
package. What is packed and what is left out is said first, and `--dry-run` says no more than that.

Left out of folders are those of version control (`.git`, `.hg`, `.svn`, `.bzr`, `_darcs`, `CVS`, `.jj`), caches
(`__pycache__`, `.mypy_cache`, `.pytest_cache`, `.ruff_cache`, `.tox`, `.nox`) and files of the system (`.DS_Store`,
`Thumbs.db`, `desktop.ini`, `__MACOSX`); `--all` leaves nothing out, `--exclude NAME` more, and `--gitignore` what
`.gitignore` files name (git itself decides). `--git REF` packs exactly a commit, whatever the working tree holds and
`.gitattributes` say: the identifier of the directory is that of git's tree. The address of the remote `origin`, the
commit and its tag go into the metadata, unless these say otherwise. A submodule cannot be packed so, and is refused
by its name.

## Before it is permanent

`deposit check PATH…` has the server run its checks, of packages up to its `CHECK_MAX_SIZE`, and keeps nothing; of
larger ones, and with `--offline`, it tells what can be told here. On a terminal, `deposit upload` waits for the
checks, shows what they warn of, and asks; with `--yes`, and where nobody looks on, it does not. A collection may
demand the answer: then the deposit waits (exit code 11) for `deposit confirm ID`. `deposit identify` computes the
identifier that a deposit will get: with an origin and, by `--deposit`, its number, whole, as the server will tell it
in the end. (The anchor is a release that names the number; date and version must be in the metadata, or the server
puts in its own. The snapshot is told for new origins.)

## Answers

With `--json` an answer is one JSON document on standard output (of `list`, one a line), and so is an error:
`{"error": {"summary": …, "hint": …, "exit_code": …}}`. Every answer on a deposit has the address of its page. `-q`
says nothing but the number of the deposit, and errors. What is told on the way goes to standard error.

This page is written by `python -m client.cli.reference`.
"""


def page() -> str:
    """The whole page."""
    lines = [_HEAD, "## Environment", "", "| Variable | Says |", "|---|---|"]
    lines += [f"| `{variable}` | {name} |" for name, variable in VARIABLES.items()]
    lines += ["| `DEPOSIT_SERVER` | which server of the configuration file |"]
    lines += ["| `DEPOSIT_CONFIG` | the configuration file; `~/.config/deposit/config.toml` by default |"]
    lines += [
        "| `DEPOSIT_GIVE_UP_AFTER` | how many seconds to try again when the server is away or full |",
        "",
    ]
    lines += ["## Exit codes", "", "| Code | Meaning |", "|---|---|"]
    lines += [f"| {code.value} | {_EXITS[code]} |" for code in ExitCode]
    lines += ["", "## Commands", ""]
    for name, command in every_command():
        lines += _command(name, command)
    return "\n".join(lines).rstrip() + "\n"


def every_command() -> Iterator[tuple[str, click.Command]]:
    """Every command by its words, those of a group after the group."""
    for name in COMMANDS:
        command = group.get_command(click.Context(group), name)
        assert command is not None
        yield name, command
        if isinstance(command, click.Group):
            yield from ((f"{name} {inner}", command.commands[inner]) for inner in command.commands)


def _command(name: str, command: click.Command) -> list[str]:
    context = click.Context(command)
    usage = " ".join(piece for piece in command.collect_usage_pieces(context))
    lines = [f"### `deposit {name} {usage}`", "", cleandoc(command.help or ""), ""]
    records = [
        record
        for parameter in command.params
        if isinstance(parameter, click.Option) and (record := parameter.get_help_record(context))
    ]
    if records:
        lines += ["| Option | Meaning |", "|---|---|"]
        lines += [f"| `{names.replace('|', chr(92) + '|')}` | {text} |" for names, text in records]
        lines.append("")
    return lines


if __name__ == "__main__":
    click.echo(page(), nl=False)
