"""OpenSSH's own SFTP server on loopback, for tests; where it is not installed, a test skips and says so."""

import shutil
import socket
import subprocess
import time
from getpass import getuser
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest


class OpenSsh:
    """Start with ``with``. One logs in to ``root`` as ``user`` with ``key_file``; ``known_hosts`` has its key."""

    def __init__(self, root: Path, keys: Path) -> None:
        self._sshd = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:/usr/bin")
        if self._sshd is None or shutil.which("ssh-keygen") is None:
            pytest.skip("OpenSSH's server is not installed (apt install openssh-server)")
        self.root, self.user = root, getuser()
        keys.mkdir(parents=True, exist_ok=True)
        self.key_file, self._host_key = keys / "user", keys / "host"
        for key in (self.key_file, self._host_key):
            subprocess.run(["ssh-keygen", "-q", "-t", "rsa", "-N", "", "-f", key], check=True)
        authorized = keys / "authorized"
        authorized.write_text(self.key_file.with_suffix(".pub").read_text())
        self.port = _free_port()
        self.known_hosts = keys / "known_hosts"
        public = self._host_key.with_suffix(".pub").read_text().rsplit(" ", 1)[0]
        self.known_hosts.write_text(f"[127.0.0.1]:{self.port} {public}\n")
        self._config = keys / "sshd_config"
        self._config.write_text(
            f"ListenAddress 127.0.0.1\nPort {self.port}\nHostKey {self._host_key}\nPidFile none\n"
            f"AuthorizedKeysFile {authorized}\nPasswordAuthentication no\nStrictModes no\nUsePAM no\n"
            f"PermitRootLogin prohibit-password\nSubsystem sftp internal-sftp\nForceCommand internal-sftp -d {root}\n"
        )

    def __enter__(self) -> Self:
        Path("/run/sshd").mkdir(exist_ok=True)  # where it gives up its rights
        self._process = subprocess.Popen(
            [str(self._sshd), "-D", "-e", "-f", self._config], stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return self
            time.sleep(0.05)
        raise RuntimeError("sshd does not listen")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait(10)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
