"""The report beside an upload: what was checked, what is wrong with examples, what happens next. Pure.

``<key>.<success|failed|stored>.<event time>.<id>.log``, and the same as ``.json``. Time and id are those of the item,
so that a retry writes the same name again.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from textwrap import indent, wrap
from typing import Any

from client.transfer_package.catalogue import CATALOGUE, Entry

_NAME = re.compile(r".+\.(success|failed|stored)\.\d{8}T\d{6}Z\.[0-9a-f]{12}\.(log|json)", re.DOTALL)
OUTCOMES = ("success", "failed", "stored")
WIDTH = 92
# What file systems take (255 bytes), less what a report adds. In bytes.
LONGEST_NAME = 195

_UPLOAD = Entry(
    "", "    a zip file that arrived in part, or was damaged", "    a zip file that your computer opens"
)
_BAG = Entry(
    "",
    "    a bag in which a file was changed, added or removed after its manifest was made",
    "    a bag made anew with bagit.py, and compressed as it is",
)
_DESCRIPTION = Entry(
    "",
    "    a description without a title or an author",
    "    <title>The garden</title> <author><name>Ada Lovelace</name></author>",
)
_METHOD = Entry(
    "",
    "    a zip file compressed with Deflate64 (Windows Explorer does it with large files), LZMA or a password",
    "    a zip file compressed with Deflate, such as `deposit package build` makes",
)
_PACKAGES = {
    "package.method": _METHOD,
    "package.encrypted": _METHOD,
    "package.compression": _METHOD,
    "package.nested": Entry(
        "",
        "    package.zip\n      └── garden.tar.gz",
        "    garden.tar.gz   (send the archive itself, or its files)",
    ),
    "package.format": Entry(
        "", "    letter.docx, renamed to letter.zip", "    a zip or tar file, as made by a program"
    ),
    "package.duplicate": Entry(
        "",
        "    garden.zip, and the same file once more as garden-copy.zip",
        "    garden.zip, once; and again only after something in it has changed",
    ),
}
_SOURCE = {
    "source.link": Entry("", "    garden → /elsewhere/garden", "    garden/, copied into the folder itself"),
    "source.permission": Entry(
        "", "    -rw------- someone minutes.pdf", "    -rw-r--r-- someone minutes.pdf"
    ),
    "source.duplicate-name": Entry(
        "",
        "    garden.zip, after another garden.zip was accepted",
        "    garden-2.zip, or the first one corrected",
    ),
}

# The checks that a report numbers, and the codes that tell of each. The first that fits counts.
CHECKS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("The upload arrived whole and could be read", ("source.", "upload.", "storage.")),
    ("The file can be opened, and every part of it is sound", ("package.", "bag.")),
    (
        "The content lies where it belongs",
        ("transfer.single-folder", "transfer.objects", "transfer.content", "archivematica.content"),
    ),
    ("metadata/metadata.csv is there and complete", ("transfer.metadata.", "archivematica.csv")),
    ("metadata/rights.csv, if there is one, is right", ("transfer.rights.",)),
    ("Checksums and other metadata files are right", ("archivematica.",)),
    ("The description is complete", ("metadata.",)),
    ("It was taken into storage", ("loading.",)),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportedFinding:
    """One finding, as the record has it."""

    code: str
    severity: str
    subject: str
    message: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What a report tells. ``outcome`` is one of `OUTCOMES`; ``identifiers`` maps schemes to values."""

    key: str
    outcome: str
    item_id: str
    seen_at: datetime
    source: str
    collection: str
    deposit_id: int | None = None
    external_id: str = ""
    version: int | None = None
    page: str = ""
    ours: bool = False
    identifiers: tuple[tuple[str, str], ...] = ()
    findings: tuple[ReportedFinding, ...] = ()
    note: str = ""

    @property
    def stem(self) -> str:
        """The report's name beside the upload, without ``.log`` or ``.json``."""
        return stem(self.key, self.outcome, self.seen_at, self.item_id)


def stem(key: str, outcome: str, seen_at: datetime, item_id: str) -> str:
    """The name of an item's report with this outcome, without its ending. Very long names are cut."""
    folder, slash, name = key.rpartition("/")
    name = name.encode()[:LONGEST_NAME].decode(errors="ignore")
    return f"{folder}{slash}{name}.{outcome}.{seen_at.astimezone(UTC):%Y%m%dT%H%M%SZ}.{item_id}"


def is_report(name: str) -> bool:
    """Whether a file is a report of ours, and no upload."""
    return _NAME.fullmatch(name) is not None


