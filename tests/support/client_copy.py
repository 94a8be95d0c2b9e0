"""The client's copy of the modules that read descriptions: it stands alone, and reads them as the server does.

    python -m tests.support.client_copy

writes the copy; a test compares it with its original.
"""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ORIGINAL = ROOT / "deposit/metadata/description"
COPY = ROOT / "client/description"
_HERE, _THERE = "deposit.metadata.description", "client.description"


def copies() -> dict[str, str]:
    """What each module of the copy must hold, by its file name."""
    return {
        path.name: path.read_text(encoding="utf-8").replace(_HERE, _THERE)
        for path in sorted(ORIGINAL.glob("*.py"))
    }


def main() -> None:
    """Write the copy."""
    COPY.mkdir(exist_ok=True)
    for path in COPY.glob("*.py"):
        path.unlink()
    for name, text in copies().items():
        (COPY / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
