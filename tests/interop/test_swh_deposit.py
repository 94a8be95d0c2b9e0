"""Whole lives of deposits, led by the client of Software Heritage (swh.deposit 3.0.1, unchanged)."""

import json
from pathlib import Path

import pytest

from tests.interop.packages import Tree, directory_swhid, tarred, zipped
from tests.interop.service import Service
from tests.interop.swh_deposit import SwhDeposit

ONE: Tree = {"soft-1/README": b"one\n", "soft-1/src/main.c": b"int main() { return 0; }\n"}
TWO: Tree = {"soft-1/README": b"two\n", "soft-1/NEWS": b"it changed\n"}

ENTRY = """<?xml version="1.0" encoding="utf-8"?>
<entry xmlns="http://www.w3.org/2005/Atom" xmlns:dcterms="http://purl.org/dc/terms/"
       xmlns:codemeta="https://doi.org/10.5063/SCHEMA/CODEMETA-2.0" xmlns:schema="http://schema.org/"
       xmlns:swh="https://www.softwareheritage.org/schema/2018/deposit">
  <title>A program</title>
  <codemeta:author>{author}</codemeta:author>
  <dcterms:abstract>{abstract}</dcterms:abstract>
  <swh:deposit>
    {deposit}
    <swh:metadata-provenance><schema:url>{provider}about</schema:url></swh:metadata-provenance>
  </swh:deposit>
</entry>
"""
ADA = "<codemeta:name>Ada</codemeta:name>"


def document(
    folder: Path, service: Service, *, abstract: str = "It computes.", author: str = ADA, deposit: str = ""
) -> Path:
    path = folder / "metadata.xml"
    provider = service.provider_url.rstrip("/") + "/"
    path.write_text(ENTRY.format(author=author, abstract=abstract, deposit=deposit, provider=provider))
    return path


def origin(service: Service, name: str) -> str:
    return f"{service.provider_url.rstrip('/')}/{name}"


