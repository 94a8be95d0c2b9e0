"""The program of a container: one process of the Procfile, its signals, and its signs of life.

``python -m server.container web`` runs that process and passes signals on; ``python -m server.container healthy`` ends
with 0 as long as the process says that its main loop turns, which every process of ours says to systemd's watchdog
(``server.watchdog``). Here this program listens in systemd's place, and notes the time in a file.

Imports nothing but the standard library and reads nothing of the service's: it must work when nothing else does.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

APPLICATION = Path(__file__).resolve().parent.parent
# How long a process may be silent, in seconds, as in the units of systemd.
SILENCE = {"web": 60, "dispatcher": 60, "scheduler": 60, "watch": 60}
SILENCE_OF_WORKERS = 300
# What a start may take before the first sign of life: a database that is away is waited for, and told by /readyz.
START_SECONDS = 120


def folder() -> Path:
    """Where the signs of life are noted: a place in memory, as the root of the container is read-only."""
    return Path(os.environ.get("CONTAINER_STATE", "/tmp"))  # noqa: S108


def commands() -> dict[str, str]:
    """The processes of the Procfile and their command lines."""
    lines = (APPLICATION / "Procfile").read_text().splitlines()
    return {name: command.strip() for name, _, command in (line.partition(":") for line in lines) if command}


def main(words: list[str]) -> int:
    """Run what is asked for; its exit code, or 2 with the processes there are."""
    name, *more = words or [""]
    if name == "healthy":
        return healthy()
    if name == "manage":
        os.execv(sys.executable, [sys.executable, str(APPLICATION / "manage.py"), *more])  # noqa: S606
    known = commands()
    if name not in known:
        sys.stderr.write(f"Say which process: {', '.join(known)}; or manage COMMAND, or healthy.\n")
        return 2
    return run(name, known[name])


def run(name: str, command: str) -> int:
    """Run one process until it ends, noting its signs of life; its exit code as a shell has it."""
    silence = SILENCE.get(name, SILENCE_OF_WORKERS)
    with contextlib.closing(_listen()) as notices:
        environment = os.environ | {
            "NOTIFY_SOCKET": notices.getsockname(),
            "WATCHDOG_USEC": str(silence * 1_000_000),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        }
        _note(silence, START_SECONDS)
        child = subprocess.Popen(["/bin/sh", "-c", f"exec {command}"], cwd=APPLICATION, env=environment)

        def pass_on(number: int, frame: FrameType | None) -> None:
            child.send_signal(number)

        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
            signal.signal(number, pass_on)
        while child.poll() is None:
            with contextlib.suppress(TimeoutError):
                if b"WATCHDOG=1" in notices.recv(4096):
                    _note(silence)
        code = child.returncode
    return code if code >= 0 else 128 - code


def healthy() -> int:
    """0 while the process has been heard in time, else 1 with a sentence."""
    try:
        due = float((folder() / "deposit-alive").read_text())
    except (OSError, ValueError) as error:
        sys.stderr.write(f"No sign of life is noted: {error}\n")
        return 1
    late = time.time() - due
    if late > 0:
        sys.stderr.write(f"The process is {late:.0f} s late with its sign of life.\n")
    return int(late > 0)


def _listen() -> socket.socket:
    path = folder() / "deposit-notices"
    path.unlink(missing_ok=True)
    notices = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    notices.bind(str(path))
    notices.settimeout(0.5)
    return notices


def _note(silence: int, more: int = 0) -> None:
    """Note until when the next sign of life is to come; whole or not at all, for whoever reads meanwhile."""
    half = folder() / "deposit-alive.new"
    half.write_text(f"{time.time() + silence + more:.3f}\n")
    half.replace(folder() / "deposit-alive")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
