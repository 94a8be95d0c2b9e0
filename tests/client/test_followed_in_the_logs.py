"""A deposit can be followed through the log lines of all processes, by its number."""

import re
from pathlib import Path

from client import Depositor, Metadata
from tests.client.conftest import Server


def lines_of(server: Server, number: int) -> list[tuple[str, str]]:
    """Process and text of every line that names the deposit."""
    log = (server.data / "run.log").read_text(errors="replace")
    found = re.findall(r"^\S+ (\w+) +\| (.*)$", re.sub(r"\x1b\[[0-9;]*m", "", log), re.MULTILINE)
    return [(process, text) for process, text in found if re.search(rf"\bdeposit={number}\b", text)]


def test_every_step_of_a_deposit_is_logged_with_its_request_or_task(
    server: Server, depositor: Depositor, folder: Path
) -> None:
    from client.packing import packed  # noqa: PLC0415

    with packed(folder) as package:
        number = depositor.upload(package, metadata=Metadata(name="log", authors=("Ada",))).deposit_id
    assert depositor.wait(number, timeout=60).status == "done"
    steps = [
        (process, re.findall(r"\bevent=(\w+)", text), re.findall(r"\b(request|task)=\S+", text))
        for process, text in lines_of(server, number)
        if " status=" in text
    ]
    assert steps == [
        ("web", ["complete"], ["request"]),
        ("checker", ["check"], ["task"]),
        ("checker", ["verify"], ["task"]),
        ("loader", ["start"], ["task"]),
        ("loader", ["finish"], ["task"]),
    ]
