"""A report as PDF. Names are printed as they are: in the first of the fonts of the machine that has their letters."""

import logging
from pathlib import Path

from django.conf import settings
from fpdf import FPDF
from fpdf.enums import XPos, YPos

from deposit.erasure.report import Report
from deposit.refusals import Kind, Refusal

# It tells of each step of making a font smaller.
logging.getLogger("fontTools").setLevel(logging.WARNING)

_MARGIN, _NAMES = 20.0, 45.0  # mm
_LINE = 5.5


class _Pages(FPDF):
    """Pages in A4 that are numbered."""

    def footer(self) -> None:
        """The number at the foot."""
        self.set_y(-15)
        self.set_font("report", size=8)
        self.cell(0, 10, f"{self.page_no()}/{{nb}}", align="C")


def as_pdf(report: Report) -> bytes:
    """The document. Raises a 503 `Refusal` where the machine has none of the fonts."""
    pages = _Pages(format="A4")
    pages.set_margins(_MARGIN, _MARGIN)
    pages.set_title(report.title)
    pages.set_creator(settings.SERVICE_TITLE)
    _add_fonts(pages)
    pages.add_page()
    _write(pages, report.title, size=16)
    _write(pages, report.subtitle, size=9)
    for section in report.sections:
        pages.ln(4)
        _write(pages, section.heading, size=12)
        for name, value in section.facts:
            _fact(pages, name, value)
    return bytes(pages.output())


def _add_fonts(pages: FPDF) -> None:
    found = [path for path in settings.REPORT_FONTS if Path(path).is_file()]
    if not found:
        raise Refusal(
            Kind.UNAVAILABLE,
            "report.font",
            "This machine has no font to print the report with.",
            "An operator installs fonts-dejavu-core or names other fonts in REPORT_FONTS; the page has all of it, too.",
        )
    pages.add_font("report", fname=found[0])
    for number, path in enumerate(found[1:]):
        pages.add_font(f"fallback{number}", fname=path)
    pages.set_fallback_fonts([f"fallback{number}" for number in range(len(found) - 1)])


def _write(pages: FPDF, text: str, *, size: int) -> None:
    pages.set_font("report", size=size)
    pages.multi_cell(0, size * 0.5, text, new_x=XPos.LMARGIN, new_y=YPos.NEXT, align="L")


def _fact(pages: FPDF, name: str, value: str) -> None:
    """A name at the left, its value beside it on as many lines as it needs."""
    pages.set_font("report", size=9)
    if pages.will_page_break(_LINE * 2):
        pages.add_page()
    top, page = pages.get_y(), pages.page
    pages.multi_cell(_NAMES - 3, _LINE, name, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    after_name = pages.get_y()
    pages.set_xy(_MARGIN + _NAMES, top)
    pages.multi_cell(0, _LINE, value, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    if pages.page == page:
        pages.set_y(max(after_name, pages.get_y()))
