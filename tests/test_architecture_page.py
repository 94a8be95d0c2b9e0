"""``docs/architecture.md`` names every folder of the code, and says why where many modules stand together."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
# Django's own places inside of an application.
DJANGOS = re.compile(r"/(management|migrations)(/|$)")
NOT_OURS = {"tests", "docs", "data", "debian", "node_modules", "build", "dist"}
# About a dozen.
CROWDED = 13


def folders() -> dict[str, int]:
    """Every folder with Python modules, and how many they are without ``__init__``."""
    found: dict[str, int] = {}
    for path in ROOT.rglob("*.py"):
        folder = path.relative_to(ROOT).parent
        if folder.parts and not any(part in NOT_OURS or part.startswith(".") for part in folder.parts):
            found.setdefault(str(folder), 0)
            found[str(folder)] += path.name != "__init__.py"
    return {folder: modules for folder, modules in found.items() if not DJANGOS.search(folder)}


def listed(heading: str) -> list[str]:
    """The folders in the first column of the table below a heading."""
    section = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"^\| `([\w/]+)` \|", section, flags=re.MULTILINE)


def test_the_page_names_every_folder() -> None:
    named = listed("The folders")
    assert sorted(named) == sorted(folders())
    assert named == sorted(named)


def test_the_page_says_why_where_many_modules_stand_together() -> None:
    crowded = [folder for folder, modules in folders().items() if modules > CROWDED]
    assert sorted(listed("Folders with more than a dozen modules")) == sorted(crowded)
