"""An examiner that tells what its process may do, for `test_privileges`."""

import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from packages.limits import Limits
from packages.members import Member


class LookingAround:
    """Tells the reader's capabilities and network interfaces, and what it may do to others and their files."""

    def __init__(self, arguments: dict[str, Any]) -> None:
        self._port = int(arguments["port"])
        self._secret = str(arguments["secret"])
        self._other = int(arguments["other"])

    def see(self, member: Member) -> None:
        """Members do not matter."""

    def finish(self, path: Path, limits: Limits) -> dict[str, Any]:
        """What the kernel says."""
        status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
        interfaces = [
            line.split(":")[0].strip() for line in Path("/proc/net/dev").read_text().splitlines()[2:]
        ]
        return {
            "capabilities": [int(status[name], 16) for name in ("CapEff", "CapPrm", "CapInh", "CapBnd")],
            "interfaces": interfaces,
            "connects": self._connects(),
            "reads": self._may(lambda: Path(self._secret).read_text()),
            "lists": self._may(lambda: list(Path(self._secret).parent.iterdir())),
            "makes": self._may(lambda: Path(self._secret).with_name("made").touch()),
            "removes": self._may(Path(self._secret).unlink),
            "signals": self._may(lambda: os.kill(self._other, 0)),
        }

    def _may(self, do: Callable[[], object]) -> bool:
        try:
            do()
        except OSError:
            return False
        return True

    def _connects(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self._port), timeout=5).close()
        except OSError:
            return False
        return True
