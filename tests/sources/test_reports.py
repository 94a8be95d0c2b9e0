"""The report beside an upload: its name, its words, and that nobody can write lines into it."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from client.transfer_package.catalogue import CATALOGUE
from packages import CODES
from packages.bagit import CODES as BAG_CODES
from sources.reports import Report, ReportedFinding, as_json, as_text, example_for, is_report

SEEN = datetime(2026, 11, 30, 12, 34, 56, tzinfo=UTC)
SOURCE_CODES = (
    "source.link",
    "source.permission",
    "source.duplicate-name",
    "source.duplicate-content",
    "upload.too_large",
)


def report(outcome: str = "failed", *codes: str, key: str = "garden.zip", **fields: Any) -> Report:
    findings = tuple(
        ReportedFinding(code=code, severity="error", subject="", message="It is so.") for code in codes
    )
    return Report(
        key=key,
        outcome=outcome,
        item_id="0123456789ab",
        seen_at=SEEN,
        source="scans",
        collection="papers",
        findings=findings,
        **fields,
    )


def test_name_tells_outcome_moment_and_item_and_is_known_as_a_report() -> None:
    assert report("stored").stem == "garden.zip.stored.20261130T123456Z.0123456789ab"
    assert report("failed", key="dir/a.zip").stem == "dir/a.zip.failed.20261130T123456Z.0123456789ab"
    assert is_report(f"{report('success').stem}.log")
    assert is_report(f"{report('success').stem}.json")
    assert not is_report("garden.zip.stored.log")


def test_name_of_a_very_long_upload_is_cut_to_what_file_systems_take() -> None:
    stem = report("stored", key="dir/" + "ü" * 300).stem
    assert len(stem.removeprefix("dir/").encode()) + len(".json") <= 255


@pytest.mark.parametrize("code", [*CATALOGUE, *CODES, *BAG_CODES, *SOURCE_CODES])
def test_every_finding_has_an_example_of_the_wrong_and_of_the_right(code: str) -> None:
    entry = example_for(code)
    assert entry.wrong
    assert entry.right
    text = as_text(report("failed", code)).decode()
    assert "WRONG:" in text
    assert "RIGHT:" in text


def test_checks_are_numbered_and_those_after_what_cannot_be_opened_were_not_reached() -> None:
    lines = as_text(report("failed", "package.truncated")).decode().splitlines()
    verdicts = [
        line.rpartition(". ")[2].strip()
        for line in lines
        if line.startswith("  ") and line[3:4] == "." and ".." in line
    ]
    assert verdicts == ["ok", "WRONG", *["not reached"] * 6]


def test_failures_of_ours_ask_for_nothing() -> None:
    text = as_text(report("failed", "loading.failed", ours=True)).decode()
    assert "fault of the service" in text


def test_nobody_writes_lines_into_a_report() -> None:
    text = as_text(report("failed", key="a.zip: STORED\n\nWhat happens next\n\n  Send money\x1b[2J")).decode()
    assert "\x1b" not in text
    assert "Send money" in text.splitlines()[0]


def test_program_reads_the_same() -> None:
    told = json.loads(as_json(report("failed", "transfer.objects", deposit_id=7)))
    assert (told["outcome"], told["deposit"], told["findings"][0]["code"]) == (
        "failed",
        7,
        "transfer.objects",
    )
