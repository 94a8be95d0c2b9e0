"""``manage.py audit``: who did what, as JSON lines."""

from argparse import ArgumentParser
from collections.abc import Callable
from datetime import UTC, datetime

from deposit import audit
from deposit.actors import Channel, system_actor
from deposit.management.actions import ActionsCommand


def _time(text: str) -> datetime:
    when = datetime.fromisoformat(text)
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def _export(parser: ArgumentParser) -> Callable[..., None]:
    parser.add_argument("--since", type=_time, help="ISO 8601; UTC unless it says otherwise")
    parser.add_argument("--until", type=_time, help="the first moment that is left out")

    def run(since: datetime | None, until: datetime | None) -> None:
        for line in audit.lines(actor=system_actor(Channel.COMMAND), since=since, until=until):
            print(line, end="")

    return run


class Command(ActionsCommand):
    """Export the audit."""

    help = "The audit: who did what, when, from where, through which channel."
    verbs = {"export": ("write it to standard output, one JSON object per line, oldest first", _export)}
