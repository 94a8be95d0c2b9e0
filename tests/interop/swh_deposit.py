"""The command ``swh deposit``, as a person types it."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.interop.service import Service
from tests.interop.swh_commands import Commands


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
