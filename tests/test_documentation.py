"""Every link between pages leads somewhere."""

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)(?:#[^)]*)?\)")

ANCHORED = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]*)#([^)\s]+)\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_links_of_a_page_lead_somewhere(page: Path) -> None:
    broken = [link for link in LINK.findall(page.read_text()) if not (page.parent / link).exists()]
    assert broken == []


def test_every_page_is_listed_on_the_first() -> None:
    listed = set(LINK.findall((DOCS / "README.md").read_text()))
    pages = {str(page.relative_to(DOCS)) for page in PAGES if page.parent.name != "adr"}
    assert sorted(pages - listed - {"README.md"}) == []


def test_anchors_of_links_between_pages_are_there() -> None:
    broken = []
    for page in PAGES:
        for link, anchor in ANCHORED.findall(page.read_text()):
            target = (page.parent / link).resolve() if link else page
            if target.suffix == ".md" and target.exists() and anchor not in anchors(target):
                broken.append(f"{page.name}: {link}#{anchor}")
    assert broken == []


def anchors(page: Path) -> set[str]:
    """What the headings of a page are called in addresses."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


# What an institution does again and again; each page is read by somebody who is in a hurry.
ROUTINE = [
    "back-up-and-restore",
    "bootstrap",
    "check-from-end-to-end",
    "clear-old-deposits",
    "environments",
    "get-into-a-container",
    "identity-provider",
    "install-on-debian",
    "known-errors",
    "manage-users",
    "monitor",
    "plan-capacity",
    "restart-what-is-stuck",
    "run",
    "standby",
    "upgrade",
    "where-the-logs-are",
    "working-storage",
]


@pytest.mark.parametrize("name", ROUTINE)
def test_a_page_of_the_routine_begins_with_what_it_is_for_and_says_how_to_see_that_it_worked(
    name: str,
) -> None:
    title, _, first, *_ = (DOCS / "how-to" / f"{name}.md").read_text().splitlines()
    assert title.startswith("# ")
    assert first.startswith("For ")
    assert "\n## See that it worked\n" in (DOCS / "how-to" / f"{name}.md").read_text()
