"""The report of a request is printed with all names, and with nothing of what was erased."""

import re
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client as Browser
from pytest_django.fixtures import Settings

from deposit.actors import Channel, system_actor
from deposit.erasure.report import report_of
from deposit.erasure.report_pdf import as_pdf
from deposit.refusals import Refusal
from deposit.services import erasing
from settings.base import REPORT_FONTS
from tests.support.erasing import FILES, REASON, Institution
from tests.support.factories import PASSWORD, basic

needs_font = pytest.mark.skipif(
    not any(Path(path).is_file() for path in REPORT_FONTS), reason="no font: apt install fonts-dejavu-core"
)
CONSOLE = system_actor(Channel.COMMAND)


@pytest.fixture
def institution(db: None) -> Institution:
    return Institution()


def words(institution: Institution, *, name: str = "cora") -> str:
    """The report of an erasure in one text."""
    asked = institution.erase(institution.archived(FILES))
    report = erasing.report_for(CONSOLE, asked)
    return "\n".join([report.title, *(f"{a}: {b}" for each in report.sections for a, b in each.facts)])


def test_it_tells_all_but_the_content(institution: Institution) -> None:
    told = words(institution)
    for word in (REASON, "cora", "adam", "files: 3", "swhid-directory", "Packs written anew: 1"):
        assert (word, word in told) == (word, True)
    assert "arker" not in told.replace("marker-origin", "")


def letters(pdf: bytes) -> set[str]:
    """The characters that the fonts of a PDF map to (PDF 32000-1 section 9.10.3, ToUnicode)."""
    found: set[str] = set()
    for block in re.findall(rb"beginbfchar(.*?)endbfchar", pdf, re.DOTALL):
        for code in re.findall(rb"<[0-9A-Fa-f]+> <([0-9A-Fa-f]+)>", block):
            found.add(bytes.fromhex(code.decode()).decode("utf-16-be"))
    return found


NAME = "\u010c\u00f3r\u00e4-\u03a9\u03bc\u03ad\u03b3\u03b1-\u0416\u0430\u043d\u043d\u0430"


@needs_font
def test_names_in_any_letters_are_printed(institution: Institution) -> None:
    User.objects.filter(username="cora").update(username=NAME)
    institution.curator.refresh_from_db()
    asked = institution.ask(institution.archived(FILES))
    pdf = as_pdf(report_of(asked, asked.plan, asked.plan["copies"] if asked.plan else []))
    assert pdf.startswith(b"%PDF-")
    assert set(NAME) <= letters(pdf)


def test_without_a_font_it_says_what_to_install(institution: Institution, settings: Settings) -> None:
    settings.REPORT_FONTS = ["/nowhere.ttf"]
    asked = institution.ask(institution.archived(FILES))
    with pytest.raises(Refusal, match="no font"):
        as_pdf(erasing.report_for(CONSOLE, asked))


@needs_font
def test_it_is_a_page_a_pdf_and_part_of_the_api(institution: Institution) -> None:
    asked = institution.ask(institution.archived(FILES))
    page = Browser()
    page.login(username="cora", password=PASSWORD)
    assert "What goes" in page.get(f"/deletions/{asked.pk}/report/").content.decode()
    program = Browser(headers={"Authorization": basic("cora")})
    answers = page.get(f"/deletions/{asked.pk}/report.pdf"), program.get(f"/api/deletions/{asked.pk}/report/")
    for answer in answers:
        assert (answer.status_code, answer["Content-Type"], answer.content[:5]) == (
            200,
            "application/pdf",
            b"%PDF-",
        )
    # Its depositor sees that it was asked for, and not the plan.
    own = Browser(headers={"Authorization": basic("ada")})
    shown = own.get(f"/api/deletions/{asked.pk}/").json()
    assert (shown["kind"], shown["plan"], shown["copies"], shown["may_review"]) == ("erase", None, [], False)
    assert program.get(f"/api/deletions/{asked.pk}/").json()["plan"]["goes"]["files"] == 3
