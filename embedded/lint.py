"""``make lint``: style, types, the direction of imports, forgotten migrations. All are run; any can fail it."""

import os
import subprocess
import sys
from pathlib import Path

BIN = Path(sys.executable).parent

# Nothing here touches the database; the settings only have to be readable.
ENVIRONMENT = {
    "SECRET_KEY": "no secret, for nothing is signed here",
    "DATABASE_URL": "postgres:///unused",
    "DEPOSIT_EMBEDDED": "true",
}

CHECKS: list[list[str | Path]] = [
    [BIN / "ruff", "check"],
    [BIN / "ruff", "format", "--check"],
    [BIN / "mypy", "."],
    [BIN / "lint-imports", "--no-logo"],
    [sys.executable, "-W", "ignore::RuntimeWarning", "manage.py", "makemigrations", "--check", "--dry-run"],
]


def main() -> int:
    """The number of checks that failed."""
    failed = 0
    for command in CHECKS:
        name = " ".join(Path(word).name for word in command)
        print(f"--- {name}", flush=True)
        done = subprocess.run(command, check=False, env={**os.environ, **ENVIRONMENT})
        failed += done.returncode != 0
    return failed


if __name__ == "__main__":
    sys.exit(main())
