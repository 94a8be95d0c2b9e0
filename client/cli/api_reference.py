"""The page ``docs/reference/python.md``: ``python -m client.cli.api_reference > docs/reference/python.md``."""

import dataclasses
import inspect
import re

import client

_HEAD = """# The Python API

`from client import …`, as in [Deposit from scripts](../how-to/deposit-from-scripts.md). It is fully typed, needs no
Django, and works with this project's server and with swh-deposit. What a server or a file did wrong is raised as
`DepositError` or one of its kinds.

This page is written by `python -m client.cli.api_reference`.
"""


def _text(thing: object) -> str:
    """What a docstring says, with Markdown's quotes for code."""
    return re.sub(r"``([^`]+)``", r"`\1`", inspect.getdoc(thing) or "")


def _signature(name: str, function: object) -> str:
    """``name(parameters) -> result``, without ``self``."""
    signature = inspect.signature(function)  # type: ignore[arg-type]
    words = str(signature.replace(parameters=[p for n, p in signature.parameters.items() if n != "self"]))
    return _plain(f"{name}{words}")


def _plain(words: str) -> str:
    """Types without the modules that they come from."""
    words = re.sub(r"<class '([\w.]+)'>", r"\1", words)
    return re.sub(r"\b(?:client\.\w+|collections\.abc|pathlib(?:\._local)?|os)\.(?=[A-Z])", "", words)


def _members(kind: type) -> list[str]:
    """The public methods and properties of a class, in the order of its source."""
    lines = []
    for name, member in vars(kind).items():
        if name.startswith("_") or not inspect.getdoc(member):
            continue
        if isinstance(member, property):
            lines += [f"### `{name}`", "", _text(member), ""]
        elif inspect.isfunction(member) or isinstance(member, classmethod):
            function = member.__func__ if isinstance(member, classmethod) else member
            lines += [f"### `{_signature(name, function)}`", "", _text(function), ""]
    return lines


def page() -> str:
    """The whole page."""
    lines = [_HEAD]
    for name in sorted(client.__all__, key=lambda name: (name != "Depositor", name != "Metadata", name)):
        thing = getattr(client, name)
        if not inspect.isclass(thing):
            lines += [f"## `{_signature(name, thing)}`", "", _text(thing), ""]
            continue
        made = _signature(name, thing).removesuffix(" -> None")
        lines += [f"## `{name}`", "", _text(thing), "", f"    {made}", ""]
        if dataclasses.is_dataclass(thing):
            lines += ["| Field | Type |", "|---|---|"]
            types = [
                (each.name, _plain(str(each.type)).replace("|", "\\|")) for each in dataclasses.fields(thing)
            ]
            lines += [*(f"| `{field}` | `{kind}` |" for field, kind in types), ""]
        lines += _members(thing)
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    print(page(), end="")
