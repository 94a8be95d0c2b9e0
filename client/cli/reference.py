"""The page ``docs/reference/client.md``: ``python -m client.cli.reference > docs/reference/client.md``."""

from collections.abc import Iterator

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
}

_HEAD = """# The command `deposit`

`pip install ./client` (extras `cff` and `keyring`), or the Debian package `deposit-client`. Works with this
project's server and with swh-deposit. Every command takes `--help`; those that answer take `--json`.

Shell completion: `eval "$(_DEPOSIT_COMPLETE=bash_source deposit)"`, and the same with `zsh_source` or `fish_source`.

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
    lines = [f"### `deposit {name} {usage}`", "", (command.help or "").strip(), ""]
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
