"""The command ``swh deposit``, as a person types it."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.interop.service import Service

HERE = Path(__file__).resolve().parent


class Commands:
    """The program, loaded once; each command is a process of its own all the same (``swh_deposit_command.py``)."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def run(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """Run ``swh`` with these words."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(words) + "\n")
        self._process.stdin.flush()
        told = json.loads(self._process.stdout.readline())
        return subprocess.CompletedProcess(words, told["code"], told["out"], told["err"])


@contextmanager
def commands(programs: Path) -> Iterator[Commands]:
    """The commands of the environment in this folder."""
    process = subprocess.Popen(
        [programs / "python", HERE / "swh_deposit_command.py"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield Commands(process)
        finally:
            process.kill()


@dataclass(frozen=True)
class SwhDeposit:
    """Runs the command against a server."""

    commands: Commands
    service: Service

    def run(
        self, command: str, *options: str | Path, password: str | None = None
    ) -> "subprocess.CompletedProcess[str]":
        """Run it whatever its exit code."""
        who = ["--url", self.service.base_url, "--username", self.service.user]
        words = [command, *who, "--password", password or self.service.password, *map(str, options)]
        return self.commands.run("deposit", *words)

    def json(self, command: str, *options: str | Path) -> dict[str, Any]:
        """Run it with ``--format json``; it must succeed."""
        done = self.run(command, "--format", "json", *options)
        assert done.returncode == 0, done.stderr
        document: dict[str, Any] = json.loads(done.stdout)
        return document