@pytest.fixture(scope="module")
def done(swh_deposit: SwhDeposit, service: Service, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The number of a deposit that is in the archive, made with the shortest command there is."""
    package = tarred(tmp_path_factory.mktemp("done") / "soft-1.tar.gz", ONE)
    url = origin(service, "soft")
    words = ("--archive", package, "--name", "Soft", "--author", "Ada", "--create-origin", url)
    receipt = swh_deposit.json("upload", *words)
    assert receipt["deposit_status"] == "deposited"
    assert service.settled(receipt["deposit_id"])["deposit_status"] == "done"
    deposit_id: str = receipt["deposit_id"]
    return deposit_id


def test_status_tells_the_identifiers_in_every_format(
    swh_deposit: SwhDeposit, service: Service, done: str
) -> None:
    swhid = directory_swhid(ONE)
    status = swh_deposit.json("status", "--deposit-id", done)
    assert (status["deposit_status"], status["deposit_swh_id"]) == ("done", swhid)
    context = status["deposit_swh_id_context"].split(";")
    assert context[:2] == [swhid, f"origin={origin(service, 'soft')}"]
    assert [part.split(":", 3)[:3] for part in context[2:4]] == [
        ["visit=swh", "1", "snp"],
        ["anchor=swh", "1", "rel"],
    ]
    assert context[4:] == ["path=/"]
    as_yaml = swh_deposit.run("status", "--deposit-id", done, "--format", "yaml")
    assert f"deposit_swh_id: {swhid}\n" in as_yaml.stdout
    as_log = swh_deposit.run("status", "--deposit-id", done)
    assert f"'deposit_swh_id': '{swhid}'" in as_log.stderr


def test_the_list_has_the_deposit(swh_deposit: SwhDeposit, service: Service, done: str) -> None:
    listed = swh_deposit.json("list", "--page-size", "1000")
    (mine,) = [deposit for deposit in listed["deposits"] if deposit["id"] == done]
    assert int(listed["count"]) == len(listed["deposits"])
    assert (mine["status"], mine["swhid"], mine["origin_url"]) == (
        "done",
        directory_swhid(ONE),
        origin(service, "soft"),
    )


def test_a_deposit_is_built_from_parts(swh_deposit: SwhDeposit, service: Service, tmp_path: Path) -> None:
    create = f'<swh:create_origin><swh:origin url="{origin(service, "parts")}"/></swh:create_origin>'
    metadata = document(tmp_path, service, deposit=create)
    first = swh_deposit.json("upload", "--metadata", metadata, "--partial")
    assert first["deposit_status"] == "partial"
    update = ("--deposit-id", first["deposit_id"])
    swh_deposit.json("upload", "--archive", tarred(tmp_path / "one.tar.gz", ONE), "--partial", *update)
    last = swh_deposit.json("upload", "--archive", zipped(tmp_path / "two.zip", TWO), *update)
    assert last["deposit_status"] != "partial"
    status = service.settled(first["deposit_id"])
    assert (status["deposit_status"], status["deposit_swh_id"]) == ("done", directory_swhid({**ONE, **TWO}))
    assert status["deposit_origin_url"] == origin(service, "parts")


def test_packages_and_metadata_are_replaced(
    swh_deposit: SwhDeposit, service: Service, tmp_path: Path
) -> None:
    package, metadata = zipped(tmp_path / "one.zip", ONE), document(tmp_path, service, abstract="Before.")
    first = swh_deposit.json("upload", "--archive", package, "--metadata", metadata, "--partial")
    update = ("--deposit-id", first["deposit_id"], "--partial", "--replace")
    assert ">Before.<" in service.receipt(first["deposit_id"])
    swh_deposit.json("upload", "--metadata", document(tmp_path, service, abstract="After."), *update)
    assert ">After.<" in service.receipt(first["deposit_id"])
    swh_deposit.json("upload", "--archive", zipped(tmp_path / "two.zip", TWO), *update)
    both = ("--archive", package, "--metadata", document(tmp_path, service, abstract="At last."))
    swh_deposit.json("upload", *both, "--deposit-id", first["deposit_id"], "--replace")
    status = service.settled(first["deposit_id"])
    assert (status["deposit_status"], status["deposit_swh_id"]) == ("done", directory_swhid(ONE))
    assert ">At last.<" in service.receipt(first["deposit_id"])


def test_metadata_alone_are_deposited_on_an_archived_object(
    swh_deposit: SwhDeposit, service: Service, tmp_path: Path, done: str
) -> None:
    context = service.status(done)["deposit_swh_id_context"]
    reference = f'<swh:reference><swh:object swhid="{context}"/></swh:reference>'
    receipt = swh_deposit.json("metadata-only", "--metadata", document(tmp_path, service, deposit=reference))
    assert receipt["deposit_status"] == "done"
    status = swh_deposit.json("status", "--deposit-id", receipt["deposit_id"])
    assert (status["deposit_swh_id"], status["deposit_swh_id_context"]) == (directory_swhid(ONE), context)


def test_metadata_alone_on_an_unknown_object_are_refused(
    swh_deposit: SwhDeposit, service: Service, tmp_path: Path
) -> None:
    reference = f'<swh:reference><swh:object swhid="swh:1:dir:{"7" * 40}"/></swh:reference>'
    answer = swh_deposit.json("metadata-only", "--metadata", document(tmp_path, service, deposit=reference))
    assert answer["status"] == 400
    assert f"swh:1:dir:{'7' * 40}" in answer["summary"]


def test_metadata_of_a_deposit_that_is_done_are_updated(
    swh_deposit: SwhDeposit, service: Service, tmp_path: Path, done: str
) -> None:
    update = ("--deposit-id", done, "--swhid", directory_swhid(ONE))
    status = swh_deposit.json(
        "upload", "--metadata", document(tmp_path, service, abstract="Updated."), *update
    )
    assert status["deposit_status"] == "done"
    assert ">Updated.<" in service.receipt(done)


def test_an_update_with_another_swhid_changes_nothing(
    swh_deposit: SwhDeposit, service: Service, tmp_path: Path, done: str
) -> None:
    before = service.receipt(done)
    update = ("--deposit-id", done, "--swhid", directory_swhid(TWO))
    swh_deposit.json("upload", "--metadata", document(tmp_path, service, abstract="Wrong."), *update)
    assert service.receipt(done) == before


def test_a_rejected_deposit_says_what_to_mend(
    swh_deposit: SwhDeposit, service: Service, tmp_path: Path
) -> None:
    package, metadata = zipped(tmp_path / "soft.zip", ONE), document(tmp_path, service, author="Ada")
    receipt = swh_deposit.json("upload", "--archive", package, "--metadata", metadata)
    service.settled(receipt["deposit_id"])
    status = swh_deposit.json("status", "--deposit-id", receipt["deposit_id"])
    assert status["deposit_status"] == "rejected"
    assert status["deposit_status_detail"].splitlines()[0] == (
        "- A person or organization needs a name: write it as <codemeta:name> inside <codemeta:author> "
        "(entry/codemeta:author, line 6)"
    )


def test_errors_reach_the_person(
    swh_deposit: SwhDeposit, service: Service, tmp_path: Path, done: str
) -> None:
    wrong = swh_deposit.run("status", "--deposit-id", done, password="wrong")
    assert wrong.returncode != 0
    assert "Invalid username/password." in wrong.stderr
    unknown = swh_deposit.json("status", "--deposit-id", "999999")
    assert (unknown["status"], unknown["summary"]) == (404, "Deposit with id 999999 does not exist")
    foreign = '<swh:create_origin><swh:origin url="https://elsewhere.example/x"/></swh:create_origin>'
    words = ("--archive", zipped(tmp_path / "soft.zip", ONE))
    refused = swh_deposit.run("upload", *words, "--metadata", document(tmp_path, service, deposit=foreign))
    assert "URL mismatch: https://elsewhere.example/x must start with" in refused.stderr + refused.stdout


def test_a_deposit_that_is_done_cannot_be_changed(swh_deposit: SwhDeposit, tmp_path: Path, done: str) -> None:
    package = zipped(tmp_path / "soft.zip", TWO)
    answer = json.loads(
        swh_deposit.run("upload", "--archive", package, "--deposit-id", done, "--format", "json").stdout
    )
    assert answer["error"] == "You can only act on deposit with status 'partial'"