def as_json(report: Report) -> bytes:
    """The report for programs."""
    told: dict[str, Any] = {
        "key": report.key,
        "outcome": report.outcome,
        "item": report.item_id,
        "seen": report.seen_at.astimezone(UTC).isoformat(timespec="seconds"),
        "source": report.source,
        "collection": report.collection,
        "deposit": report.deposit_id,
        "external_id": report.external_id or None,
        "version": report.version,
        "page": report.page or None,
        "identifiers": [{"scheme": scheme, "value": value} for scheme, value in report.identifiers],
        "findings": [
            {"code": f.code, "severity": f.severity, "subject": f.subject, "message": f.message}
            for f in report.findings
        ],
        "note": report.note or None,
    }
    return json.dumps(told, indent=2, ensure_ascii=False).encode() + b"\n"


def as_text(report: Report) -> bytes:
    """The report for people."""
    lines = [f"{_plain(report.key)}: {_HEADLINES[report.outcome]}", "", *_facts(report), ""]
    lines += ["What was checked", "", *_checks(report), ""]
    if report.findings:
        lines += ["What was found" if report.outcome != "failed" else "What is wrong", "", *_findings(report)]
    lines += ["What happens next", "", *_paragraph(_next(report))]
    return ("\n".join(lines) + "\n").encode()


_HEADLINES = {
    "success": "ACCEPTED, and on its way into storage",
    "failed": "NOT ACCEPTED",
    "stored": "STORED",
}


def _plain(text: str) -> str:
    """Text that cannot pretend to be a line of the report."""
    return "".join(character if character.isprintable() else "�" for character in text)


def _facts(report: Report) -> Iterable[str]:
    facts = [
        ("Uploaded", f"{report.seen_at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"),
        ("Source", f"{report.source}, for the collection {report.collection}"),
        ("Identifier", report.external_id + (f", version {report.version}" if report.version else "")),
        ("Deposit", str(report.deposit_id or "")),
        ("Page", report.page),
        *((scheme, value) for scheme, value in report.identifiers),
        ("Item", report.item_id),
    ]
    return [f"  {name:<12}{_plain(value)}" for name, value in facts if value.strip(", ")]


def _checks(report: Report) -> Iterable[str]:
    wrong = {_check_of(each.code) for each in report.findings if each.severity == "error"}
    not_reached = False
    for number, (title, _) in enumerate(CHECKS, 1):
        if number - 1 in wrong:
            verdict = "WRONG"
        elif not_reached:
            verdict = "not reached"
        else:
            verdict = "ok" if number < len(CHECKS) or report.outcome == "stored" else "under way"
        # What cannot be read or opened is not looked into; and what is wrong is not stored.
        not_reached |= (number - 1 in wrong and number <= 2) or (bool(wrong) and number == len(CHECKS) - 1)
        yield f"  {number}. {title + ' ':.<66} {verdict}"


def _check_of(code: str) -> int:
    for number, (_, beginnings) in enumerate(CHECKS):
        if code.startswith(beginnings):
            return number
    return 1


def _findings(report: Report) -> Iterable[str]:
    for number, each in enumerate(report.findings, 1):
        place = f"{_plain(each.subject)}: " if each.subject and each.subject not in each.message else ""
        word = "" if each.severity == "error" else "Only a warning: "
        text = f"{number}. {word}{place}{_plain(each.message)}  [{each.code}]"
        yield from _paragraph(text, deeper=3)
        entry = example_for(each.code)
        for title, example in (("WRONG", entry.wrong), ("RIGHT", entry.right)):
            if example:
                yield from ("", f"     {title}:", "", indent(example, "   "))
        yield ""


def example_for(code: str) -> Entry:
    """The wrong and the right for a code; for one that has no example of its own, those of its kind."""
    entry = CATALOGUE.get(code) or _PACKAGES.get(code) or _SOURCE.get(code)
    if entry and entry.wrong and entry.right:
        return entry
    if code.startswith("bagit."):
        return _BAG
    if code.startswith(("metadata.", "sword3.", "reference.", "origin.")):
        return _DESCRIPTION
    return _UPLOAD


def _next(report: Report) -> str:
    if report.note:
        return report.note
    if report.outcome == "stored":
        return (
            "Nothing is left to do. The package is in every place where this collection is kept; you can get it back "
            "from its page."
        )
    if report.outcome == "success":
        return (
            "The package is being stored. This report becomes one named 'stored' as soon as that is proven. Keep your "
            "own copy until then."
        )
    if report.ours:
        return (
            "This is a fault of the service, not of your package. The operators see it and will try again; you need "
            "not upload it anew. This report changes when it is done."
        )
    return (
        "Nothing of this upload is stored. Put right what is named above, and upload the package again, under the same "
        "name or another. The upload that was not accepted stays here until you remove it."
    )


def _paragraph(text: str, *, deeper: int = 0) -> list[str]:
    """Lines of a text; those after the first stand further in by ``deeper``."""
    margin = "  "
    return wrap(
        text, WIDTH, initial_indent=margin, subsequent_indent=margin + " " * deeper, break_long_words=False
    )
