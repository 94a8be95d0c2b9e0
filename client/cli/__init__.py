"""The command ``deposit``. Only what a command needs is imported: ``deposit --help`` answers at once."""

import json
import sys
from importlib import import_module

import click

from client.errors import DepositError, ExitCode
from client.version import __version__

# Command: the module of this package that holds it (as a function of that name, - as _), and its one line.
COMMANDS = {
    "login": ("accounts", "Remember a server and an account."),
    "logout": ("accounts", "Forget a server and its password."),
    "service": ("reading", "Show what the server offers."),
    "upload": ("upload", "Deposit files or folders with their metadata."),
    "check": ("checking", "Check packages and metadata without depositing them."),
    "metadata-only": ("depositing", "Describe something that is archived already."),
    "add": ("changing", "Add a package to a partial deposit."),
    "replace": ("changing", "Replace packages or metadata of a partial deposit."),
    "update": ("changing", "Give an archived deposit new metadata."),
    "confirm": ("changing", "Say that the warnings on a deposit are known."),
    "complete": ("changing", "Say that a partial deposit is complete."),
    "cancel": ("changing", "Delete a partial deposit."),
    "status": ("reading", "Show where a deposit stands."),
    "wait": ("reading", "Wait until a deposit is done, or not."),
    "show": ("reading", "Show all that is known of a deposit."),
    "list": ("reading", "List the deposits."),
    "download": ("reading", "Save what was deposited."),
    "fetch": ("reading", "Save an archived object."),
    "stored": ("reading", "Ask whether a package or an object is stored."),
    "package": ("package", "Make and check transfer packages; get stored ones back."),
    "verify": ("offline", "Compare a file or folder with an identifier; offline."),
    "identify": ("offline", "Compute the identifier that a deposit will get; offline."),
}


class Commands(click.Group):
    """A group that imports a command when it is asked for."""

    def list_commands(self, context: click.Context) -> list[str]:
        """In the order of the table, which is that of use."""
        return list(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """The command, or None."""
        if name not in COMMANDS:
            return None
        module = import_module(f"client.cli.{COMMANDS[name][0]}")
        command: click.Command = getattr(module, name.replace("-", "_") + "_command")
        return command

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """The list in the help, without importing what it lists."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])

    def resolve_command(
        self, context: click.Context, words: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Forgive `stored?`, as people ask it."""
        if words:
            words = [words[0].rstrip("?"), *words[1:]]
        return super().resolve_command(context, words)


@click.command(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": None},
    epilog="Exit codes: 0 well, 2 wrong command line, 3 refused, 4 not allowed, 5 not found, 6 server away, "
    "7 rejected, 8 failed or expired, 9 timed out, 10 differs or not stored, 11 warnings wait for confirmation.",
)
@click.version_option(__version__, prog_name="deposit")
def group() -> None:
    """Deposit packages at a SWORD server, and follow them."""


def main(words: list[str] | None = None) -> int:
    """Run the command (``words``: by default the command line's); the exit code says how it went."""
    given = sys.argv[1:] if words is None else words
    as_json = "--json" in given[: given.index("--")] if "--" in given else "--json" in given
    try:
        result = group.main(words, standalone_mode=False, prog_name="deposit")
    except DepositError as error:
        if as_json:
            return _tell_as_json(
                error.exit_code, error.summary, error.hint, status=error.status, code=error.code
            )
        click.echo(f"deposit: {error.summary}", err=True)
        if error.hint:
            click.echo(f"  {error.hint}", err=True)
        if error.status == 401:
            click.echo(
                "  `deposit login` asks for them and remembers; or set DEPOSIT_USER and DEPOSIT_PASSWORD.",
                err=True,
            )
        return error.exit_code
    except click.ClickException as error:
        if as_json:
            return _tell_as_json(error.exit_code, error.format_message())
        error.show()
        return error.exit_code
    except click.Abort:
        click.echo("\ndeposit: stopped", err=True)
        return 130
    except BrokenPipeError:
        # Whoever read us has seen enough.
        sys.stderr.close()
        return 0
    return result if isinstance(result, int) else ExitCode.OK


def _tell_as_json(exit_code: int, summary: str, hint: str = "", **more: object) -> int:
    """An error where the answer would be, for the program that reads it."""
    told = {"summary": summary, "hint": hint, "exit_code": int(exit_code), **more}
    click.echo(
        json.dumps({"error": {name: value for name, value in told.items() if value}}, ensure_ascii=False)
    )
    return exit_code
