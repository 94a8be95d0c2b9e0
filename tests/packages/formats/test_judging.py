"""Judging in a process of its own: the same answers, and an end that is told."""

from pathlib import Path

import pytest

from packages.formats import judging as module
from packages.formats.judging import JudgeDied, judging


def test_answers_come_from_another_process(tmp_path: Path) -> None:
    good, bad = tmp_path / "good", tmp_path / "bad"
    good.write_bytes(b"<a/>")
    bad.write_bytes(b"II*\0")
    with judging() as judge:
        assert judge(good, "a.xml") is None
        refused = judge(bad, "a.tif")
        assert refused is not None
        assert (refused.reason, refused.code) == ("TIFF file failed JHOVE validation", "museum.tiff.invalid")


def test_a_process_that_ends_is_told(tmp_path: Path) -> None:
    with judging() as judge, pytest.raises(JudgeDied):
        judge(tmp_path / "there is no such file", "a.xml")


def test_packages_in_a_row_share_a_process_until_one_goes_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = tmp_path / "good"
    good.write_bytes(b"<a/>")

    def process() -> int:
        with judging() as judge:
            assert judge(good, "a.xml") is None
            return int(judge.__self__._process.pid)  # type: ignore[attr-defined]

    first = process()
    assert process() == first
    with pytest.raises(RuntimeError), judging():
        raise RuntimeError
    second = process()
    assert second != first
    monkeypatch.setattr(module, "REUSED_SECONDS", 0.0)
    assert process() != second
