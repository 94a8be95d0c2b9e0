"""What of the paths of a command line is packed, what is sent as it is, and what is left out."""

import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from client.cli.options import say
from client.errors import UsageError

if TYPE_CHECKING:
    from client.git import Commit
    from client.packing import Plan

# So many names of what is left out are told; the rest is counted.
_TOLD = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """What the options of a command say about packing."""

    exclude: tuple[str, ...] = ()
    everything: bool = False
    gitignore: bool = False
    ref: str = ""


def packing_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options that say what is packed; the command gets a ``choice`` in their place."""

    @functools.wraps(command)
    def wrapped(
        *, exclude: tuple[str, ...], everything: bool, gitignore: bool, ref: str, **options: Any
    ) -> Any:
        choice = Choice(exclude=exclude, everything=everything, gitignore=gitignore, ref=ref)
        return command(choice=choice, **options)

    made: Callable[..., Any] = wrapped
    for option in reversed(_OPTIONS):
        made = option(made)
    return made


_OPTIONS = [
    click.option("--exclude", multiple=True, metavar="NAME", help="Leave files of this name out of folders."),
    click.option("--all", "everything", is_flag=True, help="Leave nothing out: .git, caches, .DS_Store."),
    click.option("--gitignore", is_flag=True, help="Leave out what the .gitignore files name; needs git."),
    click.option(
        "--git",
        "ref",
        default="",
        metavar="REF",
        help="Pack exactly this commit of the repository PATH (here by default), such as HEAD or v1.0.",
    ),
]


@dataclass(frozen=True, kw_only=True, slots=True)
class Prepared:
    """What is sent for some paths. ``how``: in words, for people, of each file that is sent.

    ``plans`` are of what is packed, None for what is sent as it is; ``commit`` where one was packed.
    """

    files: tuple[Path, ...]
    how: tuple[str, ...]
    plans: "tuple[Plan | None, ...]"
    commit: "Commit | None" = None


@contextmanager
def prepared(paths: Sequence[Path], choice: Choice, *, silent: bool = False) -> "Iterator[Prepared]":
    """The files to send: packages as they are, folders packed, all other files in one package. It is told on the way.

    Raises `UsageError` for archives that no server takes, and for what cannot be packed.
    """
    with ExitStack() as stack:
        if choice.ref:
            yield _of_commit(paths, choice, stack)
            return
        ready: list[tuple[Path, str, Plan | None]] = []
        for path, plan in planned(paths, choice):
            if plan is None:
                ready.append((path, f"{path.name} is sent as it is", None))
                continue
            from client.packing import made  # noqa: PLC0415

            how = _how(path, plan)
            if not silent:
                for line in (how, *left_out(plan)):
                    say(line)
            ready.append((stack.enter_context(made(plan)), how, plan))
        files, how_all, plans = zip(*ready, strict=True)
        yield Prepared(files=files, how=how_all, plans=plans)


def planned(paths: Sequence[Path], choice: Choice) -> "list[tuple[Path, Plan | None]]":
    """What becomes of each path; the plan of what is packed, None for what is a package already."""
    from client.packing import plan_of_files  # noqa: PLC0415
    from client.recognition import Form, look_at, refuse_foreign  # noqa: PLC0415

    ready: list[tuple[Path, Plan | None]] = []
    loose: list[Path] = []
    for path in paths or ():
        if path.is_dir():
            ready.append((path, _plan(path, choice)))
            continue
        found = look_at(path)
        refuse_foreign(path, found)
        if len(paths) == 1 and not path.stat().st_size:
            raise UsageError(f"{path} is empty.")
        if found.form is Form.PACKAGE:
            ready.append((path, None))
        else:
            loose.append(path)
    if loose:
        ready.append((loose[0] if len(loose) == 1 else Path(f"{len(loose)} files"), plan_of_files(loose)))
    if not ready:
        raise UsageError(
            "Nothing was named to deposit.", "Name packages, folders or files, or a commit with --git."
        )
    return ready


def _plan(folder: Path, choice: Choice) -> "Plan":
    from client.packing import LEFT_OUT, plan_of  # noqa: PLC0415

    exclude = (*(() if choice.everything else LEFT_OUT), *choice.exclude)
    if not choice.gitignore:
        return plan_of(folder, exclude=exclude)
    from client.git import ignored_in  # noqa: PLC0415

    return plan_of(folder, exclude=exclude, ignored=ignored_in(folder))


def _how(path: Path, plan: "Plan") -> str:
    return f"{path} {'are' if path.name.endswith(' files') else 'is'} packed: {plan}, as {plan.name}"


def left_out(plan: "Plan") -> list[str]:
    """Lines that name what a package does not get, for people."""
    lines = [f"  left out: {name} ({reason})" for name, reason in plan.left_out[:_TOLD]]
    more = len(plan.left_out) - _TOLD
    return [*lines, f"  left out: {more} more"] if more > 0 else lines


def _of_commit(paths: Sequence[Path], choice: Choice, stack: ExitStack) -> Prepared:
    from client.git import commit_of, packed_commit  # noqa: PLC0415

    if len(paths) > 1 or (paths and not paths[0].is_dir()):
        raise UsageError("--git packs one repository.", "Name its folder, or none for the present one.")
    commit = commit_of(paths[0] if paths else Path(), choice.ref)
    file = stack.enter_context(packed_commit(commit))
    how = f"Commit {commit.commit[:12]} is packed, {commit.swhid}"
    say(how + (f", from {commit.origin}" if commit.origin else ", from a repository without a web address"))
    return Prepared(files=(file,), how=(how,), plans=(None,), commit=commit)
