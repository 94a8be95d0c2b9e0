"""``python3 -m embedded <command>``: sets up what the command needs, then becomes the command.

Runs under whatever ``python3`` is, before anything is installed: only the standard library, and only syntax
that an old Python can read.
"""

import os
import sys
from typing import NoReturn

from embedded.setup import REPOSITORY, VENV, SetupError, set_up
from embedded.tools import say_what_is_missing

USAGE = """usage: python3 -m embedded COMMAND

  run      start everything in this terminal (PORT and DATA_DIR move it elsewhere)
  test     run the tests; further words go to pytest
  newest   run a part of the tests on the newest Python of this machine
  lint     check style, types, the direction of imports, forgotten migrations
  format   put the code into its style
  bench    run the benchmarks one after the other
  audit    ask whether anything is known against the dependencies (needs the Internet)
  release  build everything twice, compare, set the tag (--dry-run: without the tag)
  sbom     write the dependencies down as CycloneDX, to .cache/sbom.cdx.json
  setup    only make the virtual environment, with the tools of development
"""

COMMANDS = {
    "run": ("requirements-embedded.txt", ["-m", "embedded.run"]),
    "test": ("requirements-dev.txt", ["-m", "pytest", "-n", "auto", "--dist", "loadfile"]),
    "newest": ("requirements-dev.txt", ["-m", "embedded.newest"]),
    "lint": ("requirements-dev.txt", ["-m", "embedded.lint"]),
    "format": ("requirements-dev.txt", ["-m", "ruff", "format"]),
    "bench": ("requirements-dev.txt", ["-m", "embedded.bench"]),
    "audit": ("requirements-dev.txt", ["-m", "embedded.supply", "audit"]),
    "release": ("requirements-dev.txt", ["-m", "embedded.release"]),
    "sbom": ("requirements-dev.txt", ["-m", "embedded.supply", "sbom"]),
    "setup": ("requirements-dev.txt", ["-c", ""]),
}


def main(words: "list[str]") -> NoReturn:
    """Set up, then replace this process: signals and exit codes are the command's own."""
    if not words or words[0] not in COMMANDS:
        print(USAGE, file=sys.stderr)
        sys.exit(2)
    requirements, arguments = COMMANDS[words[0]]
    try:
        set_up(requirements)
    except SetupError as error:
        print(f"\n{error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    if words[0] == "test":
        say_what_is_missing()
    python = str(VENV / "bin" / "python")
    os.chdir(str(REPOSITORY))
    # Dozens of processes are started; each would compile everything again.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.execv(python, [python, *arguments, *words[1:]])  # noqa: S606


main(sys.argv[1:])
