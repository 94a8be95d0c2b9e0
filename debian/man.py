"""Write deposit(1) from what the commands say of themselves."""

import click

from client.cli import group
from client.cli.reference import every_command


def roff(text: str) -> str:
    """Text that roff takes as it is."""
    return text.replace("\\", "\\e").replace("-", "\\-").replace("\n.", "\n\\&.").replace("'", "\\(aq")


def options(command: click.Command) -> list[str]:
    """The options of a command as tagged paragraphs."""
    lines = []
    for parameter in command.params:
        if isinstance(parameter, click.Option) and (
            record := parameter.get_help_record(click.Context(command))
        ):
            lines += [".TP", f"\\fB{roff(record[0])}\\fR", roff(record[1]) or "\\&"]
    return lines


def main() -> None:
    """Print the page."""
    lines = [
        '.TH DEPOSIT 1 "" "deposit-client" "User Commands"',
        ".SH NAME",
        "deposit \\- deposit packages at a SWORD server, and follow them",
        ".SH SYNOPSIS",
        ".B deposit",
        "\\fICOMMAND\\fR [\\fIOPTIONS\\fR] [\\fIARGUMENTS\\fR]",
        ".SH COMMANDS",
    ]
    for name, command in every_command():
        usage = " ".join(command.collect_usage_pieces(click.Context(command)))
        lines += [f".SS deposit {roff(name)} {roff(usage)}", roff(command.help or ""), *options(command)]
    lines += [
        ".SH EXIT STATUS",
        roff(group.epilog or ""),
        ".SH ENVIRONMENT",
        "DEPOSIT_BASE_URL, DEPOSIT_USER, DEPOSIT_PASSWORD, DEPOSIT_TOKEN, DEPOSIT_COLLECTION, DEPOSIT_SERVER:",
        "which server and account, before the configuration file.",
        ".SH FILES",
        ".I ~/.config/deposit/config.toml",
        "written by",
        '.BR "deposit login" .',
    ]
    print("\n".join(lines))  # noqa: T201


main()
