"""What a depositor learns before anything is permanent: checks, warnings, identifiers; and what commands say."""

import json
import logging
import subprocess
import zipfile
from pathlib import Path

import click
import pytest

from client import Depositor
from tests.client.conftest import Run, Server

NAMED = ("--name", "hello", "--author", "Ada Lovelace <ada@example.org>")


@pytest.fixture
def doubtful(tmp_path: Path) -> Path:
    """A package with a warning."""
    path = tmp_path / "doubtful.jar"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("p/a.txt", "x")
        archive.writestr("__MACOSX/p/._a.txt", "y")
    return path


def test_check_tells_what_the_server_finds(deposit: Run, doubtful: Path, folder: Path) -> None:
    found = deposit("check", doubtful, *NAMED, "--json")
    assert found.code == 0, found.err
    assert found.json["accepted"] is True
    assert "package.warning.system-files" in [each["code"] for each in found.json["findings"]]
    words = deposit("check", doubtful, *NAMED)
    assert "It would be accepted, with " in words.out
    assert words.out.splitlines()[-1] == found.json["swhid"] == deposit("identify", doubtful).out.strip()
    assert deposit("check", folder, *NAMED).code == 0
    lacking = deposit("check", folder, "--name", "hello", "--json")
    assert (lacking.code, lacking.json["findings"][0]["severity"]) == (7, "error")


def test_check_works_offline(run: Run, doubtful: Path, tmp_path: Path) -> None:
    found = run("check", doubtful, *NAMED, "--offline", "--json")
    assert [each["code"] for each in found.json["findings"]] == ["package.warning.system-files"]
    (tmp_path / "broken.zip").write_bytes(b"PK\x03\x04 no zip at all")
    broken = run("check", tmp_path / "broken.zip", *NAMED, "--offline")
    assert (broken.code, "It would be rejected." in broken.out) == (7, True)


def test_check_deposits_nothing(deposit: Run, doubtful: Path) -> None:
    before = deposit("list", "--json", "--limit", "1").out
    deposit("check", doubtful, *NAMED)
    assert deposit("list", "--json", "--limit", "1").out == before


def on_a_terminal(monkeypatch: pytest.MonkeyPatch, answer: bool) -> list[str]:
    """Somebody looks on, and answers every question so; the questions."""
    questions: list[str] = []

    def confirm(text: str, **options: object) -> bool:
        questions.append(text)
        return answer

    monkeypatch.setattr(click, "confirm", confirm)
    monkeypatch.setattr("client.cli.upload.somebody_looks_on", lambda: True)
    return questions


