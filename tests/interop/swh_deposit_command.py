"""Runs inside the environment of swh-deposit: its command, in a fresh process each time, without loading it each time.

Each line of standard input is a JSON list: the words after ``swh``. The answer is a line with
``code``, ``out``, ``err``.
"""

import json
import os
import sys
import tempfile
import traceback
from importlib.metadata import entry_points

import swh.deposit.client  # noqa: F401
from swh.core.cli import main

# What `main` looks up again in each of the processes.
for entry_point in entry_points(group="swh.cli.subcommands"):
    entry_point.load()


def run(words: list[str], out: int, err: int) -> None:
    """What the script ``swh`` does, with its output in these files; the process ends."""
    code = 1
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


for line in sys.stdin:
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = os.fork()
        if child == 0:
            run(json.loads(line), out.fileno(), err.fileno())
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        told = []
        for file in (out, err):
            file.seek(0)
            told.append(file.read().decode())
    print(json.dumps({"code": code, "out": told[0], "err": told[1]}), flush=True)  # noqa: T201
