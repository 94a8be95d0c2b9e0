"""What 1.x keeps, by name: ``python -m tests.support.promises`` adds what is new to ``promises-1.json``.

With ``--check`` it only says whether anything is new, as `make release` asks. The record only grows: a name that stands
there was promised by a release, and a program or a person may rely on it.
"""

import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import click

from client.cli import group

ROOT = Path(__file__).resolve().parents[2]
RECORD = Path(__file__).parent / "promises-1.json"


def promised() -> dict[str, list[str]]:
    """What was promised, by kind."""
    found: dict[str, list[str]] = json.loads(RECORD.read_text())
    return found


def kept() -> dict[str, list[str]]:
    """What there is now, by kind, as the reference and the code tell it."""
    return {
        "API": sorted(_operations()),
        "client commands": sorted(_of_client(group, "deposit")),
        "commands": sorted(_commands()),
        "error codes": sorted(set(re.findall(r"^\| `([a-z0-9_.*-]+)` \|", _page("errors"), re.MULTILINE))),
        "metrics": sorted(_metrics()),
        "settings": sorted(set(re.findall(r"^\| `([A-Z_]+)` \|", _page("settings"), re.MULTILINE))),
        "statuses": sorted(_statuses()),
        "SWORD": sorted(_sword()),
    }


def _page(name: str) -> str:
    return (ROOT / "docs" / "reference" / f"{name}.md").read_text()


def _operations() -> set[str]:
    from drf_spectacular.generators import SchemaGenerator  # noqa: PLC0415  (needs Django)

    generator: Any = SchemaGenerator
    schema: dict[str, Any] = generator().get_schema(request=None, public=True)
    return {f"{method.upper()} {path}" for path, methods in schema["paths"].items() for method in methods}


def _of_client(command: click.Command, name: str) -> set[str]:
    """Each command with its options."""
    found = {name} | {
        f"{name} {one}" for option in command.params for one in option.opts if one.startswith("--")
    }
    if isinstance(command, click.Group):
        context = click.Context(command)
        for word in command.list_commands(context):
            inner = command.get_command(context, word)
            found |= _of_client(inner, f"{name} {word}") if inner else set()
    return found


def _commands() -> set[str]:
    """Each of ours with its subcommands."""
    from django.core.management import get_commands, load_command_class  # noqa: PLC0415  (needs Django)

    ours = {
        n: str(a) for n, a in get_commands().items() if a in {"archive", "deposit", "sources", "dashboard"}
    }
    found = set(ours)
    for name, app in ours.items():
        parser = load_command_class(app, name).create_parser("manage.py", name)
        for action in parser._actions:
            if isinstance(action.choices, dict):
                found |= {f"{name} {word}" for word in action.choices}
    return found


def _metrics() -> set[str]:
    """All that dashboards and alert rules of ours use, which are tried against the service."""
    text = "".join(
        (ROOT / "deploy" / name).read_text()
        for name in ("prometheus/deposit.rules.yml", "grafana/deposit.json")
    )
    return set(re.findall(r"\b(deposit_[a-z_]+)\b", text))


def _statuses() -> set[str]:
    from deposit.models import Status  # noqa: PLC0415  (needs Django)

    return set(Status.values)


def _sword() -> set[str]:
    from settings import urls  # noqa: PLC0415  (needs Django)

    return {path for path in _paths(urls.urlpatterns, "") if path.startswith(("1/", "3/"))}


def _paths(patterns: list[Any], before: str) -> set[str]:
    found = set()
    for one in patterns:
        path = before + str(one.pattern)
        found |= _paths(one.url_patterns, path) if hasattr(one, "url_patterns") else {path}
    return found


def main() -> int:
    """Add what is new; with ``--check`` only tell it, and end with 1."""
    import django  # noqa: PLC0415

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings.for_mypy")
    django.setup()
    before = promised() if RECORD.exists() else {}
    new = {kind: sorted({*names} - {*before.get(kind, [])}) for kind, names in kept().items()}
    if "--check" in sys.argv[1:]:
        sys.stdout.writelines(
            f"Not promised yet: {kind}: {', '.join(names)}\n" for kind, names in new.items() if names
        )
        return int(any(new.values()))
    merged = {kind: sorted({*names, *before.get(kind, [])}) for kind, names in new.items()}
    RECORD.write_text(json.dumps(merged, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