def test_who_looks_on_is_asked_about_warnings(
    deposit: Run, doubtful: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    questions = on_a_terminal(monkeypatch, answer=True)
    outcome = deposit("upload", doubtful, *NAMED, "--wait")
    assert outcome.code == 0, outcome.err
    assert len(questions) == 1
    assert "Warning: These are files that macOS or Windows put beside yours" in outcome.err
    assert "done" in outcome.out


def test_who_says_no_can_still_confirm(
    deposit: Run, doubtful: Path, monkeypatch: pytest.MonkeyPatch, server: Server
) -> None:
    on_a_terminal(monkeypatch, answer=False)
    outcome = deposit("upload", doubtful, *NAMED, "--wait")
    assert outcome.code == 11, outcome.err
    assert "partial" in outcome.out
    with Depositor(server.base_url, username=server.username, password=server.password) as depositor:
        number = max(int(row["id"]) for row in depositor.deposits(status="partial"))
        assert depositor.status(number).waits_for == "confirmation"
    waited = deposit("wait", str(number), "--json")
    assert (waited.code, waited.json["waits_for"]) == (11, "confirmation")
    done = deposit("confirm", str(number), "--wait", "--json")
    assert (done.code, done.json["status"]) == (0, "done")
    # Twice does no harm.
    assert deposit("confirm", str(number)).code == 0


def test_nobody_is_asked_with_yes_or_without_warnings(
    deposit: Run, doubtful: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    questions = on_a_terminal(monkeypatch, answer=False)
    assert deposit("upload", doubtful, *NAMED, "--yes", "--wait").code == 0
    (folder / "LICENSE").write_text("MIT")
    assert deposit("upload", folder, *NAMED, "--wait").code == 0
    assert questions == []


def test_the_qualified_identifier_is_known_beforehand(deposit: Run, folder: Path, server: Server) -> None:
    known: tuple[str, ...] = (
        "--version",
        "1.0-rc 2",
        "--date-created",
        "2024-03-05",
        "--release-notes",
        "First.\nGood.",
    )
    known = (*known, "--create-origin", f"{server.provider_url}identified-beforehand")
    made = deposit("upload", folder, *NAMED, *known, "--partial", "--json").json
    number = str(made["deposit_id"])
    author = deposit("service", "--json").json["release_author"]
    known = (*known, "--release-author", author, "-c", server.collection)
    offline = deposit("identify", folder, *NAMED, *known, "--deposit", number)
    assert offline.code == 0, offline.err
    deposit("complete", number)
    done = deposit("wait", number, "--timeout", "60", "--json").json
    assert (done["status"], done["swhid_context"]) == ("done", offline.out.strip())


def test_the_origin_alone_qualifies_too(run: Run, folder: Path) -> None:
    outcome = run("identify", folder, *NAMED, "--create-origin", "https://example.org/x")
    assert outcome.out.strip().endswith(";origin=https://example.org/x;path=/")
    assert "--deposit" in outcome.err
    undated = run("identify", folder, *NAMED, "--create-origin", "https://example.org/x", "--deposit", "7")
    assert (undated.code, "no date" in undated.err) == (2, True)


def test_a_commit_is_deposited_with_its_origin(deposit: Run, tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "a").write_text("x")
    (project / "CITATION.cff").write_text("title: cited\nauthors:\n- name: Ada\n")
    git = ["git", "-C", str(project), "-c", "user.name=a", "-c", "user.email=a@example.org"]
    for words in (
        ["init", "-q"],
        ["add", "-A"],
        ["commit", "-qm", "x"],
        ["remote", "add", "origin", "https://git.example.org/ada/x.git"],
    ):
        subprocess.run([*git, *words], check=True)
    (project / "untracked").write_text("y")
    tree = subprocess.run([*git, "rev-parse", "HEAD^{tree}"], check=True, capture_output=True, text=True)
    outcome = deposit("upload", project, "--git", "HEAD", "--wait", "--json")
    assert outcome.code == 0, outcome.err
    assert outcome.json["swhid"] == f"swh:1:dir:{tree.stdout.strip()}"
    assert deposit("identify", project, "--git", "HEAD").out.strip() == outcome.json["swhid"]
    plan = deposit("upload", project, "--git", "HEAD", "--dry-run")
    assert "codeRepository: https://git.example.org/ada/x" in plan.out
    entry = deposit("upload", project, "--git", "HEAD", "--dry-run", "--json").json["entry"]
    assert ";origin=https://git.example.org/ada/x</codemeta:releaseNotes>" in entry


def test_the_plan_is_for_people(deposit: Run, folder: Path) -> None:
    (folder / ".git").mkdir()
    plan = deposit("upload", folder, *NAMED, "--dry-run")
    assert (plan.code, plan.err) == (0, f"Metadata from README in {folder}\n")
    assert "is packed: 5 files, 42 B, as hello-1.0.tar.gz" in plan.out
    assert "left out: .git (version control)" in plan.out
    assert "hello, by Ada Lovelace." in plan.out
    assert "Nothing was sent." in plan.out
    assert "<" not in plan.out


def test_what_is_packed_is_said(deposit: Run, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x")
    (tmp_path / "b.txt").write_text("")
    said = deposit("upload", tmp_path / "a.txt", tmp_path / "b.txt", *NAMED, "--partial")
    assert "2 files are packed: 2 files, 1 B, as files.tar.gz" in said.err
    alone = deposit("upload", tmp_path / "b.txt", *NAMED, "--partial")
    assert (alone.code, "b.txt is empty." in alone.err) == (2, True)
    assert "/deposits/" in said.out


def test_quiet_is_quiet(deposit: Run, folder: Path) -> None:
    (folder / "CITATION.cff").write_text("title: cited\nauthors:\n- name: Ada\n")
    outcome = deposit("upload", folder, "--wait", "-q")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.strip().isdigit()
    assert deposit("wait", outcome.out.strip(), "-q").out == outcome.out
    # Only for this command: a program that runs it hears the library again.
    assert logging.getLogger("client").level == logging.NOTSET


def test_the_list_is_newest_first_with_titles_and_pages(deposit: Run, folder: Path, server: Server) -> None:
    for title in ("older", "newer"):
        deposit("upload", folder, "--name", title, "--author", "Ada", "--partial")
    rows = [line.split("\t") for line in deposit("list", "--limit", "2").out.splitlines()]
    assert [(row[1], row[3]) for row in rows] == [("partial", "newer"), ("partial", "older")]
    assert rows[0][4] == f"{server.root}/deposits/{rows[0][0]}/"
    assert {
        row["status"] for row in map(_json, deposit("list", "--json", "--status", "partial").out.splitlines())
    } == {"partial"}


def _json(line: str) -> dict[str, str]:
    return json.loads(line)  # type: ignore[no-any-return]


def test_a_waiting_client_says_for_what_and_until_when(deposit: Run, folder: Path) -> None:
    outcome = deposit("upload", folder, *NAMED, "--wait", "--timeout", "60")
    assert "waits for its checks. Waiting until " in outcome.err
    assert "Ctrl-C ends the waiting, not the deposit." in outcome.err
    number = outcome.out.partition("deposit_id")[2].split()[0]
    assert deposit("wait", number).err == f"Deposit {number} is done.\n"


def test_logins_are_kept_with_their_port(run: Run, server: Server, tmp_path: Path) -> None:
    words = ("login", "-u", server.username, "--password-stdin", "--no-keyring", "--json")
    kept = run(*words, "--url", server.root, stdin=f"{server.password}\n")
    assert kept.code == 0, kept.out
    # The address that was meant is found, and kept.
    assert kept.json["server"] == server.root.partition("://")[2]
    assert kept.json["url"] == f"{server.base_url}/"
    assert run("list", "--limit", "1").code == 0
    wrong = run(*words, "--url", server.root, stdin="wrong\n")
    assert (wrong.code, wrong.json["error"]["status"]) == (4, 401)
