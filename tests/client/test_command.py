"""The command ``deposit`` against a whole server."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import bagit

from client import Depositor
from tests.client.conftest import Outcome, Run, Server
from tests.support.samples import make_zip

NAMED = ("--name", "hello", "--author", "Ada Lovelace <ada@example.org>")


def upload(deposit: Run, *words: str | Path) -> Outcome:
    """Upload, and be sure that it worked."""
    outcome = deposit("upload", *words, "--json")
    assert outcome.code == 0, outcome.err
    return outcome


def test_folder_is_uploaded_archived_and_verified(
    deposit: Run, run: Run, folder: Path, server: Server
) -> None:
    origin = f"{server.provider_url}hello-cli"
    done = upload(deposit, folder, *NAMED, "--create-origin", origin, "--wait").json
    assert (done["status"], done["origin_url"]) == ("done", origin)
    assert deposit("verify", folder, done["swhid"]).code == 0
    assert deposit("stored", done["swhid"]).code == 0
    assert deposit("stored", run("identify", folder / "README").out.strip()).code == 0
    assert deposit("stored", "swh:1:dir:" + 40 * "0").code == 10


def test_archived_deposit_is_downloaded_and_the_same(deposit: Run, folder: Path, tmp_path: Path) -> None:
    done = upload(deposit, folder, *NAMED, "--wait").json
    target = tmp_path / "back"
    target.mkdir()
    saved = deposit("download", str(done["deposit_id"]), target, "--json")
    assert saved.code == 0, saved.err
    again = target / "again"
    again.mkdir()
    subprocess.run(["tar", "-xf", saved.json["saved"], "-C", again], check=True)
    inside = again if (again / "README").exists() else next(again.iterdir())
    assert deposit("verify", inside, done["swhid"]).code == 0
    assert deposit("download", str(done["deposit_id"]), saved.json["saved"]).code == 2


def test_a_bag_is_a_bag_and_nothing_else_is_given_for_one(deposit: Run, folder: Path, tmp_path: Path) -> None:
    number = str(upload(deposit, folder, *NAMED, "--wait").json["deposit_id"])
    saved = deposit("download", number, tmp_path / "bag.zip", "--packaging", "BagIt", "--json")
    assert saved.code == 0, saved.err
    with zipfile.ZipFile(tmp_path / "bag.zip") as archive:
        names = {name.rpartition("/")[2] for name in archive.namelist()}
        archive.extractall(tmp_path / "unpacked")
    assert {"bagit.txt", "manifest-sha256.txt"} <= names
    [root] = {path.parent for path in (tmp_path / "unpacked").rglob("bagit.txt")}
    bagit.Bag(str(root)).validate()
    binary = deposit("download", number, tmp_path / "as-sent", "--packaging", "Binary")
    assert binary.code == 0, binary.err
    unknown = deposit("download", number, tmp_path / "x", "--packaging", "http://example.org/METS")
    assert (unknown.code, (tmp_path / "x").exists()) == (3, False)


def test_archived_file_is_fetched(deposit: Run, run: Run, folder: Path, tmp_path: Path) -> None:
    upload(deposit, folder, *NAMED, "--wait")
    swhid = run("identify", folder / "README").out.strip()
    assert deposit("fetch", swhid, tmp_path / "README").code == 0
    assert (tmp_path / "README").read_bytes() == (folder / "README").read_bytes()


def test_deposit_is_built_step_by_step(deposit: Run, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "more.txt").write_text("more\n")
    made = upload(deposit, folder, *NAMED, "--partial").json
    number = str(made["deposit_id"])
    assert made["status"] == "partial"
    assert deposit("wait", number).code == 2
    assert deposit("add", number, tmp_path / "more.txt", "--json").json["status"] == "partial"
    assert (
        deposit("replace", number, "--name", "hello again", "--author", "Ada", "--json").json["status"]
        == "partial"
    )
    assert deposit("complete", number, "--json").json["status"] != "partial"
    done = deposit("wait", number, "--timeout", "60", "--json").json
    assert done["status"] == "done"
    (folder / "more.txt").write_text("more\n")
    assert deposit("verify", folder, done["swhid"]).code == 0


def test_partial_deposit_is_cancelled(deposit: Run, folder: Path) -> None:
    number = str(upload(deposit, folder, *NAMED, "--partial").json["deposit_id"])
    assert deposit("cancel", number).code == 0
    assert deposit("status", number).code == 5


def test_replaced_metadata_are_laid_over_those_that_are_there(deposit: Run, folder: Path) -> None:
    number = str(upload(deposit, folder, *NAMED, "--description", "Words", "--partial").json["deposit_id"])
    replaced = deposit("replace", number, "--version", "2", "--license", "Apache", "--json")
    assert (replaced.code, replaced.json["status"]) == (0, "partial")
    assert "Is Apache-2.0 meant?" in replaced.err
    assert "softwareVersion: (nothing) -> 2" in replaced.err
    assert {"author", "description"} <= {
        one.strip() for one in replaced.err.partition("Kept: ")[2].split(",")
    }
    whole = deposit("replace", number, *NAMED, "--replace-all", "--json")
    assert (whole.code, "Dropped: description, softwareVersion, license" in whole.err) == (0, True)
    assert deposit("cancel", number).code == 0


def test_metadata_of_the_folder_are_used(deposit: Run, folder: Path) -> None:
    (folder / "CITATION.cff").write_text("title: cited\nauthors:\n- name: Ada\n")
    outcome = upload(deposit, folder, "--wait")
    assert outcome.json["status"] == "done"
    assert "CITATION.cff" in outcome.err


def test_metadata_of_a_package_are_used_and_kept(deposit: Run, tmp_path: Path) -> None:
    (tmp_path / "tool.zip").write_bytes(
        make_zip(
            {
                "tool/a.txt": b"x",
                "tool/CITATION.cff": b"title: T\nversion: 1.10\nlicense: [MIT, Apache-2.0]\ndate-released: 2024-3-5\n"
                b"authors:\n- {given-names: G, family-names: F, orcid: 0000-0002-1825-0097}\n",
            }
        )
    )
    outcome = deposit("upload", tmp_path / "tool.zip", "--wait", "--json")
    assert (outcome.json["status"], "CITATION.cff" in outcome.err) == ("done", True)
    entry = deposit("upload", tmp_path / "tool.zip", "--dry-run", "--json").json["entry"]
    for said in (
        "1.10<",
        "licenses/MIT<",
        "licenses/Apache-2.0<",
        "2024-03-05<",
        "https://orcid.org/0000-0002-1825-0097<",
    ):
        assert said in entry


def test_an_author_that_is_null_is_named(deposit: Run, folder: Path) -> None:
    (folder / "codemeta.json").write_text('{"name": "X", "author": null}')
    outcome = deposit("upload", folder)
    assert outcome.code == 2
    assert "author is null" in outcome.err
    assert "lacks an author" in outcome.err


def test_deposit_without_metadata_is_refused_before_anything_is_sent(deposit: Run, folder: Path) -> None:
    outcome = deposit("upload", folder)
    assert outcome.code == 2
    assert "--author" in outcome.err


def test_rejected_deposit_says_why_and_exits_7(deposit: Run, tmp_path: Path) -> None:
    (tmp_path / "broken.zip").write_bytes(b"PK\x03\x04 no zip at all")
    outcome = deposit("upload", tmp_path / "broken.zip", *NAMED, "--wait", "--json")
    assert (outcome.code, outcome.json["status"]) == (7, "rejected")
    assert "broken.zip" in outcome.json["detail"]


def test_dry_run_sends_nothing(deposit: Run, folder: Path) -> None:
    before = deposit("list", "--json").out
    plan = deposit("upload", folder, *NAMED, "--dry-run", "--json").json
    assert plan["packages"][0]["name"] == "hello-1.0.tar.gz"
    assert deposit("list", "--json").out == before


def test_archived_deposit_is_described_and_updated(deposit: Run, folder: Path) -> None:
    done = upload(deposit, folder, *NAMED, "--wait").json
    number, swhid = str(done["deposit_id"]), done["swhid"]
    updated = deposit("update", number, "--swhid", swhid, *NAMED, "--description", "Better words", "--json")
    assert updated.json["status"] == "done"
    more = deposit("update", number, "--swhid", swhid, "--version", "2", "--json")
    assert (more.code, more.json["status"]) == (0, "done")
    assert "softwareVersion: (nothing) -> 2" in more.err
    kept = more.err.partition("Kept: ")[2]
    assert {"author", "description"} <= {field.strip() for field in kept.split(",")}
    wrong = deposit("update", number, "--swhid", "swh:1:dir:" + 40 * "0", *NAMED)
    assert (wrong.code, wrong.out) == (3, "")
    described = deposit("metadata-only", *NAMED, "--reference", swhid, "--json")
    assert (described.code, described.json["status"]) == (0, "done")


def test_service_and_list_show_the_collection(deposit: Run, server: Server) -> None:
    assert server.collection in [c["name"] for c in deposit("service", "--json").json["collections"]]
    assert len(deposit("list", "--limit", "1").out.splitlines()) <= 1


def test_show_tells_what_is_known(deposit: Run, folder: Path) -> None:
    number = str(upload(deposit, folder, *NAMED, "--partial").json["deposit_id"])
    shown = deposit("show", number, "--json").json
    assert shown["package"] == "hello-1.0.tar.gz"
    assert shown["links"]["edit-media"][0].endswith(f"/{number}/media/")
    deposit("cancel", number)


def test_wrong_password_exits_4(deposit: Run) -> None:
    outcome = deposit("list", DEPOSIT_PASSWORD="wrong")
    assert outcome.code == 4
    assert "password" in outcome.err.lower()


def test_absent_server_exits_6(run: Run) -> None:
    outcome = run(
        "status", "1", DEPOSIT_BASE_URL="http://127.0.0.1:1/1/", DEPOSIT_COLLECTION="x", DEPOSIT_RETRIES="0"
    )
    assert outcome.code == 6
    assert "cannot be reached" in outcome.err


def test_login_is_remembered_and_forgotten(run: Run, server: Server, tmp_path: Path) -> None:
    words = ("login", "--url", server.base_url, "-u", server.username, "--password-stdin", "--server", "here")
    login = run(*words, "--json", stdin=server.password + "\n")
    assert login.code == 0, login.err
    assert server.collection in login.json["collections"].split(", ")
    file = tmp_path / ".config" / "deposit" / "config.toml"
    assert file.stat().st_mode & 0o077 == 0
    assert run("list").code == 0
    assert run("logout", "here").code == 0
    assert run("list").code == 2


def test_login_with_a_wrong_password_is_not_remembered(run: Run, server: Server, tmp_path: Path) -> None:
    login = run("login", "--url", server.base_url, "-u", server.username, "--password-stdin", stdin="wrong\n")
    assert login.code == 4
    assert not (tmp_path / ".config").exists()


def test_configuration_that_others_can_read_is_refused(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('default = "a"\n')
    file.chmod(0o644)
    outcome = run("list", DEPOSIT_CONFIG=str(file))
    assert (outcome.code, "chmod 600" in outcome.err) == (2, True)


def test_list_follows_the_pages(depositor: Depositor, deposit: Run, folder: Path) -> None:
    numbers = [upload(deposit, folder, *NAMED, "--partial").json["deposit_id"] for _ in range(3)]
    rows = list(depositor.deposits(status="partial", page_size=2))
    assert [int(row["id"]) for row in rows if int(row["id"]) in numbers] == numbers
    for number in numbers:
        depositor.cancel(number)


def test_completion_is_offered_to_the_shell() -> None:
    wanted = {"COMP_WORDS": "deposit up", "COMP_CWORD": "1", "_DEPOSIT_COMPLETE": "bash_complete"}
    done = subprocess.run(
        [sys.executable, "-m", "client"],
        env={**os.environ, **wanted},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split() == ["plain,upload", "plain,update"]


def test_help_needs_nothing_slow() -> None:
    script = "import sys; from client.cli import main; main(['--help']); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "upload" in done.stdout
    assert not {"httpx", "ssl", "asyncio", "xml.etree"} & set(done.stdout.split())
