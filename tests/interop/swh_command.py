"""Runs inside an environment of Software Heritage: its command ``swh``, without loading it each time.

Usage: ``python swh_command.py MODULE...`` loads these once. Each line of standard input is a JSON object: ``words``,
those after ``swh``, run in a fresh process; the answer is a line with ``code``, ``out``, ``err``. With ``log`` and
``config``, paths of files, it is a server, which goes on; the answer is its ``pid``. Servers die with this process, and
it with its input.
"""

import ctypes
import importlib
import json
import os
import signal
import sys
import tempfile
import traceback
from contextlib import suppress
from importlib.metadata import entry_points
from pathlib import Path

from swh.core.cli import main

for name in sys.argv[1:]:
    importlib.import_module(name)
# What `main` looks up again in each of the processes.
for entry_point in entry_points(group="swh.cli.subcommands"):
    entry_point.load()
_libc = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1


def run(words: list[str], out: int, err: int) -> None:
    """What the script ``swh`` does, with its output in these files; the process ends."""
    code = 1
    # Not even a worker that is killed leaves a server behind.
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    with Path(os.devnull).open("rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(out, 1)
    os.dup2(err, 2)
    sys.argv = ["swh", *words]
    try:
        main()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:  # noqa: BLE001  as the interpreter ends with one
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def forked(words: list[str], out: int, err: int) -> int:
    """That in a child, whose number is returned."""
    child = os.fork()
    if child == 0:
        run(words, out, err)
    return child


def bury() -> None:
    """Wait for servers that have ended."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def serve(words: list[str], config: str, log: str) -> dict[str, int]:
    """Begin a server."""
    os.environ["SWH_CONFIG_FILENAME"] = config
    with Path(log).open("ab") as file:
        return {"pid": forked(words, file.fileno(), file.fileno())}


def finish(words: list[str]) -> dict[str, int | str]:
    """Run a command to its end."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = forked(words, out.fileno(), err.fileno())
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        told = []
        for file in (out, err):
            file.seek(0)
            told.append(file.read().decode())
    return {"code": code, "out": told[0], "err": told[1]}


for line in sys.stdin:
    bury()
    asked = json.loads(line)
    answer = serve(**asked) if "log" in asked else finish(**asked)
    print(json.dumps(answer), flush=True)  # noqa: T201
