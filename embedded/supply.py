"""``make audit`` and ``make sbom``: what the service is made of, and what is known against it.

The tools are pinned like everything else (``requirements-audit.txt``) and have a virtual environment of their own, so
that none of them ever runs with the service.
"""

import hashlib
import subprocess
import sys
from pathlib import Path

from embedded.setup import REPOSITORY

TOOLS = REPOSITORY / ".cache" / "audit"
PINNED = REPOSITORY / "requirements-audit.txt"
# What is installed with the service; the others are for development.
SHIPPED = ("requirements.txt", "requirements-embedded.txt")
SBOM = REPOSITORY / ".cache" / "sbom.cdx.json"


def tool(name: str) -> Path:
    """The path of a tool, installed when that has not been done yet."""
    wanted = hashlib.sha256(PINNED.read_bytes()).hexdigest()
    stamp = TOOLS / ".requirements.sha256"
    if not stamp.exists() or stamp.read_text() != wanted:
        uv = Path(sys.executable).parent / "uv"
        run([uv, "venv", "-q", "--clear", "--python", sys.executable, TOOLS])
        run(
            [
                uv,
                "pip",
                "install",
                "-q",
                "--python",
                TOOLS / "bin" / "python",
                "--require-hashes",
                "-r",
                PINNED,
            ]
        )
        stamp.write_text(wanted)
    return TOOLS / "bin" / name


def run(command: list[str | Path]) -> None:
    """Run a command. Raises `subprocess.CalledProcessError` when it fails."""
    subprocess.run(command, check=True, cwd=REPOSITORY)


def audit() -> None:
    """Ask the Python Packaging Advisory Database; what it cannot tell about counts as a failure."""
    for name in SHIPPED:
        print(f"--- {name}", flush=True)
        run([tool("pip-audit"), "--strict", "--disable-pip", "--require-hashes", "-r", name])


def sbom() -> None:
    """Write every pinned dependency with its hashes, as CycloneDX; the same bytes for the same pins."""
    words: list[str | Path] = [
        tool("cyclonedx-py"),
        "requirements",
        SHIPPED[0],
        "--pyproject",
        "pyproject.toml",
    ]
    run([*words, "--output-reproducible", "--of", "JSON", "-o", SBOM])
    print(SBOM.relative_to(REPOSITORY))


if __name__ == "__main__":
    try:
        {"audit": audit, "sbom": sbom}[sys.argv[1]]()
    except subprocess.CalledProcessError as error:
        sys.exit(error.returncode)
