"""The account that the embedded PostgreSQL runs under: ours, or an unprivileged uid when we are root.

PostgreSQL refuses to run as root. Then it runs under the uid and gid that every system keeps for nobody;
no account is made and no folder that is not ours is opened to it.
"""

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

NOBODY = 65534


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """``uid`` and ``gid`` to switch to, or None to stay who we are."""

    uid: int | None = None
    gid: int | None = None

    @classmethod
    def for_database(cls) -> "Account":
        """The account a database server may run under on this machine."""
        return cls(uid=NOBODY, gid=NOBODY) if os.geteuid() == 0 else cls()

    def start(self, command: Sequence[str | Path], *, output: IO[bytes]) -> subprocess.Popen[bytes]:
        """Start a server: its own session (so that Ctrl-C is ours to handle), its output to a file."""
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd="/",
            user=self.uid,
            group=self.gid,
            extra_groups=None if self.uid is None else [],
            start_new_session=True,
            env=_environment(),
        )

    def run(self, command: Sequence[str | Path]) -> subprocess.CompletedProcess[str]:
        """Run a program to its end; standard error is part of its output."""
        return subprocess.run(
            command,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            cwd="/",
            user=self.uid,
            group=self.gid,
            extra_groups=None if self.uid is None else [],
            # A Ctrl-C in the terminal must not end `pg_ctl stop` half way.
            start_new_session=True,
            env=_environment(),
        )

    def can_write(self, folder: Path) -> bool:
        """Whether the account reaches this folder and may create files in it: asked, not guessed."""
        test = ["/bin/sh", "-c", 'cd "$1" && test -w . && test -x .', "sh", str(folder)]
        return self.run(test).returncode == 0

    def give(self, path: Path) -> None:
        """Make the account the owner of a file or folder of ours."""
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)


def _environment() -> dict[str, str]:
    """A small, fixed environment: the PGHOST or PGOPTIONS of the user's shell must not lead us elsewhere."""
    kept = {name: os.environ[name] for name in ("PATH", "TMPDIR", "LD_LIBRARY_PATH") if name in os.environ}
    return {**kept, "LC_ALL": "C", "PGCONNECT_TIMEOUT": "5"}
