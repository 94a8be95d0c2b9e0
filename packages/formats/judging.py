"""Judging files in a process of its own, with bounds on memory and time: pictures are decoded there, and nowhere else.

``python -m packages.formats.judging`` reads lines of JSON, ``{"file": …, "name": …}``, and answers each with one:
``{}`` for a file that can be preserved, else ``{"reason": …, "detail": …, "code": …}``.
"""

import json
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from packages.formats.preservable import NotPreservable, judge

# A picture of 120 million pixels takes a third of it. In bytes.
MEMORY = 4 * 1024**3
SECONDS = 3600
_DIED = "The file could not be examined: it takes more memory or time than it may."

Judge = Callable[[Path, str], NotPreservable | None]


class JudgeDied(Exception):
    """The process ended without an answer about a file."""


@contextmanager
def judging() -> Iterator[Judge]:
    """A function that judges a file by its content and its name in the package; it raises JudgeDied."""
    process = subprocess.Popen(
        [sys.executable, "-m", "packages.formats.judging"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=Path(__file__).resolve().parents[2],
        env={},
    )
    assert process.stdin is not None
    assert process.stdout is not None
    questions, answers = process.stdin, process.stdout

    def ask(file: Path, name: str) -> NotPreservable | None:
        try:
            questions.write(json.dumps({"file": str(file), "name": name}) + "\n")
            questions.flush()
            line = answers.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise JudgeDied(_DIED)
        told = json.loads(line)
        return NotPreservable(told["reason"], told["detail"], told["code"]) if told else None

    try:
        yield ask
    finally:
        process.kill()
        process.communicate()


def _answer(question: dict[str, str]) -> dict[str, str]:
    try:
        judge(Path(question["file"]), question["name"])
    except NotPreservable as refused:
        return {"reason": refused.reason, "detail": refused.detail, "code": refused.code}
    return {}


def _serve() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for line in sys.stdin:
        sys.stdout.write(json.dumps(_answer(json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _serve()
